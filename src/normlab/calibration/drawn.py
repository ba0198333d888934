"""Studies in which nothing differs that claims are about, drawn from a pool of runs.

*A/A studies.* For n seeds 2n different runs are drawn and paired at random: one is
called the baseline, the other one `again`. Which is which is a coin's choice, so
whatever a measure says of a pair it says of the opposite with the same probability: its
true effect is 0, with no assumption about the runs. The test images are drawn anew too,
with replacement.

*Ladders.* The same with runs at several learning rates: 2n seeds, each with its runs at
all of them.

*Placebo studies.* The runs of `again` differ from the baseline's in something that no
claim is about, which A/A studies cannot show (see `placebo`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.design.learning import Chance
from normlab.calibration.pool import AGAIN, ARM
from normlab.records.rows import LARGEST, RunRecord, StudyRecord
from normlab.spec.arms import Arm
from normlab.spec.data import Data
from normlab.spec.plan import RunKey
from normlab.spec.recipe import Recipe
from normlab.spec.study import StudySpec

ARMS = (Arm(name=ARM, norm="none"), Arm(name=AGAIN, norm="none"))
# Of MNIST: ten classes, about even.
META = {"classes": "10", LARGEST: "0.1135"}
CHANCE = Chance.of(StudyRecord(spec=StudySpec(arms=ARMS), meta=META))
# The same studies are drawn whenever the same pool is calibrated.
ADDRESS = int.from_bytes(b"A/A studies", "big")


class Drawn(NamedTuple):
    """A study, and which seeds of the pool it was made of."""

    record: StudyRecord
    members: NDArray[np.int64]


def studies_of_runs(
    baseline: Sequence[RunRecord],
    other: Sequence[RunRecord],
    *,
    seeds: int,
    studies: int,
) -> Iterator[Drawn]:
    """Studies at one learning rate; no seed of the pool is in one of them twice.

    Args:
        baseline: Runs to draw from, one per seed of the pool.
        other: Those of the other arm, of the same seeds: the same runs in A/A studies.
        seeds: Pairs per study.
        studies: How many to draw.
    """
    stream = np.random.default_rng([ADDRESS, seeds])
    spec = StudySpec(arms=ARMS, seeds=tuple(range(seeds)))
    rate = spec.recipe.rates[0]
    for _ in range(studies):
        members = stream.permutation(len(baseline))[: 2 * seeds]
        images = _images(stream, baseline[0])
        runs = [
            _renamed(_tested(of[member], images), RunKey(arm.name, rate, seed))
            for seed, pair in enumerate(members.reshape(-1, 2))
            for arm, of, member in zip(ARMS, (baseline, other), pair, strict=True)
        ]
        yield Drawn(StudyRecord(spec=spec, meta=META, runs=tuple(runs)), members)


def studies_of_ladders(
    ladders: Sequence[Sequence[RunRecord]], *, seeds: int, studies: int
) -> Iterator[Drawn]:
    """Studies over all learning rates of the pool; they know how runs ended alone."""
    stream = np.random.default_rng([ADDRESS, seeds, len(ladders)])
    rates = tuple(run.key.rate for run in ladders[0])
    spec = StudySpec(
        arms=ARMS,
        seeds=tuple(range(seeds)),
        recipe=Recipe(rates=rates, epochs=1),
        data=Data(validation=0),  # so no arm has a rate of its own
    )
    for _ in range(studies):
        members = stream.permutation(len(ladders))[: 2 * seeds]
        runs = [
            _renamed(run, RunKey(arm.name, run.key.rate, seed))
            for seed, pair in enumerate(members.reshape(-1, 2))
            for arm, member in zip(ARMS, pair, strict=True)
            for run in ladders[member]
        ]
        yield Drawn(StudyRecord(spec=spec, meta=META, runs=tuple(runs)), members)


def _images(stream: np.random.Generator, run: RunRecord) -> NDArray[np.int64] | None:
    if run.correct is None:
        return None
    return stream.integers(run.correct.size, size=run.correct.size)


def _tested(run: RunRecord, images: NDArray[np.int64] | None) -> RunRecord:
    """The run, tested on these images of the test set."""
    if run.correct is None or images is None:
        return run
    right = run.correct[images]
    return replace(run, correct=right, test_accuracy=float(right.mean()))


def _renamed(run: RunRecord, key: RunKey) -> RunRecord:
    """The run as another one; with its digests none could be compared with it."""
    return replace(run, key=key, init_digest=None)
