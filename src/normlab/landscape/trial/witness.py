"""What a computation reads and writes beside its results."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Self
from warnings import catch_warnings, filterwarnings

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Undo = Callable[[], object]


class Witness(TorchDispatchMode):
    """Sees every operation of torch while it is entered; changes none.

    A function of Python's is not copied with the module that holds it: it goes on
    reading what it was made with. So a copy is no proof that the original is left
    alone, but the memory that operations touch is.

    Args:
        net: What runs; its own tensors are known to it.
        original: What `net` is a copy of; None if it is the original itself.

    Attributes:
        read_original: Whether a tensor or a module of the original was used.
        wrote_own: Whether a tensor of the network's own was written to.
        outside: How to put back what belongs to neither, but was written to: tensors,
            and generators that were drawn from.
        drew: Whether a default generator moved.
        largest: Values of the largest result of any operation.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # it would be imported for that, which takes a second

    def __init__(self, net: nn.Module, original: nn.Module | None = None) -> None:
        super().__init__()
        self.read_original = self.wrote_own = self.drew = False
        self.outside: dict[int, Undo] = {}
        self.largest = 0
        self._own = memory(held_tensors(net))
        theirs = () if original is None else held_tensors(original)
        self._original = memory(theirs) - self._own
        self._modules = set() if original is None else set(original.modules())
        self._modules -= set(net.modules())
        self._fresh: set[int] = set()

    def __enter__(self) -> Self:
        self._before = _default_generators()
        self._hook = register_module_forward_pre_hook(self._called)
        # compiled modules warn of every hook on all modules, which ours is
        self._warnings = catch_warnings()
        self._warnings.__enter__()
        filterwarnings("ignore", r"Using `torch.compile\(module\)` when there are glob")
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._warnings.__exit__(None, None, None)
        self._hook.remove()
        self.drew |= self._before != _default_generators()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        used = tree_leaves((args, kwargs))
        if not self._original.isdisjoint(memory(used)):
            self.read_original = True
        for generator in (g for g in used if isinstance(g, torch.Generator)):
            undo = partial(generator.set_state, generator.get_state())
            self.outside.setdefault(id(generator), undo)
        for tensor in _written(func, args, kwargs):
            self._note_writing(tensor)
        found = func(*args, **kwargs)
        results = [x for x in tree_leaves(found) if isinstance(x, Tensor)]
        made = [x for x in results if memory([x]).isdisjoint(memory(used))]
        self.largest = max([self.largest, *(x.numel() for x in made)])
        self._fresh |= memory(made)
        return found

    def overlook(self, tensors: Iterable[Tensor]) -> None:
        """Let these be nobody's: what was handed over may be used."""
        self._original -= memory(tensors)

    def take_in(self, other: Witness) -> None:
        """What another one saw beside, but for what was read."""
        self.outside = other.outside | self.outside
        self.drew |= other.drew
        self.largest = max(self.largest, other.largest)

    def _called(self, module: nn.Module, _: object) -> None:
        if module in self._modules:
            self.read_original = True

    def _note_writing(self, tensor: Tensor) -> None:
        for place in memory([tensor]):
            if place in self._own:
                self.wrote_own = True
            elif place not in self._fresh and place not in self._original:
                there = tensor.detach()
                self.outside.setdefault(place, partial(_write, there, there.clone()))


def held_tensors(net: nn.Module) -> list[Tensor]:
    """Parameters, buffers, and tensors that modules hold as plain attributes."""
    return [
        leaf
        for module in net.modules()
        for leaf in tree_leaves(vars(module))
        if isinstance(leaf, Tensor)
    ]


def memory(values: Iterable[Any]) -> set[int]:
    """Where the tensors among these values lie; those without memory are left out."""
    found: set[int] = set()
    for value in values:
        if isinstance(value, Tensor):
            try:
                found.add(value.untyped_storage().data_ptr())
            except (NotImplementedError, RuntimeError):  # sparse ones and the like
                continue
    return found - {0}


def _written(func: Any, args: Any, kwargs: Any) -> Iterator[Tensor]:
    """The tensors that an operation writes to."""
    schema = func._schema
    for position, argument in enumerate(schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = (
                args[position] if position < len(args) else kwargs.get(argument.name)
            )
            yield from (x for x in tree_leaves(value) if isinstance(x, Tensor))
    # torch's schema does not say that these move their running averages
    if "batch_norm" in schema.name and any(value is True for value in args):
        yield from (x for x in args[3:5] if isinstance(x, Tensor))


def _write(tensor: Tensor, value: Tensor) -> None:
    tensor.data.copy_(value)


def _default_generators() -> tuple[object, ...]:
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002
    state = torch.get_rng_state()
    return (
        state.numpy().tobytes(),
        kind,
        np.asarray(keys).tobytes(),
        *rest,
        random.getstate(),
    )
