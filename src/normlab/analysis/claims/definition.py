"""What a claim is: a statement about two arms, and what one pair of twins says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from normlab.records.rows import RunRecord
from normlab.records.surface import Surface


@dataclass(frozen=True, kw_only=True, eq=False)
class Twins:
    """The two runs of one seed and rate that are compared; both have ended."""

    seed: int
    baseline: RunRecord
    other: RunRecord
    baseline_rates: tuple[RunRecord, ...] = ()
    """The baseline at all rates of the study, where rates are compared."""
    other_rates: tuple[RunRecord, ...] = ()
    bowls: tuple[Surface, Surface] | None = None
    """Baseline and other on their common plane, if that was measured."""
    classes: int | None = None
    """How many classes the labels have; None if the study does not say."""

    @property
    def diverged(self) -> str | None:
        """Which of them has diverged, in words; None if both came to their end."""
        runs = (self.baseline, self.other)
        names = [run.key.arm for run in runs if run.status == "diverged"]
        return f"{' and '.join(names)} diverged" if names else None


@dataclass(frozen=True)
class Omitted:
    """Why twins give no effect for a claim, e.g. "batch diverged"."""

    because: str


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One claim, before any study is looked at.

    A new claim is one file with such an object, and one row in `claims/__init__.py`.
    """

    id: str
    statement: str
    """With the places {arm} and {baseline}, in words that hold for any two arms."""
    measure: str
    scale: Literal["ratio", "difference"]
    """Ratios are analysed as logarithms and shown as ratios, 1 = equal."""
    unit: str
    better: Literal["higher", "lower"]
    """On which side of equal the other arm's effects support the statement."""
    margin: float | None
    """Up to where a difference does not matter: a ratio above 1, or a difference."""
    effect: Callable[[Twins], float | Omitted]
    """The other arm against the baseline: log ratio or difference, by `scale`."""
    compares: Literal["runs", "rates"] = "runs"
    """One run of each arm, or its runs at all rates: then only with several rates."""
    probe: str = ""
    """Whose arrays it rests on; where a study did not observe them, it is not made."""
    surfaces: bool = False
    """Whether it rests on bowls; likewise."""
    test: Literal["t", "mcnemar"] = "t"
    over_images: bool = False
    """Whether a second interval draws the test images anew, from `correct`."""
    beside: Callable[[Twins, float], float | None] | None = None
    """A second effect, from twins and effect, that is shown but not judged."""
    beside_name: str = ""
    caveat: str = ""
    """What the literature contests about the statement or its measure."""

    @property
    def sign(self) -> int:
        """1 if higher effects support the statement, else -1."""
        return 1 if self.better == "higher" else -1
