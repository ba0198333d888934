"""Change a model as you like, and always get it back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from normlab.base.streams import undisturbed


@contextmanager
def preserved(model: nn.Module) -> Iterator[nn.Module]:
    """Undo on exit whatever the body does to the state of `model`.

    Behind the block, also after an error, the model holds the same tensor objects
    with the same bits: parameters, buffers (running statistics too), gradients;
    `requires_grad`, the mode of every single module, its sub-modules and the
    default random generators are as they were. A norm frozen on purpose stays
    frozen. Plain attributes, such as a norm's `momentum`, are not looked after.

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
    modules = [_Held.of(module) for module in model.modules()]
    tensors = [_Kept.of(tensor) for tensor in _tensors(model)]
    try:
        with undisturbed():
            yield model
    finally:
        for module in modules:
            module.put_back()
        for tensor in tensors:
            tensor.put_back()


def _tensors(model: nn.Module) -> Iterator[Tensor]:
    """Parameters and buffers, each once."""
    yield from model.parameters()
    yield from model.buffers()


@dataclass(frozen=True)
class _Held:
    """One module: its mode, and which objects bear which names in it."""

    module: nn.Module
    training: bool
    members: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, module: nn.Module) -> _Held:
        return cls(module, module.training, tuple(map(dict, _members(module))))

    def put_back(self) -> None:
        # one by one, for model.train(mode) would wake the frozen ones
        self.module.training = self.training
        for current, before in zip(_members(self.module), self.members, strict=True):
            current.clear()
            current.update(before)


def _members(module: nn.Module) -> tuple[dict[str, Any], ...]:
    return module._parameters, module._buffers, module._modules


@dataclass(frozen=True)
class _Kept:
    """One tensor: its memory, a copy of its values, its gradient likewise."""

    tensor: Tensor
    memory: Tensor
    values: Tensor
    requires_grad: bool
    gradient: _Kept | None

    @classmethod
    def of(cls, tensor: Tensor) -> _Kept:
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
