"""What a verb did, what it left alone and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from torch import nn

from normlab.surgery.edits import Edit


class Left(NamedTuple):
    """A norm, or a place for one, that stayed as it was."""

    path: str
    reason: str


class Report(NamedTuple):
    """Every norm of the network is in `done` or in `left`.

    Example:
        >>> print(Report("fold", left=(Left("bn", "it runs 2 times, not once"),)))
        fold: 0 done, 1 left
        left bn: it runs 2 times, not once
    """

    verb: str
    done: tuple[Edit, ...] = ()
    left: tuple[Left, ...] = ()
    notes: tuple[str, ...] = ()
    """What else is to be known, a line each."""
    largest_change: float | None = None
    """Of the answer, in parts of its largest value; None if that may be another one."""

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.verb}: {len(self.done)} done, {len(self.left)} left"
        yield from map(str, self.done)
        yield from (f"left {path or 'the network'}: {why}" for path, why in self.left)
        yield from self.notes
        if self.largest_change is not None:
            change = f"{self.largest_change:.2g}"
            yield f"largest change of the answer: {change} of its scale"


class Operated(NamedTuple):
    """The new network, and what was done to it."""

    model: nn.Module
    report: Report
