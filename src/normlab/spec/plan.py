"""From a study to its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from normlab.spec.point import SweepPoint, point_id

if TYPE_CHECKING:
    from normlab.spec.study import StudySpec


class RunKey(NamedTuple):
    """One arm at one learning rate from one seed: the unit of work.

    Where a study sweeps other settings too, `point` says their values.

    Example:
        >>> RunKey("batch", 0.01, 0).id
        'batch-lr0.01-seed0'
        >>> RunKey("batch", 0.01, 0, (("recipe.batch_size", 8),)).id
        'batch-lr0.01-batch_size8-seed0'
    """

    arm: str
    rate: float
    seed: int
    point: SweepPoint = ()

    @property
    def id(self) -> str:
        """Unique in a study and safe in file names; the rate as Python prints it."""
        # repr is the shortest text that reads back as the same float, so no two
        # rates share one
        point = f"-{point_id(self.point)}" if self.point else ""
        return f"{self.arm}-lr{float(self.rate)!r}{point}-seed{self.seed}"


def plan(spec: StudySpec) -> tuple[RunKey, ...]:
    """Every run of the study: seed by seed, with the twins beside each other.

    An interrupted study thus holds complete pairs of its first seeds.
    """
    return tuple(
        RunKey(arm.name, rate, seed, point)
        for seed in spec.seeds
        for point in spec.sweep.points
        for rate in spec.recipe.rates
        for arm in spec.arms
    )
