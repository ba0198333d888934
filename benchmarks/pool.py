"""Train the pool that the calibration draws its studies from.

Multilayer perceptrons with two hidden layers of 32 on 19,200 MNIST images, tested on
4,000: small, so that many seeds are affordable; 2,400 steps, so that every phase and
every measure exists.

- 64 seeds without norms, everything observed;
- 32 seeds with batch norm, and the same once more with the rows and biases in front of
  each norm times 4, their learning rate, the norm's eps and its initial running
  variance times 16: the same losses to the bit, from other weights;
- 64 seeds at seven learning rates, one epoch of 100 steps each: at the smaller rates
  the networks train, at some of them in part, at the largest some of them diverge.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby, pairwise
from math import prod
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn

import normlab
from normlab.calibration.pool import ARM, Pool
from normlab.data.load import load
from normlab.records.levels import levels_reached
from normlab.records.observed.curvature import CurvatureArrays
from normlab.records.observed.levels import LevelArrays
from normlab.records.observed.observations import Observations
from normlab.records.observed.registry import PROBES
from normlab.records.rows import RunRecord
from normlab.spec.data import Data
from normlab.study.afterwards import CurvatureJob
from normlab.study.jobs import JobContext

SEEDS, TRAIN, TEST, FEW = 64, 19_200, 4_000, 3_200
RATES = (0.05, 0.1, 0.12, 0.14, 0.17, 0.2, 6.0)
WIDTH, DEPTH = 32, 2
SCALE = 4.0  # a power of 2: scaled numbers have the same digits


def trained() -> Pool:
    """Train and measure all of it."""
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        whole, few = (_written(home / f"{n}.npz", n) for n in (TRAIN, FEW))
        kinds = {
            "plain": ("none", 1.0, SEEDS),
            "normalized": ("batch", 1.0, SEEDS // 2),
            "scaled": ("batch", SCALE, SEEDS // 2),
        }
        options = {
            name: {
                "norm": [norm],
                "model": partial(perceptron, scale=scale),
                "optimizer": partial(sgd, scale=scale),
                "seeds": seeds,
            }
            for name, (norm, scale, seeds) in kinds.items()
        }
        studies = {
            name: _study(home / name, whole, epochs=4, **of)
            for name, of in options.items()
        }
        ladders = _study(
            home / "ladders",
            few,
            **{**options["plain"], "epochs": 1, "measure": "none", "lr": RATES},
        )
        _refuse_other_losses(studies["normalized"], studies["scaled"])
        # what was observed is read while its files are there
        runs = {name: _read(made) for name, made in studies.items()}
        return Pool(
            runs=runs["plain"],
            ladders=_by_seed(ladders),
            normalized=runs["normalized"],
            scaled=runs["scaled"],
        )


def _written(path: Path, images: int) -> Path:
    mnist = load(Data(source="mnist"))
    np.savez(
        path,
        x_train=mnist.train.images[:images, 0],
        y_train=mnist.train.labels[:images],
        x_test=mnist.test.images[:TEST, 0],
        y_test=mnist.test.labels[:TEST],
    )
    return path


def _study(home: Path, data: Path, **options: Any) -> normlab.Result:
    # in a study of one arm no level of loss is compared; here arms are named later
    with (
        patch("normlab.study.conduct.drop_uncompared"),
        patch("normlab.study.conduct.curvature_jobs", _at_every_level),
    ):
        return normlab.compare(
            data=str(data), batch_size=32, validation=0, out=home, **options
        )


def _at_every_level(
    context: JobContext, arrays: Path, runs: Iterable[RunRecord]
) -> Iterator[CurvatureJob]:
    for run in runs:
        if LevelArrays in run.observed and CurvatureArrays not in run.observed:
            yield CurvatureJob(
                context=context,
                arrays=arrays,
                run=run.key,
                levels=levels_reached(run.observed),
            )


def perceptron(
    norm: Callable[[int], nn.Module],
    shape: tuple[int, ...],
    classes: int,
    *,
    scale: float,
) -> nn.Module:
    """Two hidden layers; with a scale, the same function from larger weights."""
    layers: list[nn.Module] = [nn.Flatten()]
    features = prod(shape)
    for _ in range(DEPTH):
        layers += [nn.Linear(features, WIDTH), norm(WIDTH), nn.ReLU()]
        features = WIDTH
    net = nn.Sequential(*layers, nn.Linear(features, classes))
    for front, behind in pairwise(layers):
        if isinstance(behind, nn.BatchNorm1d) and isinstance(front, nn.Linear):
            behind.eps *= scale**2
            assert isinstance(behind.running_var, Tensor)
            behind.running_var *= scale**2
            with torch.no_grad():
                front.weight *= scale
                front.bias *= scale
    return net


def sgd(
    parameters: Sequence[nn.Parameter], *, lr: float, scale: float
) -> torch.optim.SGD:
    """SGD with momentum, at a larger rate in front of norms."""
    count = 4 * DEPTH  # weight and bias of a layer, then of its norm
    front = [p for i, p in enumerate(parameters[:count]) if scale != 1 and i % 4 < 2]
    rest = [p for p in parameters if not any(p is one for one in front)]
    groups = [{"params": front, "lr": lr * scale**2}] if front else []
    return torch.optim.SGD([*groups, {"params": rest}], lr=lr, momentum=0.9)


def _refuse_other_losses(one: normlab.Result, two: normlab.Result) -> None:
    for first, second in zip(one.record.runs, two.record.runs, strict=True):
        if not np.array_equal(first.step_losses, second.step_losses):
            raise SystemExit("scaled rows changed the losses: no placebo")


def _read(study: normlab.Result) -> tuple[RunRecord, ...]:
    """What was observed; curvatures at the lowest loss that all runs reached."""
    seen = [run.observed[CurvatureArrays] for run in study.record.runs]
    level = max(set.intersection(*(set(one.level.tolist()) for one in seen)))
    return tuple(
        replace(
            run,
            key=run.key._replace(arm=ARM),
            observed=Observations(
                *(run.observed[kind] for kind in PROBES if kind in run.observed),
                _at(level, curved),
            ),
        )
        for run, curved in zip(study.record.runs, seen, strict=True)
    )


def _at(level: int, seen: CurvatureArrays) -> CurvatureArrays:
    row = seen.level == level
    return CurvatureArrays(
        steps=seen.steps[row],
        level=seen.level[row],
        loss=seen.loss[row],
        eigenvalues=seen.eigenvalues[row],
    )


def _by_seed(ladders: normlab.Result) -> tuple[tuple[RunRecord, ...], ...]:
    runs: Iterable[RunRecord] = sorted(
        ladders.record.runs, key=lambda r: (r.key.seed, r.key.rate)
    )
    return tuple(tuple(ladder) for _, ladder in groupby(runs, key=lambda r: r.key.seed))
