"""Placebo studies: what differs is nothing that a claim is about, so none may speak.

A/A studies cannot see a measure that is confounded: between equal arms nothing differs
that it could mistake for an effect. Here one thing does, or how closely both are looked
at does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.claims.definition import Definition
from normlab.calibration.pool import Pool
from normlab.records.observed.observations import Observations
from normlab.records.observed.outputs import OutputArrays
from normlab.records.observed.registry import PROBES
from normlab.records.rows import RunRecord

PACE = 0.71  # of the steps for the same losses: what batch norm does in the article


@dataclass(frozen=True, kw_only=True)
class Placebo:
    """The baseline's runs and those of an arm that differs from them in one thing.

    Args:
        name: What differs, in words.
        baseline: Of the pool.
        other: Of the same seeds, with the difference.
        about: Claims that could mistake it for an effect, and are not about it.
    """

    name: str
    baseline: tuple[RunRecord, ...]
    other: tuple[RunRecord, ...]
    about: tuple[Definition, ...]


def placebos(pool: Pool) -> Iterator[Placebo]:
    """Those that the runs of a pool allow."""
    yield Placebo(
        name=f"the same losses in {PACE:.2f} of the steps",
        baseline=pool.runs,
        other=_each(pool.runs, faster),
        about=tuple(
            d
            for d in DEFINITIONS
            if not (d.probe or d.surfaces) and d.id != "faster-convergence"
        ),
    )
    yield Placebo(
        name="half of the bursts",
        baseline=_each(pool.runs, with_fewer_bursts),
        other=_each(pool.runs, with_fewer_bursts),
        about=tuple(d for d in DEFINITIONS if d.probe == OutputArrays.probe),
    )
    if pool.scaled:
        yield Placebo(
            name="rows in front of a norm scaled",
            baseline=pool.normalized,
            other=pool.scaled,
            about=DEFINITIONS,
        )


def faster(run: RunRecord, share: float = PACE) -> RunRecord:
    """A run whose step losses are the same, passed through in fewer steps.

    Args:
        run: Its losses are resampled; all else stays.
        share: How many of the steps remain.
    """
    losses = run.step_losses
    steps = np.round(np.arange(1, int(losses.size * share) + 1) / share).astype(int)
    return replace(run, step_losses=losses[np.minimum(steps, losses.size) - 1])


def with_fewer_bursts(run: RunRecord) -> RunRecord:
    """A run whose path was looked at in every second burst alone."""
    if OutputArrays not in run.observed:
        return run
    arrays = {
        name: array[::2] if name.startswith("burst_") else array
        for name, array in run.observed[OutputArrays].packed().items()
    }
    fewer = OutputArrays.unpacked(arrays)
    others = [run.observed[kind] for kind in PROBES if kind in run.observed]
    return replace(run, observed=Observations(*others, fewer))


def _each(
    runs: Sequence[RunRecord], change: Callable[[RunRecord], RunRecord]
) -> tuple[RunRecord, ...]:
    return tuple(change(run) for run in runs)
