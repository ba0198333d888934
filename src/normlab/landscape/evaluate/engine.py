"""The loss of a network at any points of a plane."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from normlab.base.hold import preserved
from normlab.errors import BadSetting, NormlabError, one_line
from normlab.landscape.evaluate.lender import Lender
from normlab.landscape.evaluate.moving import (
    load,
    moved_parameters,
)
from normlab.landscape.evaluate.norms import norms_in_use
from normlab.landscape.evaluate.objective import Objective
from normlab.landscape.evaluate.quick import Window
from normlab.landscape.evaluate.threads import (
    Losses,
    Points,
    automatic_precision,
    computed,
)
from normlab.landscape.evaluate.ways import Ways
from normlab.landscape.intake.sample import Sample, in_whole_batches
from normlab.landscape.planes.plane import Arrays, Plane
from normlab.landscape.trial.refusals import refused, refused_later
from normlab.landscape.trial.witness import Witness
from normlab.records.surface import Statistics
from normlab.user_code import refusing

_ORIGIN = np.zeros((1, 2))

Done = Callable[[NDArray[np.int64], Losses], None]


class Engine:
    """Evaluates the loss of a network on a plane.

    A few examples show first how the network behaves. It is copied, once per thread, or
    lent itself to one thread (see `lender`). Every point is computed by one thread in a
    fixed order, from the same state and the same random numbers, so that the loss
    depends neither on the points before it nor on how many threads there are.

    Args:
        model: Any module.
        plane: Where the parameters go.
        sample: What the loss is a mean over.
        statistics: What norms normalise by.
        objective: Mean loss of a network on a batch.
        batch_size: What was asked for; the data may have fewer examples.
        threads: How many points are computed at the same time; None takes as many
            as torch would use, and one on an accelerator.
        window: Coordinates between which the points lie, `((a, a), (b, b))`.
        seed: Of the noise, for networks that have some.

    Raises:
        BadModel: If the model cannot be copied, does not take the data, or has a
            norm that cannot follow `statistics`.
        BadData: If outputs and targets do not go together.
        BadSetting: If a norm cannot take the statistics of a batch of one, or the loss
            is not a mean or reads the model.
    """

    def __init__(
        self,
        model: nn.Module,
        plane: Plane,
        sample: Sample,
        *,
        statistics: Statistics,
        objective: Objective,
        batch_size: int | None = None,
        threads: int | None = None,
        window: Window | None = None,
        seed: int = 0,
    ) -> None:
        self.statistics: Statistics = statistics
        self._autocast = automatic_precision(sample.device.type)
        with self._surroundings():
            self._lender = Lender(model, sample, objective)
            self.found = self._lender.found
            size = batch_size or sample.batch_size
            self.norms = norms_in_use(model, statistics, self.found.calls, size)
            self.found.refuse_uncontrolled(statistics)
            self.sample = self._cut(sample, size)
            self._resting = Ways(
                lender=self._lender,
                norms=self.norms.active,
                moved=(),
                sample=self.sample,
                statistics=statistics,
                objective=objective,
                seed=seed,
            )
            ways = self._on(plane)
            self._rehearse(model, ways)
            if self._lender.borrows:  # which may have been found only now
                ways = self._on(plane)
            window = window or (plane.across, plane.along)
            self.evaluators = ways.fastest(threads, window)

    def losses(self, points: Points, *, done: Done | None = None) -> Losses:
        """Mean loss at every point, NaN where it is not finite.

        Args:
            points: Coordinates (a, b), shape (points, 2).
            done: Called with indices into `points` and their losses, each time some
                are known.

        Raises:
            BadModel: If the model or the loss fails on the way.
        """
        found = np.full(len(points), np.nan)
        new = computed(
            self.evaluators,
            points,
            within=self._surroundings,
            refused=partial(refused_later, self._lender.net),
        )
        for unit, losses in new:
            found[unit] = np.where(np.isfinite(losses), losses, np.nan)
            if done is not None:
                done(unit, found[unit])
        return found

    def loss_of(self, state: Arrays) -> float:
        """Loss of a network that need not lie on the plane, NaN where not finite.

        Args:
            state: Its parameters and buffers; those not named are the model's own.

        Raises:
            BadModel: If the model has no such tensors.
        """
        with self._surroundings(), self._lender.lent() as net:
            load(net, state)  # first: norms that take a batch's drop their own
            (loss,) = self._resting.direct(net).losses(_ORIGIN)
        return float(loss) if np.isfinite(loss) else np.nan

    def _on(self, plane: Plane) -> Ways:
        lender = self._lender
        moved = moved_parameters(lender.net, plane, copied=lender.borrows)
        return replace(self._resting, moved=moved)

    @contextmanager
    def _surroundings(self) -> Iterator[None]:
        """No gradients but what an objective asks for, and the caller's precision."""
        with torch.no_grad(), self._autocast():
            yield

    def _cut(self, sample: Sample, batch_size: int) -> Sample:
        """All examples, or whole batches where it matters what is in a batch.

        Raises:
            BadSetting: If there is no whole batch, or the network takes no batches.
        """
        every = len(sample)
        if self.found.examples > max(batch_size, 2) and self.statistics != "full":
            raise BadSetting(
                f"batch_size={batch_size}: the model takes all {every} examples at a"
                f" time or none. Use statistics='full' or batch_size={every}."
            )
        by_batches = bool(self.norms.active) or self.found.interacts
        sample = replace(sample, largest=self.found.largest)
        if self.found.ordered:
            sample = sample.as_given()
        if self.statistics == "batch" and by_batches:
            return in_whole_batches(sample, batch_size, drop_rest=True)
        if self.statistics == "recalibrated" and self.norms.active:
            return in_whole_batches(sample, batch_size, drop_rest=False)
        return sample

    def _rehearse(self, model: nn.Module, ways: Ways) -> None:
        """One point on a few examples, with norms as they will be."""
        if not self.norms.active:
            return
        single = self.sample.batch_size == 1 and self.statistics != "full"
        few = self.sample.first(1 if single else self.found.examples)

        def told(error: BaseException) -> NormlabError:
            if len(few) > 1:
                return refused(model, self.sample, error)
            return BadSetting(
                f"{'batch_size' if single else 'examples'}=1: a norm of"
                f" {type(model).__name__} cannot take the statistics of one example"
                f" ({one_line(error)}). Use 2 or more."
            )

        with refusing(told), self._lender.lent() as net:
            witness = Witness(net, None if self._lender.in_place else model)
            with preserved(model), witness:
                ways.direct(net, few).losses(_ORIGIN)
        self._lender.outside |= witness.outside
        if witness.read_original:
            self._lender.lend_itself(model)
