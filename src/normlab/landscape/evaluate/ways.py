"""The ways to compute the loss of a network at points of a plane, and which to take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from normlab.base.streams import seeded
from normlab.landscape.evaluate.direct import DirectEvaluator
from normlab.landscape.evaluate.lender import Lender
from normlab.landscape.evaluate.moving import Moved
from normlab.landscape.evaluate.objective import LossObjective, Objective
from normlab.landscape.evaluate.quick import Quick, Window
from normlab.landscape.evaluate.threads import (
    Losses,
    PointEvaluator,
    Points,
    automatic_precision,
)
from normlab.landscape.intake.sample import Sample
from normlab.records.surface import Statistics


@dataclass(frozen=True, kw_only=True)
class Ways:
    """Makes evaluators.

    Attributes:
        lender: Of the network.
        norms: Names of the norms that follow the statistics.
        moved: What the plane moves.
        sample: What the loss is a mean over.
        statistics: What these norms normalise by.
        objective: Mean loss of a network on a batch.
        seed: Of the noise, for networks that have some.
    """

    lender: Lender
    norms: tuple[str, ...]
    moved: Sequence[Moved]
    sample: Sample
    statistics: Statistics
    objective: Objective
    seed: int

    def fastest(self, threads: int | None, window: Window) -> list[PointEvaluator]:
        """One per thread: the fast way if it applies and gives what the plain one does.

        Args:
            threads: None takes as many as torch would use, and one on an accelerator.
            window: Coordinates between which the points lie.
        """
        if self.lender.borrows:
            return [_Borrowing(self)]
        if self.lender.found.draws or self.sample.device.type != "cpu":
            threads = 1
        make = self._quick(window) or self._on_a_copy
        return [make() for _ in range(threads or torch.get_num_threads())]

    def direct(
        self,
        net: nn.Module,
        sample: Sample | None = None,
        *,
        objective: Objective | None = None,
    ) -> DirectEvaluator:
        """The plain way, of a network that is lent."""
        found = self.lender.found
        return DirectEvaluator(
            net,
            self.norms,
            self.moved,
            sample or self.sample,
            statistics=self.statistics,
            objective=objective or self.objective,
            interacts=found.interacts,
            outside=self.lender.outside.values(),
            noise=partial(seeded, self.seed, "surface", "noise")
            if found.draws
            else nullcontext,
        )

    def _quick(self, window: Window) -> Callable[[], PointEvaluator] | None:
        found = self.lender.found
        if found.draws or found.remembers or found.interacts:
            return None
        rounds = isinstance(
            automatic_precision(self.sample.device.type)(), torch.autocast
        )
        if rounds or not isinstance(self.objective, LossObjective):
            return None
        quick = Quick(
            self.lender.net,
            self.norms,
            self.moved,
            statistics=self.statistics,
            loss=self.objective.loss,
        )
        return quick.maker(self.sample, window, self._on_a_copy)

    def _on_a_copy(
        self, sample: Sample | None = None, objective: Objective | None = None
    ) -> DirectEvaluator:
        return self.direct(self.lender.copy(), sample, objective=objective)


class _Borrowing:
    """Evaluates the network itself, a few points at a time, and gives it back."""

    points_at_once = 8

    def __init__(self, ways: Ways) -> None:
        self.ways = ways

    def losses(self, points: Points) -> Losses:
        """Mean loss at every point."""
        with self.ways.lender.lent() as net:
            return self.ways.direct(net).losses(points)
