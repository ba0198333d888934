"""How straight the way of a function is in epoch 1: in bursts of steps, and from afar.

A zigzag from step to step is not seen by who looks at every twentieth step; so the
answer depends on how often one looks, and both are measured.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from normlab.probes.notes import Row
from normlab.records.observed.outputs import OutputArrays

BURST = 10  # steps
MAX_BURSTS, STEPS_PER_BURST = 10, 20
LEAST_BURSTS = 5
STRIDES = (20, 100)


def burst_starts(steps: int) -> tuple[int, ...]:
    """Where bursts begin: each in the middle of an equal part of the epoch.

    At most one in 20 steps, and ten; none where that makes fewer than five.

    Example:
        >>> burst_starts(100), burst_starts(99)
        ((5, 25, 45, 65, 85), ())
    """
    count = min(MAX_BURSTS, steps // STEPS_PER_BURST)
    if count < LEAST_BURSTS:
        return ()
    return tuple(
        (2 * part + 1) * steps // (2 * count) - BURST // 2 for part in range(count)
    )


class Straightness:
    """Adds up distances; keeps no more points than are still needed.

    Args:
        steps: Of epoch 1.
    """

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._starts = burst_starts(steps)
        bursts = {start + i for start in self._starts for i in range(BURST + 1)}
        afar = {step for d in STRIDES for step in range(0, steps + 1, d)}
        self.due = frozenset(bursts | afar | {steps} if self._starts else ())
        """After how many steps to look."""
        self._kept = bursts | {0}
        self._points: dict[int, Tensor] = {}
        self._net = torch.zeros(len(self._starts), dtype=torch.float64)
        self._sum = torch.zeros(len(self._starts), dtype=torch.float64)
        self._walked = torch.zeros(len(STRIDES), dtype=torch.float64)

    def look(self, step: int, point: Tensor) -> Row:
        """Go on to where the function is after so many steps.

        Returns:
            At the end of the epoch what is to be recorded, before it nothing.
        """
        for number, d in enumerate(STRIDES):
            if step and step % d == 0:
                self._walked[number] += _distance(point, self._points[step - d])
        for number, start in enumerate(self._starts):
            if start < step <= start + BURST:
                self._sum[number] += _distance(point, self._points[step - 1])
            if step == start + BURST:
                self._net[number] = _distance(point, self._points[start])
        self._points[step] = point
        found = self._whole(point) if step == self._steps else {}
        self._forget(step)
        return found

    def arrays(self) -> Row:
        """What the epoch's end needs."""
        if not self._points:
            return {}
        sums = {"net": self._net, "sum": self._sum, "walked": self._walked}
        return sums | {f"point {step}": at for step, at in self._points.items()}

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take back what `arrays` gave."""
        points = {n: t for n, t in arrays.items() if n.startswith("point ")}
        self._points = {int(n.partition(" ")[2]): t for n, t in points.items()}
        if points:
            self._net, self._sum = arrays["net"].clone(), arrays["sum"].clone()
            self._walked = arrays["walked"].clone()

    def _whole(self, end: Tensor) -> Row:
        origin = self._points[0]
        last = [self._points[self._steps // d * d] for d in STRIDES]
        nets = [_distance(at, origin) for at in (end, *last)]
        # every burst stands for an equal part of the epoch; from ten bursts that is
        # within 10 % of the sum over every step in the article's runs
        zigzag = self._sum.mean() / BURST * self._steps
        ahead = [self._ahead(start, end) for start in self._starts]
        return OutputArrays.row(
            burst_steps=torch.tensor(self._starts),
            burst_net=self._net,
            burst_sum=self._sum,
            burst_cosine=torch.tensor(ahead, dtype=torch.float64),
            strides=torch.tensor((1, *STRIDES)),
            stride_net=torch.tensor(nets, dtype=torch.float64),
            stride_sum=torch.cat([zigzag[None], self._walked]),
        )

    def _ahead(self, start: int, end: Tensor) -> float:
        """Mean cosine of a burst's steps with the rest of the way."""
        points = torch.stack([self._points[start + i] for i in range(BURST + 1)])
        points = points.flatten(1).double()
        steps, rest = points.diff(dim=0), end.flatten().double() - points[:-1]
        return torch.cosine_similarity(steps, rest, dim=1, eps=0).mean().item()

    def _forget(self, step: int) -> None:
        needed = self._kept | {step // d * d for d in STRIDES}
        if step == self._steps:
            needed = set[int]()
        self._points = {at: f for at, f in self._points.items() if at in needed}


def _distance(a: Tensor, b: Tensor) -> float:
    return _length(a - b)


def _length(a: Tensor) -> float:
    return torch.linalg.vector_norm(a, dtype=torch.float64).item()
