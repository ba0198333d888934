"""A study folder in which every probe has seen something; numbers are invented."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.facade.result import Result
from normlab.records.events import Observed
from normlab.records.surface import Mark, StudySurface, Surface
from normlab.spec.plan import RunKey, plan
from normlab.spec.study import StudySpec
from normlab.spec.surfaces import Surfaces
from tests.cli.made_up import SPEC, study

EVERY_SURFACE = Surfaces(
    planes=("common", "path", "random"), statistics=("batch", "full")
)
OBSERVED = SPEC.model_copy(update={"surfaces": EVERY_SURFACE})
STEPS = np.array([0, 1, 10, 50, 80])
IMAGES, UNITS = 40, 6
COST = {
    "baseline": "none",
    "blocks": 20,
    "steps": 50,
    "images": 512,
    "arms": {
        "none": {
            "parameters": 10,
            "seconds_per_step": 0.004,
            "ratio": 1.0,
            "interval": [1.0, 1.0],
            "inference_seconds": 0.002,
            "folded_inference_seconds": None,
        },
        "batch": {
            "parameters": 12,
            "seconds_per_step": 0.005,
            "ratio": 1.25,
            "interval": [1.2, 1.3],
            "inference_seconds": 0.003,
            "folded_inference_seconds": 0.002,
        },
    },
}

Arrays = dict[str, NDArray[Any]]


def observed_study(path: Path, spec: StudySpec = OBSERVED) -> Result:
    """A finished study with the arrays of every probe, surfaces and cost."""
    folder = study(path, spec)
    with folder.write() as writer:
        writer.measurement("cost", COST)
        for key in plan(spec):
            for probe, arrays in observations(key).items():
                writer.event(key, Observed(probe=probe, arrays=arrays))
        for one in surfaces(spec):
            writer.surface(one)
    return Result.open(path)


def observations(key: RunKey) -> dict[str, Arrays]:
    """What each probe saw in this run."""
    stream = np.random.default_rng([key.seed, key.arm == "batch"])
    return {
        "activations": activations(key, stream),
        "gradient": gradient(stream),
        "path": path_of_steps(stream),
        "sharpness": sharpness(stream),
        "levels": {"steps": np.array([30, 60]), "level": np.array([0, 1])},
        "curvature": curvature(stream),
        "rises": rises(stream),
        "outputs": outputs(stream),
        "scale": scale(stream) if key.arm == "batch" else {"steps": STEPS},
    }


def activations(key: RunKey, stream: np.random.Generator) -> Arrays:
    """One hidden layer; arm `batch` has a norm before its nonlinearity."""
    moments = len(STEPS)
    values = stream.normal(size=(moments, IMAGES)) + np.arange(moments)[:, None]
    found: Arrays = {
        "steps": STEPS,
        "labels": np.arange(IMAGES) % 10,
        "shown": stream.normal(size=(8, 1, 5, 5)).astype(np.float32),
        "001:relu1:in_mean": stream.normal(size=(moments, UNITS)),
        "001:relu1:in_std": 1 + stream.random(size=(moments, UNITS)),
        "001:relu1:in_percentiles": np.sort(stream.normal(size=(moments, 3))),
        "001:relu1:in_unit_percentiles": np.sort(stream.normal(size=(moments, 3))),
        "001:relu1:in_values": values,
        "001:relu1:dead": stream.random(size=(moments, UNITS)) < 0.2,
        "001:relu1:correlation": stream.uniform(-1, 1, size=(moments, UNITS)),
        "001:relu1:unit": np.array(2),
        "001:relu1:chosen": np.arange(UNITS),
    }
    if key.arm == "batch":
        found |= norm(values, stream)
    return found


def norm(values: NDArray[np.float64], stream: np.random.Generator) -> Arrays:
    """Input, output and state of one batch norm; its unit 2 is followed."""
    moments = len(STEPS)
    mean, std = np.zeros((moments, UNITS)), np.ones((moments, UNITS))
    mean[:, 2], std[:, 2] = values.mean(1), values.std(1)
    return {
        "000:norm1:unit": np.array(2),
        "000:norm1:x_values": values,
        "000:norm1:xhat_values": (values - mean[:, 2:3]) / std[:, 2:3],
        "000:norm1:x_mean": mean,
        "000:norm1:x_std": std,
        "000:norm1:gamma": 1 + 0.1 * stream.normal(size=(moments, UNITS)),
        "000:norm1:beta": 0.1 * stream.normal(size=(moments, UNITS)),
        "000:norm1:running_mean": mean + 0.5 * std,
        "000:norm1:running_var": 2 * std**2,
    }


def gradient(stream: np.random.Generator) -> Arrays:
    """Three moments, losses at three lengths and gradients at the outer two."""
    return {
        "steps": np.array([1, 10, 70]),
        "lengths": np.array([0.5, 1.0, 4.0]),
        "ends": np.array([0.5, 4.0]),
        "rate": np.full(3, 0.01),
        "loss": 1 + stream.random(3),
        "norm": 1 + stream.random(3),
        "update_norm": 0.1 + stream.random(3),
        "against": np.array([True, False, True]),
        "loss_along_g": 1 + stream.random(size=(3, 3)),
        "loss_along_u": 1 + stream.random(size=(3, 3)),
        "change_along_u": 1 + stream.random(size=(3, 2)),
        "predictiveness": 1 + stream.random(3),
        "beta": 1 + stream.random(3),
        "slope_along_u": -stream.random(3),
        "beta_u": 1 + stream.random(3),
        "beta_u_by_row": 1 + stream.random(3),
        "row_length": 1 + stream.random(3),
        "002:fc2.weight:shift": 0.1 + stream.random(3),
        "002:fc2.weight:shift_cosine": 1 - 0.1 * stream.random(3),
    }


def outputs(stream: np.random.Generator) -> Arrays:
    """The way of what is said of the probe batch in epoch 1."""
    return {
        "steps": STEPS,
        "burst_steps": np.array([5, 15, 25, 45, 55]),
        "burst_net": 1 + stream.random(5),
        "burst_sum": 2 + stream.random(5),
        "burst_cosine": stream.uniform(-0.2, 0.5, 5),
        "strides": np.array([1, 20, 100]),
        "stride_net": 5 + stream.random(3),
        "stride_sum": 20 + stream.random(3),
    }


def path_of_steps(stream: np.random.Generator) -> Arrays:
    """Two bursts of three pairs of steps."""
    return {
        "steps": np.array([0, 1, 2, 50, 51, 52]),
        "norm": 1 + stream.random(6),
        "cosine": stream.uniform(0.5, 1, 6),
        "momentum": np.array(0.9),
        "distance_steps": np.array([0, 50, 80]),
        "distance": np.array([0.0, 40.0, 60.0]) + stream.random(3),
    }


def scale(stream: np.random.Generator) -> Arrays:
    """One weight in front of a norm, whose rows grow."""
    length = 1 + 0.1 * np.arange(len(STEPS))[:, None] + 0.1 * stream.random((1, UNITS))
    return {
        "steps": STEPS,
        "000:fc1.weight:norm": length,
        "000:fc1.weight:effective_rate": 0.1 / length**2,
    }


def sharpness(stream: np.random.Generator) -> Arrays:
    """After the first epoch and at the end."""
    return {
        "steps": np.array([40, 80]),
        "eigenvalue": 5 + stream.random(2),
        "limit": np.full(2, 200.0),
        "momentum_limit": np.full(2, 380.0),
    }


def curvature(stream: np.random.Generator) -> Arrays:
    """At the lower of two levels."""
    return {
        "steps": np.array([60]),
        "level": np.array([1]),
        "loss": np.array([0.58]),
        "eigenvalues": np.sort(1 + stream.random((1, 10)))[:, ::-1],
    }


def rises(stream: np.random.Generator) -> Arrays:
    """In three directions, at two distances, to both sides of the end."""
    return {
        "steps": np.array([80]),
        "loss": np.array([0.2]),
        "radii": np.array([0.1, 0.3]),
        "rise": stream.random((1, 3, 2, 2)),
    }


def surfaces(spec: StudySpec) -> list[StudySurface]:
    """Of every arm on its own planes, and of the baseline beside each other arm.

    Those of a second seed and of every setting are there too, though nobody measures
    them. With other statistics than the first an arm with a norm has 20 % less loss.
    """
    base = spec.baseline.name
    others = [arm.name for arm in spec.arms if arm.name != base]
    found = []
    for run in plan(spec):
        if run.seed in spec.seeds[:2]:
            path, random = path_surface(run.arm), random_surface(run.arm)
            found.append(StudySurface(kind="path", run=run, twin=None, surface=path))
            found.append(
                StudySurface(kind="random", run=run, twin=None, surface=random)
            )
            found += [
                StudySurface(
                    kind="common",
                    run=run,
                    twin=other,
                    surface=common_surface(run.arm, other),
                )
                for other in others
                if run.arm in (base, other)
            ]
    return [
        replace(one, surface=_with(one, statistics, place))
        for one in found
        if one.kind in spec.surfaces.planes
        for place, statistics in enumerate(spec.surfaces.statistics)
    ]


def _with(one: StudySurface, statistics: Any, place: int) -> Surface:
    factor = 0.8 if place and one.run.arm != "none" else 1.0
    loss = factor * one.surface.loss
    return replace(one.surface, statistics=statistics, loss=loss)


def common_surface(arm: str, twin: str) -> Surface:
    """A bowl, rounder for all but `none`, with one hole; its start has two losses."""
    ends = {"end none": (1.0, 0.0), f"end {twin}": (0.5, 0.6)}
    steps = np.linspace(0, 1, 5)
    x, y = ends[f"end {arm}"]
    return _surface(
        arm,
        plane="common",
        marks=(
            Mark(
                name="start", a=0, b=0, off_plane=0.4, plane_loss=2.308, true_loss=2.352
            ),
            *(
                Mark(
                    name=name,
                    a=a,
                    b=b,
                    plane_loss=0.25,
                    true_loss=0.25 if name == f"end {arm}" else None,
                )
                for name, (a, b) in ends.items()
            ),
            *_steps(steps * x, steps * y),
        ),
    )


def path_surface(arm: str) -> Surface:
    """The same bowl with a path to its origin."""
    left = np.linspace(1, 0, 5)
    shares = {"explained_1": 0.92, "explained_2": 0.05, "null_1": 0.81, "null_2": 0.09}
    return _surface(arm, plane="path", marks=_steps(left, left**2), facts=shares)


def random_surface(arm: str) -> Surface:
    """The same bowl, with the end of a run in it."""
    end = Mark(name=f"end {arm}", a=0, b=0, plane_loss=1.1, true_loss=1.1)
    return _surface(arm, plane="random", marks=(end,))


def _steps(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[Mark, ...]:
    """Five steps; every second one has a loss of its own."""
    return tuple(
        Mark(
            name=f"step {20 * i}",
            a=float(a[i]),
            b=float(b[i]),
            off_plane=0.1 * i,
            plane_loss=2.0 - 0.4 * i,
            true_loss=1.9 - 0.4 * i if i % 2 == 0 else None,
        )
        for i in range(5)
    )


def _surface(arm: str, **about: Any) -> Surface:
    a, b = np.linspace(-1, 3, 9), np.linspace(-1, 1, 7)
    loss = 0.1 + (a - 1) ** 2 + (5 if arm == "none" else 1) * b[:, None] ** 2
    loss[0, 0] = np.nan
    return Surface(
        a=a,
        b=b,
        loss=loss,
        directions=({}, {}),
        statistics="batch",
        batch_size=64,
        examples=2560,
        estimated_error=0.002,
        computed=np.ones_like(loss, dtype=bool),
        **about,
    )
