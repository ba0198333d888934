"""A pool of real runs in one small file: what the claims need, no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.design.rates import VALIDATION
from normlab.records.observed.activations import ActivationArrays
from normlab.records.observed.contract import Place, ProbeArrays
from normlab.records.observed.curvature import CurvatureArrays
from normlab.records.observed.gradient import GradientArrays
from normlab.records.observed.observations import Observations
from normlab.records.observed.outputs import OutputArrays
from normlab.records.rows import ENDED, EpochRow, RunRecord
from normlab.spec.plan import RunKey

Arrays = Mapping[str, NDArray[Any]]

ARM, AGAIN = "none", "again"
"""The two names of the one arm: as the baseline, and as the other one."""

_KEPT: Mapping[type[ProbeArrays], tuple[str, ...]] = {
    GradientArrays: (
        *("steps", "lengths", "loss", "loss_along_u", "slope_along_u"),
        *("beta_u", "beta_u_by_row", "shift"),
    ),
    CurvatureArrays: ("steps", "level", "loss", "eigenvalues"),
    ActivationArrays: ("steps", "in_mean", "in_std", "dead", "correlation"),
    OutputArrays: (
        *("steps", "burst_steps", "burst_net", "burst_sum"),
        *("strides", "stride_net", "stride_sum"),
    ),
}
"""Of what probes see: what claims look at."""


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Runs that differ in their seeds alone, one per seed, with all that was observed.

    Args:
        runs: Of one network without norms.
        ladders: Per seed, its runs at every learning rate; final loss and status alone.
        normalized: Of a network with batch norm.
        scaled: Its runs of the same seeds with every row in front of a norm scaled: the
            same functions of the same images at every step.
    """

    runs: tuple[RunRecord, ...]
    ladders: tuple[tuple[RunRecord, ...], ...] = ()
    normalized: tuple[RunRecord, ...] = ()
    scaled: tuple[RunRecord, ...] = ()


def write_pool(path: Path, pool: Pool) -> None:
    """Keep a pool, compressed.

    Args:
        path: Ends in `.npz`; replaced if it exists.
        pool: The runs of each kind have ended, after the same steps, and saw the same
            moments.
    """
    arrays = _packed(pool.runs)
    if pool.normalized:
        arrays |= {f"normalized/{n}": a for n, a in _packed(pool.normalized).items()}
    if pool.scaled:
        # most of it is equal to the bit, and is kept once
        arrays |= {
            f"scaled/{name}": array
            for name, array in _packed(pool.scaled).items()
            if array.tobytes() != arrays[f"normalized/{name}"].tobytes()
        }
    if pool.ladders:
        arrays |= _packed_ladders(pool.ladders)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, allow_pickle=False, **arrays)


def read_pool(path: Path) -> Pool:
    """The pool, as far as claims look at it."""
    with np.load(path, allow_pickle=False) as kept:
        arrays = dict(kept)
    normalized = _of("normalized", arrays)
    scaled = _of("scaled", arrays)
    return Pool(
        runs=_unpacked({n: a for n, a in arrays.items() if "/" not in n}),
        ladders=_ladders(arrays) if "ladders:loss" in arrays else (),
        normalized=_unpacked(normalized),
        scaled=_unpacked({**normalized, **scaled}) if scaled else (),
    )


def _of(kind: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    start = f"{kind}/"
    return {n.removeprefix(start): a for n, a in arrays.items() if n.startswith(start)}


def _packed(runs: Sequence[RunRecord]) -> dict[str, NDArray[Any]]:
    right = np.stack([run.correct for run in runs if run.correct is not None])
    seen = [dict(_kept(run)) for run in runs]
    return {
        "seeds": np.array([run.key.seed for run in runs]),
        "starts": np.array([run.init_digest or "" for run in runs]),
        "step_losses": np.stack([run.step_losses for run in runs]).astype(np.float32),
        "epochs": np.array(len(runs[0].epochs)),
        "images": np.array(right.shape[1]),
        "correct": np.packbits(right, axis=1),
        "test_loss": np.array([run.test_loss for run in runs], dtype=np.float64),
        **{name: np.stack([one[name] for one in seen]) for name in seen[0]},
    }


def _unpacked(arrays: Arrays) -> tuple[RunRecord, ...]:
    if not arrays:
        return ()
    correct = np.unpackbits(arrays["correct"], axis=1, count=int(arrays["images"]))
    right = correct.astype(np.bool_)
    return tuple(
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
    )


def _kept(run: RunRecord) -> Iterator[tuple[str, NDArray[Any]]]:
    """What one run saw, by names such as `seen:gradient:001:fc2.weight:shift`."""
    for kind, names in _KEPT.items():
        if kind not in run.observed:
            continue
        for name, array in run.observed[kind].packed().items():
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


def _packed_ladders(ladders: Sequence[Sequence[RunRecord]]) -> dict[str, NDArray[Any]]:
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
