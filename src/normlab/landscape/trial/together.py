"""Whether it matters which examples are computed together, in what order, how many."""

from __future__ import annotations

from collections.abc import Callable
from math import nan
from typing import Any

import torch
from torch import Tensor, nn

from normlab.errors import BadSetting
from normlab.landscape.evaluate.objective import Objective
from normlab.landscape.evaluate.state import State
from normlab.landscape.intake.batch import (
    Batch,
    close,
    mapped,
    rows,
    tensors,
    tolerance,
)

Function = Callable[[Batch], Any]


class Together:
    """A network that is tried on parts of a few examples.

    Args:
        net: Its own to run, in the modes it has.
        objective: What is measured.
        state: Brings the network back between two runs.
        few: The examples.
    """

    def __init__(
        self, net: nn.Module, objective: Objective, state: State, few: Batch
    ) -> None:
        self.net, self.objective, self.state, self.few = net, objective, state, few
        self.size, self.tolerance = len(tensors(few)[0]), tolerance(net)

    @property
    def interacts(self) -> bool:
        """Whether the outputs or the loss of an example depend on the others."""
        return self.size > 1 and not (
            self.additive(self.outputs) and self.additive(self.value)
        )

    @property
    def ordered(self) -> bool:
        """Whether the outputs or the loss depend on the order of the examples.

        As those of a network for the nodes of one graph do.
        """
        # no symmetry of a row or a ring of examples: the odd ones, then the even ones
        order = torch.tensor([*range(1, self.size, 2), *range(0, self.size, 2)])
        mixed = mapped(lambda x: x[order.to(x.device)], self.few)
        for function in (self.outputs, self.value):
            try:
                one, other = (
                    self._found(function, self.few),
                    self._found(function, mixed),
                )
            except Exception:  # code of the user's: any error may come out
                return True
            for before, after in zip(one, other, strict=True):
                rowed = before.ndim > 0 and len(before) == self.size
                wanted = before[order.to(before.device)] if rowed else before
                if not self.alike(after, wanted):
                    return True
        return False

    def outputs(self, batch: Batch) -> Any:
        """What the network gives."""
        return self.objective.outputs(self.net, batch)

    def value(self, batch: Batch) -> Tensor:
        """What the objective gives."""
        value = self.objective.value(self.net, batch)
        return torch.tensor(value, dtype=torch.float64)

    def additive(self, function: Function) -> bool:
        """Whether halves of the batch give halves of the rows, or of the mean."""
        size, half = self.size, self.size // 2
        first, last = slice(0, half), slice(half, size)
        try:
            whole = self._found(function, self.few)
            parts = [self._found(function, rows(self.few, c)) for c in (first, last)]
        except Exception:  # it takes whole batches only
            return False
        for all_, one, other in zip(whole, *parts, strict=True):
            if all_.ndim == 0:
                mean = (half * one + (size - half) * other) / size
                if not close(mean, all_, self.tolerance):
                    return False
            elif len(all_) == size and not close(
                torch.cat([one, other]), all_, self.tolerance
            ):
                return False
        return True

    def alike(self, one: Tensor, other: Tensor) -> bool:
        """Whether two results are the same but for rounding."""
        return one.shape == other.shape and close(one, other, self.tolerance)

    def refuse_sum(self) -> None:
        r"""See that the loss of examples does not change if each is there twice.

        A loss over the batch, such as one of contrasts between examples, may change.
        A sum, a power of one and what else depends on their number alone are told
        from it: doubling multiplies them by one number whatever the examples,
        $L(AA) = r L(A)$; or they are alike for every way to halve a batch, so that
        $L(A) + L(B)$ is the same, while $L(A)$ is not.

        Raises:
            BadSetting: If it depends on the number of examples alone.
        """
        halves = _halves(self.size)
        try:
            once = [self._loss(cut) for pair in halves for cut in pair]
            twice = [self._loss(cut + cut) for pair in halves for cut in pair]
            few = [self._loss(cut) for cut in ([0, 1], [0, 1] * 2)] if halves else []
        except Exception:  # it takes whole batches only
            return
        if all(map(_near, twice, once)) or not once:
            return
        grown = twice[0] / once[0] if once[0] else nan
        powers = all(_near(b, grown * a) for a, b in zip(once, twice, strict=True))
        sums = [a + b for a, b in zip(once[::2], once[1::2], strict=True)]
        varied = len(halves) > 1 and not all(_near(one, once[0]) for one in once)
        if (powers and _near(few[1], grown * few[0])) or (
            varied and all(_near(one, sums[0]) for one in sums)
        ):
            what = "is a sum" if _near(grown, 2) else "depends on how many there are"
            raise BadSetting(
                f"loss: two copies of the same examples have {grown:.3g} times the"
                f" loss, so it {what}. Pass the mean over the examples, as"
                " reduction='mean' gives it."
            )

    def _loss(self, examples: list[int]) -> float:
        few = mapped(lambda x: x[torch.tensor(examples, device=x.device)], self.few)
        (loss,) = self._found(self.value, few)
        return float(loss)

    def _found(self, function: Function, batch: Batch) -> list[Tensor]:
        """Its results, in the modes that the network is in, from its first state."""
        modes = [(module, module.training) for module in self.net.modules()]
        self.state.put_back()
        for module, training in modes:
            module.training = training
        return tensors(function(batch))


def _halves(size: int) -> list[tuple[list[int], list[int]]]:
    """Ways to halve so many examples: in the middle, by turns, and in pairs."""
    if size < 4:
        return [([0], [1])] if size > 1 else []
    every = list(range(size // 4 * 4))
    pairs = [i for i in every if i // 2 % 2 == 0]
    ways = every[: len(every) // 2], every[::2], pairs
    return [(one, [i for i in every if i not in one]) for one in ways]


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-3 * abs(other)
