"""Progress on a terminal: a line per run that fills, and the whole below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live as RichLive
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from normlab.cli.wording import count, duration, nats, percent
from normlab.study.progress import SETTLED, Progress, RunProgress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from normlab.spec.plan import RunKey
    from normlab.spec.study import StudySpec

# the workers share the cores with this process; a redraw costs a few milliseconds
_REDRAWS_PER_SECOND = 2
_STYLES = {"running": "bold", "done": "green", "diverged": "red", "failed": "red"}
_OVERALL_LINES = 4  # header, bar, phase, and the line the cursor rests on


class Live(Progress):
    """Shows the state of every run, as many as fit; the bar is always in sight."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__()
        self._console = console or Console()
        self._live = RichLive(
            console=self._console,
            get_renderable=self.picture,
            refresh_per_second=_REDRAWS_PER_SECOND,
        )
        self._live.start()

    def began(
        self,
        spec: StudySpec,
        plan: Sequence[RunKey],
        steps_per_epoch: int,
        epochs_done: Mapping[RunKey, int],
    ) -> None:
        """Lay out the runs and show them at once."""
        super().began(spec, plan, steps_per_epoch, epochs_done)
        self.phase = ""
        self._live.refresh()

    def status(self, key: RunKey, status: str, reason: str | None) -> None:
        """Keep a reason above the table, where it stays."""
        super().status(key, status, reason)
        if reason:
            self._console.print(f"{key.id}: {status}: {reason}", markup=False)

    def ended(self) -> None:
        """Leave the last state on the screen and give the cursor back."""
        self.phase = ""
        self._live.stop()

    def picture(self) -> RenderableType:
        """What the terminal shows now."""
        if not self.runs:
            return Text(self.phase)
        room = max(1, self._console.size.height - _OVERALL_LINES)
        return Group(self._table(room), self._overall(), Text(self.phase))

    def _table(self, room: int) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        rates = len({key.rate for key in self.runs}) > 1
        left = ("arm", "lr", "seed") if rates else ("arm", "seed")
        for name in left:
            table.add_column(name, no_wrap=True)
        for name in ("epoch", "loss", "test accuracy", "steps/s"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("status", no_wrap=True)
        for run in self._in_sight(room):
            rate = (f"{run.key.rate:g}",) if rates else ()
            table.add_row(
                run.key.arm, *rate, str(run.key.seed), *self._cells(run),
                style=_STYLES.get(run.status, "dim"),
            )  # fmt: skip
        return table

    def _cells(self, run: RunProgress) -> tuple[str, ...]:
        speed = f"{run.steps_per_second:.0f}" if run.steps_per_second else ""
        current = min(run.epoch + (run.status == "running"), self.epochs)
        return (
            f"{current}/{self.epochs}",
            nats(run.loss),
            percent(run.accuracy),
            speed,
            run.status,
        )

    def _in_sight(self, room: int) -> list[RunProgress]:
        """All runs if they fit, else those in training, then what comes next."""
        runs = list(self.runs.values())
        if len(runs) <= room:
            return runs
        urgency = {"running": 0, "queued": 1, "interrupted": 1}
        chosen = sorted(runs, key=lambda run: urgency.get(run.status, 2))[:room]
        return [run for run in runs if run in chosen]

    def _overall(self) -> Table:
        done = sum(run.status in SETTLED for run in self.runs.values())
        line = Table.grid(padding=(0, 2))
        line.add_row(
            f"{done} of {count(len(self.runs), 'run')}",
            ProgressBar(total=self.steps_total, completed=self.steps_done, width=30),
            f"{100 * self.steps_done / max(1, self.steps_total):.0f} %",
            f"{duration(self.seconds_gone)} gone",
            f"{duration(self.seconds_left())} left",
        )
        return line
