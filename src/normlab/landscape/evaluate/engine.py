"""The loss of a network at any points of a plane."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from normlab.base.hold import preserved
from normlab.base.streams import seeded
from normlab.errors import BadSetting
from normlab.landscape.evaluate.direct import DirectEvaluator
from normlab.landscape.evaluate.moving import (
    Moved,
    borrowed,
    load,
    moved_parameters,
    private_copy,
    shares_memory,
)
from normlab.landscape.evaluate.norms import norms_in_use
from normlab.landscape.evaluate.objective import LossObjective, Objective
from normlab.landscape.evaluate.quick import Quick, Window
from normlab.landscape.evaluate.threads import (
    Evaluator,
    Losses,
    Points,
    automatic_precision,
    computed,
)
from normlab.landscape.intake.sample import Sample, in_whole_batches
from normlab.landscape.planes.plane import Arrays, Plane
from normlab.landscape.trial.refusals import refused, refused_later
from normlab.landscape.trial.trial import Trial
from normlab.landscape.trial.witness import Undo, Witness
from normlab.records.surface import Statistics

Done = Callable[[NDArray[np.int64], Losses], None]


class Engine:
    """Evaluates the loss of a network on a plane.

    A few examples show first how the network behaves. One whose copies stand on their
    own is copied, once per thread, and nothing is ever written to the user's. One whose
    copies go on using the original, as those of functions do, is moved itself by one
    thread, and put back to the last bit. Every point is computed by one thread in a
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
        self.objective, self.seed = objective, seed
        self._autocast = automatic_precision(sample.device.type)
        self._outside: dict[int, Undo] = {}
        with self._surroundings():
            self._look(model, sample)
            size = batch_size or sample.batch_size
            self.norms = norms_in_use(model, statistics, self.found.calls, size)
            self.found.refuse_uncontrolled(statistics)
            self.sample = self._cut(sample, size)
            self.moved = moved_parameters(self.net, plane, copied=self._borrows)
            self._rehearse(model)
            if self._borrows:  # which may have been found only now
                self.moved = moved_parameters(self.net, plane, copied=True)
            self.evaluators = self._evaluators(
                threads, window or (plane.across, plane.along)
            )

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
            refused=partial(refused_later, self.net),
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
        with self._surroundings(), self._lent() as net:
            load(net, state)  # first: norms that take a batch's drop their own
            (loss,) = self._plain(net, moved=()).losses(np.zeros((1, 2)))
        return float(loss) if np.isfinite(loss) else np.nan

    @property
    def _borrows(self) -> bool:
        """Whether the network itself is moved, and put back."""
        return self._in_place or bool(self._outside)

    @contextmanager
    def _surroundings(self) -> Iterator[None]:
        """No gradients but what an objective asks for, and the caller's precision."""
        with torch.no_grad(), self._autocast():
            yield

    def _look(self, model: nn.Module, sample: Sample) -> None:
        """Find out on a few examples how the network behaves, and which one to move."""
        with preserved(model):
            self.net = private_copy(model, gradients=self.objective.gradients)
            self.found = Trial(self.net, model, self.objective, sample).findings()
        self._in_place = self.found.reads_original or shares_memory(self.net, model)
        if self._in_place:
            self.net = model
            with self._lent() as net:
                self.found = Trial(net, None, self.objective, sample).findings()
        self._outside |= self.found.outside

    @contextmanager
    def _lent(self) -> Iterator[nn.Module]:
        """A network in eval mode to do with as one likes."""
        gradients = self.objective.gradients
        if self._borrows:
            with borrowed(self.net, self._outside.values(), gradients=gradients) as net:
                yield net
        else:
            yield private_copy(self.net, gradients=gradients)

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

    def _rehearse(self, model: nn.Module) -> None:
        """One point on a few examples, with norms as they will be."""
        if not self.norms.active:
            return
        single = self.sample.batch_size == 1 and self.statistics != "full"
        few = self.sample.first(1 if single else self.found.examples)
        try:
            with self._lent() as net:
                witness = Witness(net, None if self._in_place else model)
                with preserved(model), witness:
                    self._plain(net, few).losses(np.zeros((1, 2)))
        except Exception as error:
            if len(few) == 1:
                raise BadSetting(
                    f"{'batch_size' if single else 'examples'}=1: a norm of"
                    f" {type(model).__name__} cannot take the statistics of one example"
                    f" ({error}). Use 2 or more."
                ) from error
            raise refused(model, self.sample, error) from error
        self._outside |= witness.outside
        if witness.read_original:
            self._in_place, self.net = True, model

    def _evaluators(self, threads: int | None, window: Window) -> list[Evaluator]:
        """The fast way if it applies and gives what the plain one gives."""
        if self._borrows:
            return [_Borrowing(self)]
        if self.found.draws or self.sample.device.type != "cpu":
            threads = 1
        count = threads or torch.get_num_threads()
        make = self._maker(window)
        return [make() for _ in range(count)]

    def _maker(self, window: Window) -> Callable[[], Evaluator]:
        plain = self._on_a_copy
        repeats = not (self.found.draws or self.found.remembers or self.found.interacts)
        exact = not isinstance(self._autocast(), torch.autocast)
        if repeats and exact and isinstance(self.objective, LossObjective):
            quick = Quick(
                self.net,
                self.norms.active,
                self.moved,
                statistics=self.statistics,
                loss=self.objective.loss,
            )
            return quick.maker(self.sample, window, plain) or plain
        return plain

    def _on_a_copy(
        self, sample: Sample | None = None, objective: Objective | None = None
    ) -> DirectEvaluator:
        net = private_copy(self.net, gradients=self.objective.gradients)
        return self._plain(net, sample, objective=objective)

    def _plain(
        self,
        net: nn.Module,
        sample: Sample | None = None,
        *,
        moved: Sequence[Moved] | None = None,
        objective: Objective | None = None,
    ) -> DirectEvaluator:
        return DirectEvaluator(
            net,
            self.norms.active,
            self.moved if moved is None else moved,
            sample or self.sample,
            statistics=self.statistics,
            objective=objective or self.objective,
            interacts=self.found.interacts,
            outside=self._outside.values(),
            noise=partial(seeded, self.seed, "surface", "noise")
            if self.found.draws
            else nullcontext,
        )


class _Borrowing:
    """Evaluates the network itself, a few points at a time, and gives it back."""

    points_at_once = 8

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def losses(self, points: Points) -> Losses:
        """Mean loss at every point."""
        with self.engine._lent() as net:
            return self.engine._plain(net).losses(points)
