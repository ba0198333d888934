"""What a study's seeds say about one claim, before any verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.analysis.design.pairs import Pairing, Runs
from normlab.analysis.inference.bootstrap import (
    image_variance,
    percentile_interval,
    resampled_differences,
)
from normlab.analysis.inference.interval import (
    CONFIDENCE,
    Estimate,
    is_constant,
    t_interval,
    t_test,
)
from normlab.analysis.inference.mcnemar import mcnemar
from normlab.errors import BadFolder, NotMeasured, described
from normlab.user_code import is_stop

MIN_SEEDS = 3

Correct = NDArray[np.bool_]  # (test images,)


class Gap(NamedTuple):
    """A seed without an effect, and why."""

    seed: int
    because: str
    pending: bool = False
    """Whether it may yet have one: its runs have not ended."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """The effects of one claim for one pairing; ratios as logarithms."""

    definition: Definition
    pairing: Pairing
    twins: tuple[Twins, ...]
    effects: NDArray[np.float64]  # (twins,)
    gaps: tuple[Gap, ...]

    @property
    def planned(self) -> int:
        """How many seeds the study has."""
        return len(self.twins) + len(self.gaps)

    @property
    def margin(self) -> float | None:
        """On the scale of the effects."""
        margin = self.definition.margin
        if margin is None or self.definition.scale == "difference":
            return margin
        return math.log(margin)

    @cached_property
    def p(self) -> float | None:
        """Two-sided p; None where a test is impossible or there are too few seeds.

        What cannot be tested is no member of the family that is corrected for: it
        could not become a false claim.
        """
        if self.effects.size < MIN_SEEDS:
            return None
        if self.definition.test == "mcnemar":
            return mcnemar(*self.only_one)
        return t_test(self.effects)

    @property
    def only_one(self) -> tuple[int, int]:
        """How many seeds speak for the other arm alone, and for the baseline alone."""
        return int((self.effects > 0).sum()), int((self.effects < 0).sum())

    def over_seeds(self, confidence: float = CONFIDENCE) -> Estimate:
        """Mean effect and paired t interval.

        Pairs that only count have no interval, nor have effects without any spread.
        """
        estimate = t_interval(self.effects, confidence)
        if self.definition.test == "mcnemar" or is_constant(self.effects):
            return estimate._replace(low=math.nan, high=math.nan)
        return estimate

    def over_images(self, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
        """The interval with the test images drawn anew too, where there are images."""
        if self._resampled is None:
            return None
        return percentile_interval(self._resampled, confidence)

    def headline(self, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
        """The wider of both intervals: the one that verdicts are read from."""
        intervals = (self.over_seeds(confidence).interval, self.over_images(confidence))
        known = [interval for interval in intervals if interval]
        return max(known, key=lambda ends: ends[1] - ends[0]) if known else None

    @cached_property
    def image_variance(self) -> float:
        """Variance of the mean effect that stays however many seeds there are."""
        return image_variance(*self._correct) if self._correct else 0.0

    @cached_property
    def _resampled(self) -> NDArray[np.float64] | None:
        return resampled_differences(*self._correct) if self._correct else None

    @cached_property
    def _correct(self) -> tuple[list[Correct], list[Correct]] | None:
        """Which test images each seed got right, without and with the other arm."""
        known = [
            (baseline, other)
            for pair in self.twins
            if (baseline := pair.baseline.correct) is not None
            and (other := pair.other.correct) is not None
        ]
        sizes = {array.size for pair in known for array in pair}
        # a run that diverged at once has chance, but no images that it got right
        enough = len(known) >= max(len(self.twins), MIN_SEEDS) and len(sizes) == 1
        if not (self.definition.over_images and enough):
            return None
        return [first for first, _ in known], [second for _, second in known]


def collect(
    definition: Definition, pairing: Pairing, runs: Runs, seeds: Sequence[int]
) -> Evidence:
    """Measure the claim on the twins of every seed."""
    twins: list[Twins] = []
    effects: list[float] = []
    gaps: list[Gap] = []
    for seed in seeds:
        pair = runs.twins(pairing, seed)
        effect = pair if isinstance(pair, Omitted) else _effect(definition, pair)
        if isinstance(pair, Omitted) or isinstance(effect, Omitted):
            assert isinstance(effect, Omitted)
            gaps.append(Gap(seed, effect.because, effect.pending))
            continue
        twins.append(pair)
        effects.append(effect)
    return Evidence(
        definition=definition,
        pairing=pairing,
        twins=tuple(twins),
        effects=np.asarray(effects, dtype=np.float64),
        gaps=tuple(gaps),
    )


def _effect(definition: Definition, pair: Twins) -> float | Omitted:
    """What the twins say; what is computed of files may find anything in them."""
    try:
        effect = definition.effect(pair)
    except (NotMeasured, BadFolder) as lacking:
        return Omitted(str(lacking).rstrip("."))
    except BaseException as fault:
        if is_stop(fault):
            raise
        if definition.own:
            return Omitted(f"its effect failed: {described(fault)}")
        if not (definition.probe or definition.surfaces):
            raise
        what = f"the {definition.probe or 'surfaces'}"
        return Omitted(
            f"{what} kept are not what normlab keeps ({type(fault).__name__})"
        )
    if isinstance(effect, Omitted):
        return effect
    if definition.own and not isinstance(effect, Real):
        return Omitted(f"its effect gave a {type(effect).__name__}, not a number")
    if not math.isfinite(effect):
        return Omitted("no finite number came out")
    return float(effect)
