"""The table of a study: every arm's losses and accuracy, mean and interval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from normlab.analysis.arms import ArmSummary
from normlab.analysis.inference.interval import Estimate
from normlab.analysis.text.layout import WIDTH, spread, wrapped
from normlab.analysis.text.words import aligned
from normlab.spec.point import SweepPoint, point_text

MAX_EPOCHS = 12  # rows; of longer trainings the first, the last and some between
MAX_ROWS = 60  # that are printed
WIDEST = WIDTH
GAP = "  "  # between columns

Row = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Rows of text under a head; prints aligned, and as HTML in a notebook.

    Columns that do not fit beside each other are printed below each other, and of many
    rows the first, the last and some between. HTML has all. Without rows it is its
    caption.
    """

    caption: str
    head: Row
    rows: tuple[Row, ...]

    def __str__(self) -> str:
        if not self.rows:
            return wrapped(self.caption)
        rows = spread(self.rows, MAX_ROWS)
        parts = [_aligned(columns) for columns in _beside((self.head, *rows))]
        caption = self.caption
        if len(rows) < len(self.rows):
            caption += f"; {len(rows)} of {len(self.rows):,} rows are shown"
        return "\n".join(("\n\n".join(parts), wrapped(caption)))

    def _repr_html_(self) -> str:
        # a corner without words heads nothing
        head = "".join(
            f'<th scope="col">{escape(cell)}</th>' if cell else "<td></td>"
            for cell in self.head
        )
        rows = "".join(
            f'<tr><th scope="row">{escape(first)}</th>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
            + "</tr>"
            for first, *cells in self.rows
        )
        return (
            f"<table><caption>{escape(self.caption)}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )


def _beside(lines: Sequence[Row]) -> Iterator[list[Row]]:
    """The columns in groups that fit a page, each with the first one before it."""
    first, *others = zip(*lines, strict=True)
    group, room = [first], WIDEST - _width(first)
    for column in others:
        taken = len(GAP) + _width(column)
        if taken > room and len(group) > 1:
            yield group
            group, room = [first], WIDEST - _width(first)
        group.append(column)
        room -= taken
    yield group


def _aligned(columns: Sequence[Row]) -> str:
    """Cells under their head and a rule."""
    widths = [_width(column) for column in columns]
    head, *rows = (
        GAP.join(map(str.ljust, cells, widths)).rstrip()
        for cells in zip(*columns, strict=True)
    )
    return "\n".join((head, GAP.join("-" * width for width in widths), *rows))


def _width(column: Row) -> int:
    return max(map(len, column))


def table_of(
    arms: Sequence[ArmSummary], *, largest_class: float | None = None
) -> Table:
    """One column per arm, and a row for each epoch and the final test.

    Of several rates or a sweep: a row for each of them, with its final test alone.

    Args:
        arms: The summaries of one study, all arms at all rates and points.
        largest_class: Share of the largest class in the test part, where it is known.
    """
    by_setting: dict[tuple[SweepPoint, float], dict[str, ArmSummary]] = {}
    for arm in arms:
        by_setting.setdefault((arm.point, arm.rate), {})[arm.arm] = arm
    labels = {arm.arm: arm.label for arm in arms}
    caption = "mean over seeds [95 % interval]"
    warned = next((f"; {arm.equal_seeds}" for arm in arms if arm.equal_seeds), "")
    if len(by_setting) == 1:
        means = "geometric means, " if all(arm.geometric for arm in arms) else ""
        caption += f"; losses: {means}nats per example"
        if any(_survivors(arm) for arm in arms):
            caption += "; *: over the runs that came so far alone"
    if largest_class is not None:
        caption += (
            f"; the largest class is {100 * largest_class:.2f} % of the test part"
        )
    caption += warned
    if len(by_setting) == 1:
        return Table(caption, ("", *labels.values()), tuple(_rows(arms)))
    several = len({rate for _, rate in by_setting}) > 1
    points = dict.fromkeys(point for point, _ in by_setting)
    place = {point: i for i, point in enumerate(points)}
    rows = [
        (
            _setting(point, rate if several else None),
            *(_final(by_setting[point, rate].get(name)) for name in labels),
        )
        for point, rate in sorted(
            by_setting, key=lambda each: (place[each[0]], each[1])
        )
    ]
    return Table(f"final test accuracy, {caption}", ("", *labels.values()), tuple(rows))


def _setting(point: SweepPoint, rate: float | None) -> str:
    lr = "" if rate is None else f"lr {rate:g}"
    return ", ".join(filter(None, (point_text(point), lr)))


def _final(arm: ArmSummary | None) -> str:
    """Accuracy of one arm at one setting, and how many of its runs did not train."""
    if arm is None:
        return "-"
    lost = f" ({_untrained(arm)})" if arm.untrained else ""
    return f"{_percent(arm.test_accuracy)}{lost}"


def _untrained(arm: ArmSummary) -> str:
    """How many of its runs did not train, and how many of these diverged."""
    diverged = f", {arm.diverged} diverged" if arm.diverged else ""
    return f"{arm.untrained} of {arm.ended} did not train{diverged}"


def _survivors(arm: ArmSummary) -> bool:
    """Whether a run that diverged is in the losses of fewer epochs than the others."""
    seeds = [loss.seeds for loss in (*arm.train_loss, arm.test_loss)]
    return arm.ended == arm.planned and min(seeds, default=0) < arm.ended


def _rows(arms: Sequence[ArmSummary]) -> list[Row]:
    epochs = max(len(arm.train_loss) for arm in arms)
    rows: list[Row] = [
        (
            f"epoch {epoch + 1} training loss",
            *(_at(arm, epoch) for arm in arms),
        )
        for epoch in spread(range(epochs), MAX_EPOCHS)
    ]
    rows.append(_row("test loss", arms, lambda arm: _loss(arm.test_loss, arm)))
    rows.append(_row("test accuracy", arms, lambda arm: _percent(arm.test_accuracy)))
    rows.append(_row("parameters", arms, _parameters))
    rows.append(_row("runs", arms, _runs))
    return rows


def _row(
    name: str, arms: Iterable[ArmSummary], cell: Callable[[ArmSummary], str]
) -> Row:
    return (name, *(cell(arm) for arm in arms))


def _at(arm: ArmSummary, epoch: int) -> str:
    return _loss(arm.train_loss[epoch], arm) if epoch < len(arm.train_loss) else "-"


def _loss(estimate: Estimate, arm: ArmSummary) -> str:
    survivors = 0 < estimate.seeds < arm.ended == arm.planned
    return _with_interval(estimate, 4, "") + ("*" if survivors else "")


def _percent(estimate: Estimate) -> str:
    # a t interval knows no bounds, but an accuracy does
    mean, low, high = (100 * np.clip(estimate[:3], 0, 1)).tolist()
    return _with_interval(Estimate(mean, low, high, estimate.seeds), 2, " %")


def _with_interval(estimate: Estimate, decimals: int, unit: str) -> str:
    if estimate.seeds == 0:
        return "-"
    mean, *ends = aligned(estimate.mean, *(estimate.interval or ()), decimals=decimals)
    return f"{mean}{unit}" + (f" [{ends[0]}, {ends[1]}]" if ends else "")


def _parameters(arm: ArmSummary) -> str:
    return "-" if arm.parameters is None else f"{arm.parameters:,}"


def _runs(arm: ArmSummary) -> str:
    lost = f", {_untrained(arm)}" if arm.untrained else ""
    return f"{arm.ended} of {arm.planned}{lost}"
