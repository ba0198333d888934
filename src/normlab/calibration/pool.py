"""A pool of runs of one arm in one small file: what the claims need, no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.design.rates import VALIDATION
from normlab.records.observed.activations import ActivationArrays
from normlab.records.observed.contract import Place, ProbeArrays
from normlab.records.observed.gradient import GradientArrays
from normlab.records.observed.observations import Observations
from normlab.records.observed.outputs import OutputArrays
from normlab.records.rows import ENDED, EpochRow, RunRecord
from normlab.records.surface import Mark, Surface
from normlab.spec.plan import RunKey

Arrays = Mapping[str, NDArray[Any]]

ARM, AGAIN = "none", "again"
"""The two names of the one arm: as the baseline, and as the other one."""

_KEPT: Mapping[type[ProbeArrays], tuple[str, ...]] = {
    GradientArrays: (
        *("steps", "lengths", "loss", "loss_along_u", "slope_along_u"),
        *("beta_u", "beta_u_by_row", "shift"),
    ),
    ActivationArrays: ("steps", "in_mean", "in_std", "dead", "correlation"),
    OutputArrays: (
        *("steps", "burst_steps", "burst_net", "burst_sum"),
        *("strides", "stride_net", "stride_sum"),
    ),
}
"""Of what probes see: what claims look at."""


class Bowls(NamedTuple):
    """Two runs from one start on the plane of their ends, as a study measures them."""

    baseline: Surface
    other: Surface


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Runs of one arm, for studies in which nothing differs."""

    runs: tuple[RunRecord, ...]
    """One per seed, with all that was observed."""
    bowls: tuple[tuple[Bowls, Bowls], ...] = ()
    """Per start, of two runs on other batches: either of them as the baseline."""
    ladders: tuple[tuple[RunRecord, ...], ...] = ()
    """Per seed, its runs at every learning rate; with final test loss and status."""


def write_pool(path: Path, pool: Pool) -> None:
    """Keep a pool, compressed.

    Args:
        path: Ends in `.npz`; replaced if it exists.
        pool: Its runs have ended, after the same steps, and saw the same moments.
    """
    runs = pool.runs
    right = np.stack([run.correct for run in runs if run.correct is not None])
    seen = [dict(_kept(run)) for run in runs]
    arrays = {
        "seeds": np.array([run.key.seed for run in runs]),
        "starts": np.array([run.init_digest or "" for run in runs]),
        "step_losses": np.stack([run.step_losses for run in runs]).astype(np.float32),
        "epochs": np.array(len(runs[0].epochs)),
        "images": np.array(right.shape[1]),
        "correct": np.packbits(right, axis=1),
        "test_loss": np.array([run.test_loss for run in runs], dtype=np.float64),
        **{name: np.stack([one[name] for one in seen]) for name in seen[0]},
        **(_packed_bowls(pool.bowls) if pool.bowls else {}),
        **(_packed_ladders(pool.ladders) if pool.ladders else {}),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, allow_pickle=False, **arrays)


def read_pool(path: Path) -> Pool:
    """The pool, as far as claims look at it."""
    with np.load(path, allow_pickle=False) as kept:
        arrays = dict(kept)
    correct = np.unpackbits(arrays["correct"], axis=1, count=int(arrays["images"]))
    right = correct.astype(np.bool_)
    return Pool(
        runs=tuple(
            RunRecord(
                key=RunKey(ARM, 0.01, int(seed)),
                status="done",
                init_digest=str(arrays["starts"][i]),
                epochs=tuple(_epoch(number) for number in range(int(arrays["epochs"]))),
                step_losses=arrays["step_losses"][i],
                correct=right[i],
                test_loss=float(arrays["test_loss"][i]),
                test_accuracy=float(right[i].mean()),
                observed=_observed(arrays, i),
            )
            for i, seed in enumerate(arrays["seeds"])
        ),
        bowls=_bowls(arrays) if "bowls:loss" in arrays else (),
        ladders=_ladders(arrays) if "ladders:loss" in arrays else (),
    )


def _kept(run: RunRecord) -> Iterator[tuple[str, NDArray[Any]]]:
    """What one run saw, by names such as `seen:gradient:001:fc2.weight:shift`."""
    for kind, names in _KEPT.items():
        if kind not in run.observed:
            continue
        seen = run.observed[kind]
        for name, array in seen.packed().items():
            if Place.split(name)[1] in names:
                yield f"seen:{kind.probe}:{name}", array


