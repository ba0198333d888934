"""What a network remembers from call to call, and how it forgets it again."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from normlab.landscape.witness import Undo, held_tensors

_CONTAINERS = (list, dict, set, deque)
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
        held = {
            id(value): value
            for module in net.modules()
            for name, value in vars(module).items()
            if name not in _OF_TORCH
        }
        self._undo = [*outside, *filter(None, map(_undo, held.values()))]

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


_OF_TORCH = frozenset(vars(nn.Module()))


def _undo(value: Any) -> Undo | None:
    """How to put back what can be changed without being replaced."""
    if isinstance(value, torch.Generator):
        return partial(value.set_state, value.get_state())
    if isinstance(value, np.random.Generator):
        return partial(setattr, value.bit_generator, "state", value.bit_generator.state)
    if isinstance(value, np.random.RandomState | random.Random):
        get, put = _STATES[isinstance(value, random.Random)]
        return partial(getattr(value, put), getattr(value, get)())
    if type(value) in _CONTAINERS and len(value) <= _MOST:
        return partial(_refill, value, value.copy())
    return None


_STATES: dict[bool, tuple[str, str]] = {
    True: ("getstate", "setstate"),
    False: ("get_state", "set_state"),
}


def _refill(container: Any, before: Any) -> None:
    fill: Callable[[Any], None] = getattr(
        container, "extend" if isinstance(container, list | deque) else "update"
    )
    container.clear()
    fill(before)
