"""Progress on a terminal: a line per run that fills, and the whole below."""

from __future__ import annotations

from heapq import nsmallest
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live as RichLive
from rich.text import Text

from normlab.analysis.text.words import count, nats
from normlab.foreign import plain
from normlab.study.listener import Workload
from normlab.study.progress import SETTLED, Progress, RunProgress
from normlab.terminal.wording import duration, percent, run_name

if TYPE_CHECKING:
    from rich.console import RenderableType

    from normlab.spec.plan import RunKey
    from normlab.study.stages import Stage

# the workers share the cores with this process; a redraw costs a few milliseconds
_REDRAWS_PER_SECOND = 2
_STYLES = {"running": "bold", "done": "green", "diverged": "red", "failed": "red"}
_BAR = 25  # characters
_NAME = 33  # characters of a run's name that leave room for its numbers
_OVERALL_LINES = 4  # header, bar, phase, and the line the cursor rests on


class LiveProgress(Progress):
    """Shows the state of every run, as many as fit; the bar is always in sight."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__()
        self._console = console or Console()
        self._name_widths: dict[int, int] = {}  # by the number of runs: they only grow
        self._labelled = True
        self._live = RichLive(
            console=self._console,
            get_renderable=self.picture,
            refresh_per_second=_REDRAWS_PER_SECOND,
        )
        self._live.start()

    def began(self, work: Workload) -> None:
        """Lay out the runs and show them at once."""
        super().began(work)
        self.phase = ""
        self._live.refresh()

    def status(self, key: RunKey, status: str, reason: str | None) -> None:
        """Keep a reason above the table, where it stays."""
        super().status(key, status, reason)
        if reason and self.news(reason):
            line = plain(f"{key.id}: {status}: {reason}")
            self._console.print(line, markup=False, highlight=False)

    def stage(self, stage: Stage) -> None:
        """Show it in the place of what was noted."""
        super().stage(stage)
        self.phase = ""

    def told(self, text: str) -> None:
        """Print it above the table, where it stays."""
        self._console.print(plain(text), markup=False, highlight=False)

    def ended(self) -> None:
        """Leave the last state on the screen and give the cursor back."""
        self.phase = ""
        self._live.stop()

    def picture(self) -> RenderableType:
        """What the terminal shows now."""
        if not self.runs:
            return Text(plain(self.phase))
        room = max(1, self._console.size.height - _OVERALL_LINES)
        lines = [self._heading(), *map(self._line, self._in_sight(room))]
        # lines of our own: rich's tables take five times as long to lay out
        text = Text("\n", no_wrap=True, overflow="crop").join(lines)
        return Group(text, self._overall(), Text(plain(self._below())))

    def _heading(self) -> Text:
        line = self._columns("run", "epoch", "loss", "accuracy", "steps/s", "status")
        return Text(line, style="dim")

    def _columns(self, name: str, *cells: str) -> str:
        """Names to the left, numbers to the right; speeds where there is room."""
        epoch, loss, accuracy, speed, status = cells
        width, few = self._name_width(), len(f"{self.epochs}/{self.epochs}")
        speed = f"{speed:>7}  " if width <= _NAME else ""
        epoch = epoch.rjust(max(few, len("epoch")))
        return f"{name:{width}}  {epoch}  {loss:>7}  {accuracy:>8}  {speed}{status}"

    def _line(self, run: RunProgress) -> Text:
        epoch = f"{run.epoch}/{self.epochs}"  # how many are done
        accuracy = f"{'~' if run.glimpse else ''}{percent(run.accuracy)}"
        speed = f"{run.steps_per_second:.0f}" if run.steps_per_second else ""
        name, loss = self._name(run.key), nats(run.loss)
        return Text(
            self._columns(name, epoch, loss, accuracy, speed, run.status),
            style=_STYLES.get(run.status, "dim"),
        )

    def _name(self, key: RunKey) -> str:
        labels = self.labels if self._labelled else None
        return run_name(key, rates=self.several_rates, labels=labels)

    def _name_width(self) -> int:
        runs = self.runs
        if len(runs) not in self._name_widths:
            self._labelled = True
            width = max(len(self._name(key)) for key in runs)
            if width > _NAME:  # the names of the arms are shorter
                self._labelled = False
                width = max(len(self._name(key)) for key in runs)
            self._name_widths = {len(runs): width}
        return self._name_widths[len(runs)]

    def _in_sight(self, room: int) -> list[RunProgress]:
        """All runs if they fit, else those in training, then what comes next."""
        runs = list(self.runs.values())
        if len(runs) <= room:
            return runs
        urgency = {"running": 0, "queued": 1, "interrupted": 1}
        chosen = nsmallest(
            room, range(len(runs)), key=lambda i: urgency.get(runs[i].status, 2)
        )
        return [runs[i] for i in sorted(chosen)]

    def _below(self) -> str:
        """The phase; else how far a stage is, what follows, and what `~` means."""
        if self.phase:
            return self.phase
        slices = any(run.glimpse for run in self.runs.values())
        legend = "~ on a slice of the test images" if slices else ""
        return "; ".join(filter(None, (self.stages.text, self._then(), legend)))

    def _then(self) -> str:
        """What comes next, and how long each takes, as far as is known."""
        parts = []
        for stage in self.stages.following:
            step = self.step_seconds(stage.point)
            long = "" if step is None else f" {duration(stage.seconds(step))}"
            parts.append(f"{stage.name}{long}")
        return f"then {', '.join(parts)}" if parts else ""

    def _overall(self) -> Text:
        done = sum(run.status in SETTLED for run in self.runs.values())
        share = self.share
        full = int(share * _BAR)  # whole only at the end
        seconds = self.seconds_left()
        left = "starting" if seconds is None else f"{duration(seconds)} left"
        return Text.assemble(
            f"{done:,} of {count(len(self.runs), 'run')}  ",
            ("━" * full, "green"),
            ("━" * (_BAR - full), "dim"),
            f"  {int(100 * share)} %  {duration(self.seconds_gone)} gone  {left}",
            no_wrap=True,
            overflow="crop",
        )
