"""Change a model as you like, and always get it back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from normlab.base.state import (
    GENERATORS,
    PLAIN,
    data_of,
    entries,
    followed,
    generator_state,
    is_own,
    read_by,
    set_generator_state,
    slots,
    spots,
)
from normlab.base.streams import fork_rng

PutBack = Callable[[], None]


@contextmanager
def preserved(model: nn.Module) -> Iterator[nn.Module]:
    """Undo on exit whatever the body does to the state of `model`.

    Behind the block, also after an error, the model holds the same tensor objects
    with the same bits: parameters, buffers (running statistics too), gradients;
    `requires_grad`, the mode of every single module, its sub-modules and the
    default random generators are as they were. A norm frozen on purpose stays
    frozen. So is what hangs on its modules, their classes and methods beside:
    counters, plain tensors and arrays, lists and dictionaries of them, generators,
    objects of a user's own. What cannot be seen, such as an iterator, stays moved.

    Args:
        model: Any module; tied parameters stay tied.

    Example:
        >>> net = nn.Linear(3, 2)
        >>> before = net.bias.clone()
        >>> with preserved(net):
        ...     _ = nn.init.zeros_(net.bias)
        >>> net.bias.equal(before)
        True
    """
    tensors = [*model.parameters(), *model.buffers()]
    held: list[PutBack] = [_module(module) for module in model.modules()]
    # those of lazy modules hold nothing yet
    filled = (tensor for tensor in tensors if not is_lazy(tensor))
    held += [_Snapshot.of(tensor).put_back for tensor in filled]
    beside = (undoing(spot.value) for spot in spots(model, tensors))
    held += [undo for undo in beside if undo is not None]
    try:
        with fork_rng():
            yield model
    finally:
        for put_back in held:
            put_back()


def undoing(value: object) -> PutBack | None:
    """What brings one object back to how it is now; None for what cannot change."""
    if isinstance(value, PLAIN):
        return None
    match value:
        case Tensor():
            return _Snapshot.of(value).put_back if _writable(value) else None
        case np.ndarray():
            return _array(value) if value.flags.writeable else None
        case dict():
            return _mapping(value)
        case list() | deque() | set():
            return _collection(value)
        case FunctionType():
            return _function(value) if is_own(value) else None
        case type():
            return _class(value) if is_own(value) else None
        case nn.Module():
            return _module(value)
    if isinstance(value, GENERATORS):
        state = generator_state(value)
        return lambda: set_generator_state(value, state)
    return _object(value) if followed(value) else None


def _writable(tensor: Tensor) -> bool:
    """Whether torch lets its values be written to, which of some it never does."""
    if tensor.is_inference():
        return False
    strides = tensor.stride() if tensor.layout == torch.strided else tensor.shape
    steps = zip(tensor.shape, strides, strict=True)
    return not any(size > 1 and stride == 0 for size, stride in steps)


def _array(array: np.ndarray) -> PutBack:
    before = array.copy()
    return lambda: np.copyto(array, before)


def _mapping(mapping: dict[Any, Any]) -> PutBack:
    before = entries(mapping)

    def put_back() -> None:
        # by identity: tensors have no truth; untouched if nothing changed, for torch's
        # compiler watches dictionaries
        pairs = zip(mapping.items(), before.items(), strict=False)
        same = all(a is c and b is d for (a, b), (c, d) in pairs)
        if not same or len(mapping) != len(before):
            mapping.clear()
            mapping.update(before)

    return put_back


def _collection(collection: list[Any] | deque[Any] | set[Any]) -> PutBack:
    before = list(collection)

    def put_back() -> None:
        collection.clear()
        add = collection.update if isinstance(collection, set) else collection.extend
        add(before)

    return put_back


def _module(module: nn.Module) -> PutBack:
    """Its mode, its attributes, and which objects bear which names in it."""
    # not script modules' own wrappers, which cannot be written to
    registered = (module._parameters, module._buffers, module._modules)
    held = [_mapping(names) for names in registered if isinstance(names, dict)]
    return _together([_mapping(module.__dict__), *held])


def _object(value: object) -> PutBack:
    named = {name: getattr(value, name) for name in slots(value)}

    def put_back() -> None:
        for name, before in named.items():
            object.__setattr__(value, name, before)

    own = getattr(value, "__dict__", None)
    return _together([put_back, *([] if own is None else [_mapping(own)])])


def _class(kind: type) -> PutBack:
    before = data_of(kind)

    def put_back() -> None:
        for name, now in data_of(kind).items():
            if name not in before:
                delattr(kind, name)
            elif now is not before[name]:
                setattr(kind, name, before[name])

    return put_back


def _function(function: FunctionType) -> PutBack:
    cells, read = read_by(function)
    held = []
    for cell in cells.values():
        with suppress(ValueError):  # nothing was put into it yet
            held.append((cell, cell.cell_contents))

    def put_back() -> None:
        for cell, before in held:
            cell.cell_contents = before
        for name, before in read.items():
            if function.__globals__.get(name) is not before:
                function.__globals__[name] = before

    return put_back


def _together(held: list[PutBack]) -> PutBack:
    def put_back() -> None:
        for one in held:
            one()

    return put_back


@dataclass(frozen=True)
class _Snapshot:
    """One tensor: its memory, a copy of its values, its gradient likewise."""

    tensor: Tensor
    memory: Tensor
    values: Tensor
    requires_grad: bool
    gradient: _Snapshot | None

    @classmethod
    def of(cls, tensor: Tensor) -> _Snapshot:
        # .data: the same memory, outside of autograd and its version counter, so
        # that a backward pass begun before the block can be finished behind it
        memory, gradient = tensor.data, tensor.grad if tensor.is_leaf else None
        return cls(
            tensor=tensor,
            memory=memory,
            values=memory.clone(),
            requires_grad=tensor.requires_grad,
            gradient=None if gradient is None else cls.of(gradient),
        )

    def put_back(self) -> None:
        self.memory.copy_(self.values)
        self.tensor.data = self.memory
        if not self.tensor.is_leaf:
            return
        self.tensor.requires_grad_(self.requires_grad)
        if self.gradient is not None:
            self.gradient.put_back()
        self.tensor.grad = None if self.gradient is None else self.gradient.tensor
