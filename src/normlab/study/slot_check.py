"""What reaches the norms of a network: does each normalise what it was made for?"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from normlab.base.slots import Slot, slots_of
from normlab.base.taps import Hook, tapped, uncompiled
from normlab.errors import BadModel
from normlab.nets.check import answer
from normlab.norms.recognize import is_norm, switched_off
from normlab.probes.unit_axis import UnitAxes

_AFFINE = (nn.Linear, nn.modules.conv._ConvNd)
_FUNCTIONS = (
    functional.batch_norm,
    functional.group_norm,
    functional.instance_norm,
    functional.layer_norm,
    functional.local_response_norm,
    functional.rms_norm,
    torch.batch_norm,
    torch.group_norm,
    torch.instance_norm,
    torch.layer_norm,
    torch.rms_norm,
)


class SlotsSeen(NamedTuple):
    """What a batch showed of the norms of a network."""

    unreached: tuple[str, ...]
    """Slots whose norm was not called."""
    without_shift: tuple[str, ...]
    """Layers without a bias in front of a slot whose norm has none either."""
    functions: tuple[str, ...]
    """Functions that normalise, called outside of every norm."""


def check_slots(model: nn.Module, inputs: Tensor, classes: int) -> SlotsSeen:
    """Run a batch through `model` as it is, and look at what reaches its norms.

    Args:
        model: In training mode, with norms made for slots (see `base.slots`).
        inputs: The batch.
        classes: As many scores per example the output must have.

    Raises:
        BadModel: If a slot gets another layout than it was asked for with, or so few
            values that its norm lets nothing of its input through; if its norm makes
            another shape; or the model fails.
    """
    watch = _SlotRecorder(model)
    with uncompiled():
        with watch, watch.tapping():
            answer(model, inputs, classes)
        if watch.ambiguous:  # sizes alone do not tell the axes apart
            with UnitAxes() as axes, _Turned(model, axes).tapping():
                answer(model, inputs, classes)
    return SlotsSeen(
        unreached=tuple(path for path in watch.slots if path not in watch.reached),
        without_shift=tuple(dict.fromkeys(watch.without_shift)),
        functions=tuple(dict.fromkeys(watch.functions)),
    )


class _SlotRecorder(TorchFunctionMode):
    """Notes what enters norms, and which functions normalise outside of them."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self._model = model
        self.slots = slots_of(model)
        self._norms = {p for p, m in model.named_modules() if is_norm(m)}
        self._inside: list[object] = []  # what entered the norms of the call at hand
        self._bare: list[tuple[Tensor, str]] = []  # what layers without a bias made
        self.reached: set[str] = set()
        self.ambiguous = False
        self.without_shift: list[str] = []
        self.functions: list[str] = []

    def tapping(self) -> AbstractContextManager[None]:
        """Hook at every norm of the model, and at every layer without a bias."""
        watched = self._norms | self.slots.keys()
        bare = {
            path: self._made(path)
            for path, module in self._model.named_modules()
            if isinstance(module, _AFFINE) and module.bias is None
        }
        return tapped(
            self._model,
            inputs={path: self._entering(path) for path in watched},
            outputs={path: self._leaving(path) for path in watched} | bare,
        )

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Compute as ever, and note the functions that normalise."""
        if not self._inside and func in _FUNCTIONS:
            self.functions.append(f"{func.__name__}()")
        return func(*args, **(kwargs or {}))

    def _made(self, path: str) -> Hook:
        return lambda output: self._bare.append((output, path))

    def _leaving(self, path: str) -> Hook:
        def hook(made: object) -> None:
            entered = self._inside.pop()
            if path in self.slots and isinstance(entered, Tensor):
                self._check_made(path, tuple(entered.shape), made)

        return hook

    def _check_made(self, path: str, shape: tuple[int, ...], made: object) -> None:
        norm = type(self._model.get_submodule(path)).__name__
        if not isinstance(made, Tensor):
            kind = type(made).__name__
            raise _refused(path, f"{norm} makes {kind} of a tensor, not a tensor.")
        if tuple(made.shape) != shape:
            raise _refused(
                path,
                f"{norm} makes {tuple(made.shape)} of {shape}. A norm keeps the shape.",
            )

    def _entering(self, path: str) -> Hook:
        def hook(flowing: object) -> None:
            self._inside.append(flowing)
            if path in self.slots:
                self._check(path, flowing)

        return hook

    def _check(self, path: str, flowing: object) -> None:
        slot, norm = self.slots[path], self._model.get_submodule(path)
        self.reached.add(path)
        if not isinstance(flowing, Tensor):
            kind = type(flowing).__name__
            raise _refused(path, f"{slot} gets a {kind}, not a tensor.")
        shape = tuple(flowing.shape)
        if misfit := slot.misfit(shape):
            raise _refused(path, misfit)
        if constant := switched_off(norm, shape):
            raise _refused(
                path,
                f"{type(norm).__name__} in {slot}, which gets {shape}, {constant}. "
                f"Use fewer groups, 'batch' or 'none', or put the norm where there "
                f"are more positions.",
            )
        self.ambiguous |= slot.features in shape[2:]
        if getattr(norm, "bias", None) is None:
            self.without_shift += [p for made, p in self._bare if made is flowing]


class _Turned:
    """Refuses slots whose features are followed to another axis than the second."""

    def __init__(self, model: nn.Module, axes: UnitAxes) -> None:
        self._model, self._axes = model, axes

    def tapping(self) -> AbstractContextManager[None]:
        """Hook at what enters every slot."""
        slots = slots_of(self._model)
        return tapped(self._model, inputs={p: self._at(p, s) for p, s in slots.items()})

    def _at(self, path: str, slot: Slot) -> Callable[[Any], None]:
        def hook(flowing: Tensor) -> None:
            if misfit := slot.misfit(flowing.shape, self._axes.of(flowing)):
                raise _refused(path, misfit)

        return hook


def _refused(path: str, why: str) -> BadModel:
    return BadModel(f"norm slot '{path}': {why}")
