"""The loss at any points of a plane, spread over threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from math import ceil
from queue import SimpleQueue
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from normlab.base.hold import preserved
from normlab.errors import BadModel, BadSetting
from normlab.landscape.head import Head
from normlab.landscape.moving import Moved, load, moved_parameters, private_copy
from normlab.landscape.norms import norms_in_use
from normlab.landscape.plain import Loss, Plain
from normlab.landscape.plane import Arrays, Plane
from normlab.landscape.sample import Sample
from normlab.landscape.shortcut import Shortcut
from normlab.landscape.trace import apply_before, split_at_first_linear
from normlab.records.surface import Statistics

_PRODUCTS_BYTES = 256 << 20
_AGREEMENT = 1e-4  # relative; float32 rounding is a hundredth of it

Losses = NDArray[np.float64]
Points = NDArray[np.float64]
Done = Callable[[NDArray[np.int64], Losses], None]


class Evaluator(Protocol):
    """One thread's way to the loss."""

    points_at_once: int

    def losses(self, points: Points) -> Losses:
        """Mean loss at every point."""
        ...


class Engine:
    """Evaluates the loss of a network on a plane.

    The user's model is read once, to be copied; nothing is ever written to it.
    Every point is computed by one thread in a fixed order, so that the loss does not
    depend on how many threads there are.

    Args:
        model: Any module.
        plane: Where the parameters go.
        sample: What the loss is a mean over.
        statistics: What norms normalise by.
        loss: Mean loss of outputs and targets.
        threads: How many points are computed at the same time; None takes as many
            as torch would use, and one on an accelerator.

    Raises:
        BadModel: If the model cannot be copied, does not take the data, or has a
            norm that cannot follow `statistics`.
        BadSetting: If a norm cannot take the statistics of a batch of one.
    """

    def __init__(
        self,
        model: nn.Module,
        plane: Plane,
        sample: Sample,
        *,
        statistics: Statistics,
        loss: Loss,
        threads: int | None = None,
    ) -> None:
        self.statistics: Statistics = statistics
        self.sample, self.loss = sample, loss
        self.norms = norms_in_use(model, statistics)
        with preserved(model), torch.no_grad():
            self.net = private_copy(model)
            self.moved = moved_parameters(self.net, plane)
            self._try()
            on_cpu = sample.x.device.type == "cpu"
            count = (threads or torch.get_num_threads()) if on_cpu else 1
            make = self._maker(plane)
            self.evaluators = [make() for _ in range(count)]

    def losses(self, points: Points, *, done: Done | None = None) -> Losses:
        """Mean loss at every point, NaN where it is not finite.

        Args:
            points: Coordinates (a, b), shape (points, 2).
            done: Called with indices into `points` and their losses, each time some
                are known.
        """
        found = np.full(len(points), np.nan)
        order = np.lexsort((points[:, 0], points[:, 1]))
        size = self._unit(len(points))
        units = [order[i : i + size] for i in range(0, len(order), size)]
        for unit, losses in self._computed(points, units):
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
        net = private_copy(self.net)
        load(net, state)  # first: norms that take a batch's statistics drop their own
        still = self._plain(self.sample, net, moved=())
        with torch.no_grad():
            (loss,) = still.losses(np.zeros((1, 2)))
        return float(loss) if np.isfinite(loss) else np.nan

    def _unit(self, points: int) -> int:
        """Points handed to a thread at a time: many, but the same for every thread."""
        most, threads = self.evaluators[0].points_at_once, len(self.evaluators)
        rounds = max(1, ceil(points / (most * threads)))
        return max(1, ceil(points / (rounds * threads)))

    def _computed(
        self, points: Points, units: list[NDArray[np.int64]]
    ) -> Iterator[tuple[NDArray[np.int64], Losses]]:
        idle: SimpleQueue[Evaluator] = SimpleQueue()
        for evaluator in self.evaluators:
            idle.put(evaluator)

        def compute(unit: NDArray[np.int64]) -> Losses:
            evaluator = idle.get()
            try:
                with torch.no_grad():
                    return evaluator.losses(points[unit])
            finally:
                idle.put(evaluator)

        if len(self.evaluators) == 1:
            yield from ((unit, compute(unit)) for unit in units)
            return
        with _one_torch_thread(), ThreadPoolExecutor(len(self.evaluators)) as pool:
            pending = {pool.submit(compute, unit): unit for unit in units}
            try:
                while pending:
                    for future in wait(pending, return_when=FIRST_COMPLETED).done:
                        yield pending.pop(future), future.result()
            finally:  # also when the caller was interrupted
                for future in pending:
                    future.cancel()

    def _maker(self, plane: Plane) -> Callable[[], Evaluator]:
        """The fast way if it applies and agrees with the plain one."""
        size = self.sample.batch_size
        few = self.sample.first(2 * size)
        # two batches to a chunk where batches are kept apart, two chunks where not:
        # a network with statistics of its own over the batch shows itself
        test = self._shortcut(
            few, chunk=2 * size if self.statistics == "batch" else size
        )
        fast = self._shortcut(self.sample)
        if test is None or fast is None:
            return lambda: self._plain(self.sample)
        place = np.array([[0.3 * max(plane.across), 0.7 * min(plane.along)]])
        plain = self._plain(few).losses(place)
        if not np.allclose(
            test().losses(place), plain, rtol=_AGREEMENT, equal_nan=True
        ):
            return lambda: self._plain(self.sample)
        return fast

    def _plain(
        self,
        sample: Sample,
        net: nn.Module | None = None,
        moved: Sequence[Moved] | None = None,
    ) -> Plain:
        return Plain(
            private_copy(self.net) if net is None else net,
            self.norms,
            self.moved if moved is None else moved,
            sample,
            statistics=self.statistics,
            loss=self.loss,
        )

    def _shortcut(self, sample: Sample, **chunk: int) -> Callable[[], Shortcut] | None:
        split = split_at_first_linear(private_copy(self.net), self.norms)
        if split is None:
            return None
        layer = self.net.get_submodule(split.head)
        assert isinstance(layer, nn.Linear)
        size = layer.out_features * sample.x.element_size()
        if 3 * len(sample) * size > _PRODUCTS_BYTES:
            return None
        x = apply_before(self.net, split.before, sample.x)
        if x.ndim != 2:
            return None
        whole = (
            len(sample)
            if self.statistics == "full"
            else sample.batches * sample.batch_size
        )
        head = Head(
            x,
            self._moved(f"{split.head}.weight", layer.weight),
            None
            if layer.bias is None
            else self._moved(f"{split.head}.bias", layer.bias),
            sample,
            pooled=None if split.head_norm is None else whole,
            **chunk,
        )

        def make() -> Shortcut:
            net = private_copy(self.net)
            cut = split_at_first_linear(net, self.norms)
            assert cut is not None
            return Shortcut(
                net,
                cut,
                head,
                self.moved,
                sample,
                statistics=self.statistics,
                norms=self.norms,
                loss=self.loss,
            )

        return make

    def _moved(self, name: str, parameter: Tensor) -> Moved:
        found = {one.name: one for one in self.moved}
        return found.get(name) or Moved(name, parameter.data, None, None)

    def _try(self) -> None:
        """Two examples through the network, before the work starts."""
        few = self.sample.first(2)
        before = few.x.clone()
        try:
            float(self.loss(private_copy(self.net)(few.x), few.y))
        except Exception as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise BadModel(
                f"surface: the model or the loss does not take the data, inputs"
                f" {tuple(few.x.shape)} {few.x.dtype} and targets"
                f" {tuple(few.y.shape)} {few.y.dtype}: {reason}. Try"
                " loss(model(x), y) on two examples."
            ) from error
        if not torch.equal(before, few.x):
            raise BadModel(
                f"surface: {type(self.net).__name__} changes its inputs in place, so no"
                " two passes see the same data. Begin its forward with x = x.clone()."
            )
        if self.norms and self.sample.batch_size == 1 and self.statistics != "full":
            self._try_one()

    def _try_one(self) -> None:
        """A batch of one, which has a variance only if each example has many values."""
        try:
            self._plain(self.sample.first(1)).losses(np.zeros((1, 2)))
        except ValueError as error:
            raise BadSetting(
                f"batch_size=1: a norm of {type(self.net).__name__} cannot take the"
                f" statistics of one example ({error}). Use 2 or more."
            ) from error


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    """Threads of ours instead of torch's: they need not meet after every operation."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
