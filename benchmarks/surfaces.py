"""Points per second and error of `normlab.surface` against a hand-written loop.

The loop writes the parameters and runs one forward pass per point (with *batch(m)*,
one per batch). Run alone on the machine: `python benchmarks/surfaces.py`.
"""

from __future__ import annotations

import argparse
import resource
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from normlab.base.streams import seeded, stream
from normlab.data.feed import Feed
from normlab.data.load import load
from normlab.landscape.planes.path import path_plane
from normlab.landscape.planes.plane import Plane
from normlab.landscape.planes.random import random_plane
from normlab.landscape.surface import surface
from normlab.records.surface import Surface
from normlab.spec.data import Data

EXAMPLES = 10_000
BATCH = 64


def mlp(norm: Callable[[int], nn.Module]) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 512),
        norm(512),
        nn.ReLU(),
        nn.Linear(512, 256),
        norm(256),
        nn.ReLU(),
        nn.Linear(256, 10),
    )


def conv() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.BatchNorm1d(120),
        nn.ReLU(),
        nn.Linear(120, 10),
    )


def train(model: nn.Module, feed: Feed, epochs: int) -> Plane | None:
    """Train by the article's recipe; returns the plane of the path."""
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    total = epochs * -(-len(feed) // BATCH)
    moments = {0, *np.geomspace(1, total, 24).astype(int).tolist()}
    moments |= set(np.linspace(0, total, 24).astype(int).tolist())
    snapshots, steps, step = [], [], 0
    for epoch in range(epochs):
        order = torch.randperm(len(feed), generator=stream(0, "benchmark", epoch))
        for indices in order.split(BATCH):
            if step in moments:
                snapshots.append(_parameters(model))
                steps.append(step)
            x, y = feed.take(indices)
            optimizer.zero_grad()
            functional.cross_entropy(model(x), y).backward()
            optimizer.step()
            step += 1
    if total < 3:
        return None
    return path_plane([*snapshots, _parameters(model)], [*steps, step])


def _parameters(model: nn.Module) -> dict[str, np.ndarray]:
    return {n: p.detach().numpy().copy() for n, p in model.named_parameters()}


class HandLoop:
    """What one writes without a library; torch's own threads."""

    def __init__(
        self, model: nn.Module, x: Tensor, y: Tensor, plane: Plane, statistics: str
    ) -> None:
        order = torch.randperm(len(x), generator=stream(0, "surface", "batches"))
        normed = any(
            isinstance(m, nn.modules.batchnorm._BatchNorm) for m in model.modules()
        )
        size = BATCH if normed and statistics != "full" else len(x)
        whole = len(x) // size * size
        self.batches = order[:whole].split(size)
        self.model, self.x, self.y = model.train(), x, y
        self.cut = [(x[part], y[part]) for part in self.batches]
        self.moves = []
        for name, parameter in model.named_parameters():
            first, second = plane.first.get(name), plane.second.get(name)
            if first is not None and second is not None:
                directions = torch.from_numpy(first), torch.from_numpy(second)
                self.moves.append((parameter, parameter.detach().clone(), *directions))

    @torch.no_grad()
    def loss(self, a: float, b: float) -> float:
        """Mean loss per example at the point (a, b)."""
        for parameter, origin, first, second in self.moves:
            parameter.copy_(origin + a * first + b * second)
        total = 0.0
        for x, y in self.cut:
            total += len(x) * functional.cross_entropy(self.model(x), y).item()
        return total / sum(len(y) for _, y in self.cut)

    def restore(self) -> None:
        """Give the model its own parameters back."""
        for parameter, origin, *_ in self.moves:
            parameter.data.copy_(origin)

    def pace(self, found: Surface, points: int) -> tuple[float, np.ndarray]:
        """Median seconds per point, and the relative differences."""
        chosen = np.random.default_rng(0).integers(0, len(found.a), (points, 2))
        seconds, differences = [], []
        for row, column in chosen:
            began = perf_counter()
            loss = self.loss(float(found.a[column]), float(found.b[row]))
            seconds.append(perf_counter() - began)
            differences.append(abs(found.loss[row, column] / loss - 1))
        self.restore()
        return median(seconds), np.array(differences)


def compare(
    name: str,
    model: nn.Module,
    data: tuple[Tensor, Tensor],
    plane: Plane,
    statistics: str,
    options: argparse.Namespace,
) -> None:
    """Print one line: ratios to the loop, and the errors."""
    model.train()
    loop = HandLoop(model, *data, plane, statistics)
    paces = [loop.pace(_blank(options.points, plane), options.loop_points)[0]]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    settings = {"plane": plane, "statistics": statistics, "points": options.points}
    case = f"{name:6} {plane.kind:7} {statistics:12}"
    if options.nested_only:
        nested = surface(model, data, **settings)
        pace, error = loop.pace(nested, options.loop_points)
        by_loop = median([*paces, pace]) * nested.loss.size
        print(
            f"{case} loop {1e3 * median([*paces, pace]):6.1f} ms/point"
            f" | {_of_nested(nested, by_loop, error)}, {len(error)} points compared"
        )
        return
    exact = surface(model, data, exact=True, **settings)
    nested = surface(model, data, **settings)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    pace, difference = loop.pace(exact, options.loop_points)
    paces.append(pace)
    by_loop = median(paces) * exact.loss.size
    error = np.abs(nested.loss / exact.loss - 1)
    print(
        f"{case} loop {1e3 * median(paces):6.1f} ms/point"
        f" | exact {by_loop / exact.seconds:5.2f}x, difference {difference.max():.1e}"
        f" | {_of_nested(nested, by_loop, error)} | {grown:+.0f} MB",
        flush=True,
    )


def _of_nested(nested: Surface, by_loop: float, error: np.ndarray) -> str:
    return (
        f"nested {by_loop / nested.seconds:5.1f}x in {nested.seconds:.1f} s,"
        f" {nested.computed.sum():4d} points, error max {100 * np.nanmax(error):.3f} %,"
        f" median {100 * np.nanmedian(error):.4f} %,"
        f" estimated {100 * nested.estimated_error:.3f} %"
    )


def _blank(points: int, plane: Plane) -> Surface:
    a, b = plane.grid(points)
    return Surface(
        a=a,
        b=b,
        loss=np.ones((points, points)),
        directions=({}, {}),
        plane=plane.kind,
        statistics="batch",
        batch_size=BATCH,
        examples=EXAMPLES,
        estimated_error=0.0,
        computed=np.ones((points, points), bool),
    )


CASES = {
    "plain": (lambda: mlp(lambda _: nn.Identity()), 5),
    "batch": (lambda: mlp(nn.BatchNorm1d), 5),
    "conv": (conv, 1),
}


def main() -> None:
    """Train the three networks, then measure every surface."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=49)
    parser.add_argument("--loop-points", type=int, default=15)
    parser.add_argument("--only", choices=CASES)
    parser.add_argument(
        "--nested-only",
        action="store_true",
        help="spare the exact surface, half an hour of `conv`; errors at loop points",
    )
    parser.add_argument("--epochs", type=int, help="of every network")
    options = parser.parse_args()
    dataset = load(Data(), root=Path())
    feed = Feed(dataset.train, dataset.mean, dataset.std)
    data = feed.take(torch.arange(EXAMPLES))
    for name, (make, epochs) in CASES.items():
        if options.only not in (None, name):
            continue
        with seeded(0, "init"):
            model = make()
        path = train(model, feed, options.epochs or epochs)
        planes = [random_plane(model)]
        if path is not None and name != "conv":
            planes.append(path)
        kinds = ("batch",) if name != "batch" else ("batch", "full")
        for plane in planes:
            for statistics in kinds:
                compare(name, model, data, plane, statistics, options)


if __name__ == "__main__":
    main()