def _observed(arrays: Arrays, run: int) -> Observations:
    found: list[ProbeArrays] = []
    for kind in _KEPT:
        start = f"seen:{kind.probe}:"
        names = [name for name in arrays if name.startswith(start)]
        if names:
            of_run = {n.removeprefix(start): arrays[n][run] for n in names}
            found.append(kind.unpacked(of_run))
    return Observations(*found)


def _packed_bowls(bowls: Sequence[tuple[Bowls, Bowls]]) -> Arrays:
    """Axes of `loss`: start, who is the baseline, whose loss, row, column."""
    roles = [pair for both in bowls for pair in both]
    shape = (len(bowls), 2)
    first = [pair.baseline for pair in roles]
    marks = [[_marked(surface) for surface in pair] for pair in roles]
    losses = [[surface.loss for surface in pair] for pair in roles]
    return {
        "bowls:a": np.array([s.a for s in first]).reshape(*shape, -1),
        "bowls:b": np.array([s.b for s in first]).reshape(*shape, -1),
        "bowls:loss": np.array(losses, np.float32).reshape(
            *shape, 2, *first[0].loss.shape
        ),
        "bowls:marks": np.array(marks).reshape(*shape, 2, 3),
        "bowls:examples": np.array([first[0].batch_size, first[0].examples]),
    }


_MARKS = ("start", f"end {ARM}", f"end {AGAIN}")


def _marked(surface: Surface) -> list[float]:
    losses = {mark.name: mark.plane_loss for mark in surface.marks}
    return [np.nan if (loss := losses.get(n)) is None else loss for n in _MARKS]


def _bowls(arrays: Arrays) -> tuple[tuple[Bowls, Bowls], ...]:
    def measured(start: int, role: int, arm: Literal[0, 1]) -> Surface:
        at = (start, role)
        loss = arrays["bowls:loss"][*at, arm].astype(np.float64)
        batch_size, examples = arrays["bowls:examples"].tolist()
        return Surface(
            a=arrays["bowls:a"][at],
            b=arrays["bowls:b"][at],
            loss=loss,
            directions=({}, {}),
            plane="common",
            statistics="batch",
            batch_size=batch_size,
            examples=examples,
            estimated_error=0.0,
            computed=np.ones(loss.shape, np.bool_),
            marks=tuple(
                Mark(name=name, a=np.nan, b=np.nan, plane_loss=float(plane_loss))
                for name, plane_loss in zip(
                    _MARKS, arrays["bowls:marks"][*at, arm], strict=True
                )
            ),
        )

    def pair(start: int, role: int) -> Bowls:
        return Bowls(measured(start, role, 0), measured(start, role, 1))

    starts = range(len(arrays["bowls:loss"]))
    return tuple((pair(start, 0), pair(start, 1)) for start in starts)


def _packed_ladders(ladders: Sequence[Sequence[RunRecord]]) -> Arrays:
    def table(of: Any) -> list[list[Any]]:
        return [[of(run) for run in ladder] for ladder in ladders]

    return {
        "ladders:seeds": np.array([ladder[0].key.seed for ladder in ladders]),
        "ladders:rates": np.array([run.key.rate for run in ladders[0]]),
        "ladders:diverged": np.array(table(lambda run: run.status == "diverged")),
        "ladders:loss": np.array(table(lambda run: run.test_loss), dtype=np.float64),
    }


def _ladders(arrays: Arrays) -> tuple[tuple[RunRecord, ...], ...]:
    done, diverged = ENDED
    return tuple(
        tuple(
            RunRecord(
                key=RunKey(ARM, float(rate), int(seed)),
                status=diverged if arrays["ladders:diverged"][i, j] else done,
                test_loss=float(arrays["ladders:loss"][i, j]),
                # nobody chose by the test images, so they serve as held-out ones
                epochs=(_epoch(0, {VALIDATION: float(arrays["ladders:loss"][i, j])}),),
            )
            for j, rate in enumerate(arrays["ladders:rates"])
        )
        for i, seed in enumerate(arrays["ladders:seeds"])
    )


def _epoch(number: int, metrics: Mapping[str, float] | None = None) -> EpochRow:
    return EpochRow(
        epoch=number + 1,
        train_loss=float("nan"),
        test_loss=None,
        test_accuracy=None,
        metrics=metrics or {},
        seconds=0.0,
    )
