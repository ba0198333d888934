"""What happens to every value while a network runs: who makes it, and who takes it.

Modules are seen by hooks, functions by a mode of torch's; so it does not matter whether
something was written as a module, as a function, or as an operator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from normlab.base.leaves import leaves
from normlab.base.taps import uncompiled

NORMALISING = {
    getattr(home, f"{name}_norm")
    for name in ("batch", "group", "instance", "layer", "rms")
    for home in (functional, torch)
} | {functional.local_response_norm}
_AFFINE = {
    getattr(functional, name)
    for name in (
        *("linear", "conv1d", "conv2d", "conv3d"),
        *("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
    )
}
NONLINEAR = {
    getattr(functional, name)
    for name in (
        *("relu", "relu_", "relu6", "leaky_relu", "leaky_relu_", "prelu", "rrelu"),
        *("elu", "elu_", "selu", "celu", "gelu", "silu", "mish", "softplus"),
        *("hardswish", "hardsigmoid", "hardtanh", "softsign", "sigmoid", "tanh"),
    )
} | {torch.relu, torch.relu_, torch.sigmoid, torch.tanh, torch.prelu, torch.selu}
NONLINEAR |= {Tensor.relu, Tensor.relu_, Tensor.sigmoid, Tensor.tanh}


class Use(NamedTuple):
    """A function that takes a value."""

    stack: tuple[str, ...]
    """Paths of the modules that were running, the outermost first."""
    function: Callable[..., Any]
    value: Tensor

    @property
    def name(self) -> str:
        """Of the function, and where it is called."""
        called = self.function.__name__.strip("_")
        return f"{called} in '{self.stack[-1]}'" if self.stack[-1] else called


class Call(NamedTuple):
    """One call of a module or of a normalising function."""

    path: str
    value: Tensor | None
    """What enters: the first argument, if it is a tensor."""
    shape: tuple[int, ...]
    inside: list[Use]
    """The functions called directly in it, or in its children, in order."""
    result: list[Tensor]
    """What leaves it, if that is a tensor."""


class Watch(TorchFunctionMode):
    """Keeps what flows through a model while it runs in `watching`."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.modules = dict(model.named_modules())
        self.calls: dict[str, list[Call]] = {path: [] for path in self.modules}
        self.opened: list[Call] = []
        """Calls of modules, in order."""
        self.functions: list[tuple[Use, Tensor]] = []
        """All calls of normalising functions, with what they made."""
        self.uses: dict[int, list[Use]] = {}
        self.makers: dict[int, list[str]] = {}
        self.answered: set[int] = set()
        """Values that are in the answer of the network itself."""
        # kept alive together: identity means something only among living objects
        self._alive: list[object] = []
        self._open: list[Call] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """See what the model does in the body."""
        handles = []
        try:
            for path, module in self.modules.items():
                handles += [
                    module.register_forward_pre_hook(
                        self._entering(path), with_kwargs=True
                    ),
                    module.register_forward_hook(self._leaving(path)),
                ]
            with self, uncompiled():
                yield
        finally:
            for handle in handles:
                handle.remove()

    def answer(self, value: object) -> None:
        """Note what the network has answered."""
        self._alive.append(value)
        self.answered |= {id(tensor) for _, tensor in leaves(value)}

    def _entering(self, path: str) -> Callable[..., None]:
        def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            value = next(iter((*args, *kwargs.values())), None)
            tensor = value if isinstance(value, Tensor) else None
            shape = tuple(tensor.shape) if tensor is not None else ()
            one = Call(path, tensor, shape, [], [])
            self._alive.append(value)
            self.calls[path].append(one)
            self.opened.append(one)
            self._open.append(one)

        return hook

    def _leaving(self, path: str) -> Callable[..., None]:
        def hook(_: nn.Module, __: tuple[Any, ...], made: object) -> None:
            while self._open and self._open.pop().path != path:
                pass
            if isinstance(made, Tensor):
                self.calls[path][-1].result.append(made)
                self._makes(path, made)

        return hook

    def _makes(self, path: str, made: Tensor) -> None:
        self._alive.append(made)
        makers = self.makers.setdefault(id(made), [])
        if path not in makers:
            makers.append(path)

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Compute as ever, and note what takes and makes values."""
        kwargs = kwargs or {}
        taken = [tensor for _, tensor in leaves((args, kwargs))]
        before = [_version(tensor) for tensor in taken]
        made = func(*args, **kwargs)
        stack = tuple(call.path for call in self._open) or ("",)
        results = [tensor for _, tensor in leaves(made)]
        for tensor, version in zip(taken, before, strict=True):
            handed_on = all(result is tensor for result in results)
            if handed_on and _version(tensor) == version:
                continue  # it was only looked at
            use = Use(stack, func, tensor)
            self._alive.append(tensor)
            self.uses.setdefault(id(tensor), []).append(use)
        if results and taken:
            self._note(Use(stack, func, taken[0]), results[0])
        return made

    def _note(self, use: Use, result: Tensor) -> None:
        for call in self._open[-2:]:
            call.inside.append(use)
        if use.function in _AFFINE and self._open:
            # before a hook puts something else behind the layer
            self._makes(self._open[-1].path, result)
        if use.function in NORMALISING:
            self._alive.append(result)
            self.functions.append((use, result))


def _version(tensor: Tensor) -> int:
    """How often a tensor was written to, of which those for inference keep no count."""
    return 0 if tensor.is_inference() else tensor._version
