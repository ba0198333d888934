"""What there is to look at in a network, in order of first execution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from normlab.base.hold import preserved
from normlab.base.taps import Hook, tapped
from normlab.norms.recognize import by_unit, is_norm
from normlab.probes.unit_axis import UnitAxes

SATURATING: tuple[type[nn.Module], ...] = (nn.Sigmoid, nn.Tanh)
NONLINEARITIES: tuple[type[nn.Module], ...] = (
    *SATURATING,
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.PReLU,
    nn.ELU,
    nn.CELU,
    nn.SELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Softplus,
    nn.Hardtanh,
    nn.Hardswish,
)
# What norms by unit take mean and scale out of is computed with one row of a weight of
# these layers. (Transposed: with one column.)
_ROWED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


@dataclass(frozen=True)
class ModuleCall:
    """One call of a module; a module that is used again has several."""

    path: str
    call: int = 1

    def __str__(self) -> str:
        return self.path if self.call == 1 else f"{self.path}#{self.call}"


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    """The places of a network that probes look at."""

    places: tuple[ModuleCall, ...]
    """Norms and hidden places together."""
    hidden: tuple[ModuleCall, ...]
    """Nonlinearities, or what stands in for them."""
    seen_behind: bool
    """Whether hidden values are outputs of these places rather than inputs."""
    norms: tuple[ModuleCall, ...]
    unit_axis: dict[ModuleCall, int] = field(hash=False)
    """Which axis of what flows there holds the units, where that can be told."""
    order: dict[str, int] = field(hash=False)
    """When each parameter is used first; those used together have equal numbers."""
    scale_invariant: tuple[str, ...]
    """Weights whose rows can be rescaled without changing what the network does."""

    def weights(self, shared: Iterable[str], model: nn.Module) -> tuple[str, ...]:
        """The shared weight tensors (no biases) that are trained, first used first."""
        named = model.named_parameters()
        trained = {n for n, p in named if p.dim() > 1 and p.requires_grad}
        names = [n for n in shared if n in trained]
        return tuple(sorted((n for n in names if n in self.order), key=self._place))

    def _place(self, name: str) -> int:
        return self.order[name]


def trace_modules(model: nn.Module, inputs: Tensor) -> Anatomy:
    """Run `model` once on `inputs` and note what is used, in which order.

    Nonlinearities that are functions rather than modules cannot be seen. A network
    without a single module of that kind shows the outputs of its norms instead, and
    of the identities that stand in a norm's slot.

    Args:
        model: Is left bit-identical.
        inputs: A few examples, at least two for batch norm.
    """
    watched = _Execution(model)
    with preserved(model), torch.no_grad(), watched.tapping(), watched.axes:
        model(inputs)
    seen = [p for p in watched.calls if isinstance(watched[p], NONLINEARITIES)]
    slots = [p for p in watched.calls if _is_slot(watched[p])]
    hidden, norms = seen or slots, [p for p in watched.calls if is_norm(watched[p])]
    return Anatomy(
        places=tuple(p for p in watched.calls if p in hidden or p in norms),
        hidden=tuple(hidden),
        seen_behind=not seen,
        norms=tuple(norms),
        unit_axis={p: axis for p, axis in watched.unit_axis.items() if axis},
        order=watched.order(),
        scale_invariant=tuple(watched.scale_invariant()),
    )


def _is_slot(module: nn.Module) -> bool:
    return is_norm(module) or isinstance(module, nn.Identity)


class _Execution:
    """Which modules were called, one after another, and who fed whom."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._modules = dict(model.named_modules())
        self.calls: list[ModuleCall] = []
        self.unit_axis: dict[ModuleCall, int | None] = {}
        self.axes = UnitAxes()
        self._counts: Counter[str] = Counter()
        self._made: list[tuple[str, Tensor]] = []  # kept, so that no id is used twice
        self._feeders: dict[str, str] = {}

    def __getitem__(self, place: ModuleCall) -> nn.Module:
        return self._modules[place.path]

    def tapping(self) -> Any:
        inputs: dict[str, Hook] = {path: self._enters(path) for path in self._modules}
        outputs: dict[str, Hook] = {path: self._leaves(path) for path in self._modules}
        return tapped(self._model, inputs=inputs, outputs=outputs)

    def _enters(self, path: str) -> Hook:
        def look(entering: Any) -> None:
            self._counts[path] += 1
            place = ModuleCall(path, self._counts[path])
            self.calls.append(place)
            self.unit_axis[place] = self.axes.at(self._modules[path], entering)
            for maker, made in self._made:
                if made is entering and by_unit(self._modules[path]):
                    self._feeders[path] = maker

        return look

    def _leaves(self, path: str) -> Hook:
        def look(leaving: Any) -> None:
            if isinstance(self._modules[path], _ROWED):
                self._made.append((path, leaving))

        return look

    def order(self) -> dict[str, int]:
        """A parameter of a module that is never called goes with the one around it."""
        first: dict[str, int] = {}
        for number, place in enumerate(self.calls):
            first.setdefault(place.path, number)
        found: dict[str, int] = {}
        for name, _ in self._model.named_parameters():
            owner = name.rpartition(".")[0]
            while owner and owner not in first:
                owner = owner.rpartition(".")[0]
            found[name] = first[owner]
        return found

    def scale_invariant(self) -> list[str]:
        """Weights used once, in front of a norm that is not frozen.

        One that is computed from others, as by weight norm, is no parameter.
        """
        named = dict(self._model.named_parameters())
        return [
            f"{maker}.weight"
            for norm, maker in self._feeders.items()
            if self._counts[maker] == 1
            and self._modules[norm].training
            and f"{maker}.weight" in named
        ]
