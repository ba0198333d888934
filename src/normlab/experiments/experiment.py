"""What an experiment of the literature is here: a study, and the statements to test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from normlab.spec.point import SweepPoint
    from normlab.spec.study import StudySpec


@dataclass(frozen=True, kw_only=True)
class Statement:
    """Something that a publication says, and the claim that tests it here."""

    says: str
    """In our words."""
    source: str
    """Where it is said."""
    claim: str
    """The id of a claim, e.g. `better-accuracy`."""
    arm: str
    against: str = "none"
    """The arm that it is compared with."""
    rates: Literal["own", "same"] = "own"
    """Where a study trains at several: each arm at its own best, or both at each."""
    rates_between: tuple[float, float] | None = None
    """The rates that it speaks of, where both arms are compared at each; None: all."""
    between: tuple[float, float] | None = None
    """The values of the swept key that it speaks of; None: all."""
    expects: frozenset[str] = frozenset({"supported"})
    """The verdicts on the claim that would agree with the statement."""

    def speaks_at(self, compared: str, rate: float, point: SweepPoint) -> bool:
        """Whether it is about this rate, where rates are equal, and this point."""
        if self.rates_between is not None and compared == "same-rate":
            least, most = self.rates_between
            if not least <= rate <= most:
                return False
        if self.between is None:
            return True
        low, high = self.between
        return any(
            isinstance(value, int | float) and low <= value <= high
            for _, value in point
        )


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One experiment by name.

    Attributes:
        name: As behind `normlab run`.
        title: One line of what is asked.
        differs: In what it is not the publication's, in a sentence or two: network,
            data, batches, and the size of effects against our margins.
        picture: The figure that shows the answer, by its name in `normlab.figures`.
        default: The tables of study.toml, where they differ from the defaults; minutes
            on two cores.
        full: What differs in the long form; empty if there is none.
        statements: What is tested.
        step_table: Whether its page shows steps to the baseline's best accuracy.
    """

    name: str
    title: str
    differs: str
    picture: str
    default: Mapping[str, Any] = field(default_factory=dict)
    full: Mapping[str, Any] = field(default_factory=dict)
    statements: tuple[Statement, ...] = ()
    step_table: bool = False

    def spec(self, *, full: bool = False) -> StudySpec:
        """The study, in its default or its long form."""
        from normlab.spec.study import StudySpec

        tables = _merged(self.default, self.full) if full else self.default
        return StudySpec(**{**tables, "experiment": self.name})


def _merged(tables: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Tables with some of their keys replaced; what is no table is replaced whole."""
    both = {
        key: {**tables[key], **change}
        for key, change in changes.items()
        if isinstance(change, dict) and key in tables and key != "sweep"
    }
    return {**tables, **changes, **both}
