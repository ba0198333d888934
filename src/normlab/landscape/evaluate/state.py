"""What a network remembers from call to call, and how it forgets it again."""

from __future__ import annotations

from collections.abc import Iterable, Sized

import torch
from torch import Tensor, nn

from normlab.base.hold import undoing
from normlab.base.state import spots
from normlab.landscape.trial.witness import Undo, held_tensors

_MOST = 1_000  # entries of a container; what is larger is a table, not a memory


class State:
    """Everything beside the parameters, as it is now.

    Buffers, tensors and numbers that modules hold as plain attributes, what is in
    their lists, and their generators. A loss must depend on the point alone: not on
    the points before it, nor on which thread they were given to.

    Args:
        net: A network; its parameters are the business of whoever moves it.
        outside: How to put back what it changes that does not belong to it.
    """

    def __init__(self, net: nn.Module, outside: Iterable[Undo] = ()) -> None:
        self._members = [
            (members, dict(members))
            for module in net.modules()
            for members in (vars(module), module._buffers)
        ]
        moved = {id(p) for p in net.parameters()}
        kept = {id(x): x for x in held_tensors(net) if id(x) not in moved}
        self._tensors = [(x, x.detach().clone()) for x in kept.values()]
        held = [
            spot.value
            for spot in spots(net, [*net.parameters(), *kept.values()])
            if spot.reached and not _is_table(spot.value)
        ]
        self._undo = [*outside, *filter(None, map(undoing, held))]

    def put_back(self) -> None:
        """Let the network be as it was, but for its parameters."""
        for members, before in self._members:
            for name in members.keys() - before.keys():
                del members[name]
            members.update(before)
        for tensor, value in self._tensors:
            tensor.data.copy_(value)
        for undo in self._undo:
            undo()

    @property
    def changed(self) -> bool:
        """Whether the network remembers something since."""
        return any(
            members.keys() != before.keys()
            or any(
                members[name] is not value
                for name, value in before.items()
                if name != "training"
            )
            for members, before in self._members
        ) or any(not same(tensor, value) for tensor, value in self._tensors)


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors hold the same numbers; what is none is itself."""
    return torch.equal(one.nan_to_num(), other.nan_to_num())


def _is_table(value: object) -> bool:
    return isinstance(value, Sized) and len(value) > _MOST
