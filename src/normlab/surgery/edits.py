"""The changes that verbs make to the modules of a network, one class each.

An edit is plain data: it can be written to a file and made again in a fresh network
(`surgery.saved`). It says which modules stand where. What the tensors of a folded layer
hold is up to `fold`, or to the file.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from torch import Tensor, nn
from torch.nn.utils import parametrize, remove_spectral_norm, remove_weight_norm

from normlab.base.slots import NormMaker, Slot
from normlab.surgery.carried import carry, rest_of
from normlab.surgery.features_last import FeaturesLast
from normlab.surgery.holding import hold

INSERTED = "normlab_norm"
"""The name of a norm that was put behind a layer, in it."""


class Folded(NamedTuple):
    """A norm that an affine layer has taken in."""

    norm: str
    layer: str
    rest: tuple[str, ...] = ()
    """What stays of the norm, such as an activation in it."""

    def make(self, model: nn.Module) -> None:
        """Make the layer plain and with a bias, and take the norm away."""
        layer = model.get_submodule(self.layer)
        open_weight(layer)
        give_bias(layer)
        swap(model, self.norm, rest_of(model.get_submodule(self.norm), self.rest))

    def __str__(self) -> str:
        left = f"; {', '.join(self.rest)} of it stays" if self.rest else ""
        return f"{self.norm} folded into {self.layer}{left}"


class Replaced(NamedTuple):
    """A norm in whose place another one stands."""

    path: str
    to: str
    slot: Slot
    last: bool
    """Whether the features are along the last axis, not along the second."""
    rest: tuple[str, ...] = ()
    shifted: tuple[str, ...] = ()
    """Layers in front of it that get a bias of zeros, if they have none."""

    def make(self, model: nn.Module, norm: NormMaker) -> None:
        """Put it there, with what it can hold of the old one's numbers."""
        old = model.get_submodule(self.path)
        new = carry(old, made(norm, self.slot, last=self.last), at(model, self.path))
        rest = rest_of(old, self.rest)
        kept = nn.Sequential(new, rest) if self.rest else new
        swap(model, self.path, kept.train(old.training))
        for layer in self.shifted:
            give_bias(model.get_submodule(layer))

    def __str__(self) -> str:
        biased = f"; bias of zeros: {', '.join(self.shifted)}" if self.shifted else ""
        kept = f", then {', '.join(self.rest)} of it" if self.rest else ""
        return f"{self.path} -> {self.to} for {self.slot}{kept}{biased}"


class Inserted(NamedTuple):
    """A norm that was put behind a layer."""

    path: str
    to: str
    slot: Slot
    last: bool

    def make(self, model: nn.Module, norm: NormMaker) -> None:
        """Put it there: the layer's own names and attributes stay."""
        layer = model.get_submodule(self.path)
        held = next(layer.parameters())
        new = made(norm, self.slot, last=self.last)
        new.to(device=held.device, dtype=held.dtype).train(layer.training)
        layer.add_module(INSERTED, new)
        layer.register_forward_hook(_behind)

    def __str__(self) -> str:
        return f"{self.to} behind {self.path} for {self.slot}"


class Frozen(NamedTuple):
    """A norm that is held as it is."""

    path: str
    statistics: bool
    """Whether its running statistics are."""
    affine: bool
    """Whether its scale and shift are."""

    def make(self, model: nn.Module) -> None:
        """Freeze it."""
        norm = model.get_submodule(self.path)
        hold(norm, statistics=self.statistics, affine=self.affine)

    def __str__(self) -> str:
        asked = {"statistics": self.statistics, "scale and shift": self.affine}
        named = " and ".join(name for name, one in asked.items() if one)
        return f"{self.path}: {named} frozen"


Edit: TypeAlias = Folded | Replaced | Inserted | Frozen


def _behind(layer: nn.Module, inputs: tuple[Any, ...], made: Tensor) -> Tensor:
    """The hook of a layer with a norm behind it: found by name, so it can be copied."""
    del inputs
    return getattr(layer, INSERTED)(made)


def made(norm: NormMaker, slot: Slot, *, last: bool) -> nn.Module:
    """A new norm of a slot, whichever axis its features are along."""
    new = norm(*slot)
    return FeaturesLast(new) if last else new


def at(model: nn.Module, path: str) -> Tensor | None:
    """A tensor as those of a module are, for their device and type."""
    module = model.get_submodule(path)
    owners = (module, model)
    return next((t for o in owners for t in (*o.parameters(), *o.buffers())), None)


def swap(model: nn.Module, path: str, new: nn.Module) -> None:
    """Put a module in another one's place, under all names that this one has."""
    old = model.get_submodule(path)
    for name, module in list(model.named_modules(remove_duplicate=False)):
        if module is old:
            model.set_submodule(name, new)


def give_bias(layer: nn.Module) -> None:
    """Give a layer a bias of zeros, if it has none."""
    if getattr(layer, "bias", 0) is None:
        linear = isinstance(layer, nn.Linear)
        size = layer.out_features if linear else layer.out_channels
        layer.bias = nn.Parameter(layer.weight.new_zeros(size))  # type: ignore[operator]


def open_weight(layer: nn.Module) -> None:
    """Leave a layer the weight that it computes with, as an ordinary parameter."""
    layer.eval()  # a spectral norm iterates in training
    if parametrize.is_parametrized(layer):
        # not by torch's function, which changes the class that all copies share
        values = {n: getattr(layer, n).detach() for n in layer.parametrizations}  # type: ignore[union-attr]
        layer.__class__ = parametrize.type_before_parametrizations(layer)
        del layer.parametrizations
        for name, value in values.items():
            setattr(layer, name, nn.Parameter(value.clone()))
    for hook in list(layer._forward_pre_hooks.values()):
        kind = type(hook).__name__
        if kind == "WeightNorm":
            remove_weight_norm(layer, hook.name)  # pyright: ignore[reportFunctionMemberAccess]
        elif kind == "SpectralNorm":
            remove_spectral_norm(layer, hook.name)  # pyright: ignore[reportFunctionMemberAccess]
