"""Studies in which nothing differs, drawn from a pool of real runs of one arm.

Two kinds, for no pool of runs at one learning rate can say anything about rates:

*Runs.* For n seeds 2n different runs are drawn and paired at random: one is called
the baseline, the other one `again`. Which is which is a coin's choice, so whatever a
measure says of a pair it says of the opposite with the same probability: its true
effect is 0, with no assumption about the runs.

Contours are measured on the plane through the common start of two twins, and runs
from different seeds have none. So the pool has pairs of its own for them: two runs
from one start on other batches, measured as a study measures twins, once with either
of them as the baseline (the plane is not the same: its first axis points to the
baseline's end). A study draws n of these pairs, and a coin who is the baseline.

*Ladders.* For n seeds 2n seeds of the pool are drawn, each with its runs at all
learning rates, and paired in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from normlab.calibration.pool import AGAIN, ARM, Bowls, Pool
from normlab.records.rows import RunRecord, StudyRecord
from normlab.records.surface import StudySurface
from normlab.spec.arms import Arm
from normlab.spec.data import Data
from normlab.spec.plan import RunKey
from normlab.spec.recipe import Recipe
from normlab.spec.study import StudySpec

ARMS = (Arm(name=ARM, norm="none"), Arm(name=AGAIN, norm="none"))
# The same studies are drawn whenever the same pool is calibrated.
ADDRESS = int.from_bytes(b"A/A studies", "big")


def studies_of_runs(pool: Pool, *, seeds: int, studies: int) -> Iterator[StudyRecord]:
    """Studies at one learning rate, with all that claims at one rate rest on."""
    stream = np.random.default_rng([ADDRESS, seeds])
    spec = StudySpec(arms=ARMS, seeds=tuple(range(seeds)))
    rate = spec.recipe.rates[0]
    keys = [RunKey(arm.name, rate, seed) for seed in spec.seeds for arm in ARMS]
    for _ in range(studies):
        drawn = stream.permutation(len(pool.runs))[: len(keys)]
        runs = (_renamed(pool.runs[i], key) for i, key in zip(drawn, keys, strict=True))
        starts = stream.permutation(len(pool.bowls))[:seeds]
        coins = stream.integers(2, size=seeds)
        bowls = [pool.bowls[i][c] for i, c in zip(starts, coins, strict=False)]
        yield StudyRecord(
            spec=spec,
            runs=tuple(runs),
            bowls=tuple(
                surface
                for seed, pair in enumerate(bowls)
                for surface in _surfaces(pair, rate, seed)
            ),
        )


def studies_of_ladders(
    pool: Pool, *, seeds: int, studies: int
) -> Iterator[StudyRecord]:
    """Studies over all learning rates of the pool; they know how runs ended alone."""
    stream = np.random.default_rng([ADDRESS, seeds, len(pool.ladders)])
    rates = tuple(run.key.rate for run in pool.ladders[0])
    spec = StudySpec(
        arms=ARMS,
        seeds=tuple(range(seeds)),
        recipe=Recipe(rates=rates, epochs=1),
        data=Data(validation=0),  # so no arm has a rate of its own
    )
    for _ in range(studies):
        drawn = stream.permutation(len(pool.ladders))[: 2 * seeds].reshape(-1, 2)
        runs = [
            run
            for seed, pair in enumerate(drawn)
            for arm, ladder in zip(ARMS, pair, strict=True)
            for run in _renamed_ladder(pool.ladders[ladder], arm.name, seed)
        ]
        yield StudyRecord(spec=spec, runs=tuple(runs))


def _renamed_ladder(
    ladder: Sequence[RunRecord], arm: str, seed: int
) -> Iterator[RunRecord]:
    for run in ladder:
        yield _renamed(run, RunKey(arm, run.key.rate, seed))


def _renamed(run: RunRecord, key: RunKey) -> RunRecord:
    """The run as another one; with its digests none could be compared with it."""
    return replace(run, key=key, init_digest=None)


def _surfaces(pair: Bowls, rate: float, seed: int) -> Iterator[StudySurface]:
    for arm, surface in zip(ARMS, pair, strict=True):
        key = RunKey(arm.name, rate, seed)
        yield StudySurface(kind="bowl", run=key, twin=AGAIN, surface=surface)
