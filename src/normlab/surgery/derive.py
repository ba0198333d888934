"""The arms of a network that takes no norm: made from the network as it is.

Where it has norms, each is replaced by the arm's. Where it has none, one is put behind
every linear layer and convolution whose output goes straight into a nonlinearity. Both
are seen by running a copy once on an example: who made a tensor, and who takes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from normlab.base.slots import NormMaker, Slot, marked
from normlab.base.streams import fork_rng
from normlab.base.taps import Hook, tapped
from normlab.errors import BadModel, described
from normlab.norms.recognize import is_norm_module
from normlab.user_code import refusing

_AFFINE = (nn.Linear, nn.modules.conv._ConvNd)
_INSERTED = "normlab_norm"
_NONLINEAR = {
    getattr(functional, name)
    for name in (
        *("relu", "relu_", "relu6", "leaky_relu", "leaky_relu_", "prelu", "rrelu"),
        *("elu", "elu_", "selu", "celu", "gelu", "silu", "mish", "softplus"),
        *("hardswish", "hardsigmoid", "hardtanh", "softsign", "sigmoid", "tanh"),
    )
} | {torch.relu, torch.relu_, torch.sigmoid, torch.tanh, torch.prelu, torch.selu}
_NONLINEAR |= {Tensor.relu, Tensor.relu_, Tensor.sigmoid, Tensor.tanh}


class Place(NamedTuple):
    """Where the norm of an arm is to stand."""

    path: str
    """Of the norm that stands there, or of the layer that it is put behind."""
    slot: Slot
    last: bool
    """Whether the features are along the last axis, not along the second."""
    feeders: tuple[str, ...]
    """The linear layers and convolutions whose outputs are normalised there."""
    own: bool
    """Whether the network has a norm there."""


def derive(
    model: nn.Module, norm: NormMaker | None, shape: tuple[int, ...]
) -> nn.Module:
    """Give a network the norms of an arm, in its own places.

    Norms that are replaced hand on `eps` and `momentum` to one that has them. Where a
    norm with a shift goes and nothing comes, the layer in front of it gets a bias of
    zeros if it has none: else the arm would be handicapped. Names of tensors outside
    of norms stay; what is put behind a layer is its submodule `normlab_norm`, so
    attributes of that layer stay where they were.

    Args:
        model: Is changed in place; no two parts of it may be tied through its norms.
        norm: Makes the arm's norms; None leaves those that there are as they are.
        shape: Of one example, without the batch.

    Returns:
        The same model.

    Raises:
        BadModel: If it cannot be run, has neither a norm nor a place for one, or the
            arm's norm has no meaning in a place.

    Example:
        >>> from normlab.norms.registry import maker
        >>> net = nn.Sequential(nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8))
        >>> derive(net, maker("none"), (4,))
        Sequential(
          (0): Linear(in_features=4, out_features=8, bias=True)
          (1): Identity()
        )
    """
    found = places(model, torch.zeros(2, *shape).normal_(generator=_generator()))
    norms = [path for path, m in model.named_modules() if is_norm_module(m)]
    if norms and not any(place.own for place in found):
        raise BadModel(
            f"the network has norms, but an example reaches none of them: "
            f"{', '.join(norms[:3])}. Call them in forward, or take them out."
        )
    if not found:
        raise BadModel(
            "the network has no norm, and no linear layer or convolution goes straight "
            "into a nonlinearity, so there is no place for one. Write it around norm: "
            "def make(norm)."
        )
    if norm is None and not found[0].own:
        raise BadModel("the network has no norms of its own to keep.")
    for place in found:
        if norm is None:
            marked(model.get_submodule(place.path), place.slot)
        elif place.own:
            _replace(model, place, norm)
        else:
            _put_behind(model.get_submodule(place.path), _made(place, norm))
    return model


def _generator() -> torch.Generator:
    """Of its own, so that what the arms draw is the same with and without a look."""
    return torch.Generator().manual_seed(0)


def places(model: nn.Module, example: Tensor) -> tuple[Place, ...]:
    """Where norms stand, or else where they could; in the order of the calls.

    Args:
        model: Left as it is: a copy is run, in eval mode.
        example: A batch that it can read.

    Raises:
        BadModel: If it cannot be run on the example.
    """
    copy = deepcopy(model).eval()
    watch = _Watch(copy)

    def told(error: BaseException) -> BadModel:
        return BadModel(
            f"the network cannot read examples of shape {tuple(example.shape[1:])}: "
            f"{described(error)}"
        )

    with fork_rng(), torch.no_grad(), refusing(told), watch, watch.tapping():
        copy(example)
    return tuple(watch.norms()) or tuple(watch.openings())


class _Watch(TorchFunctionMode):
    """Notes what enters norms and nonlinearities, and which layer made it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        modules = dict(model.named_modules())
        norms = [path for path, module in modules.items() if is_norm_module(module)]
        # the outermost: what stands in a norm is part of it
        self._norms = [
            path
            for path in norms
            if not any(path.startswith(f"{other}.") for other in norms)
        ]
        self._layers = [p for p, m in modules.items() if isinstance(m, _AFFINE)]
        self._modules = modules
        # kept alive together: identity means something only among living objects
        self._made: list[tuple[Tensor, str]] = []
        self._entered: dict[str, list[Tensor]] = {}
        self._nonlinear: list[Tensor] = []
        self._called: list[str] = []

    def tapping(self) -> Any:
        """Hook at norms and at layers."""
        return tapped(
            self._modules[""],
            inputs={path: self._entering(path) for path in self._norms},
            outputs={path: self._leaving(path) for path in self._layers},
        )

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Compute as ever, and note what a nonlinearity takes."""
        if func in _NONLINEAR and args and isinstance(args[0], Tensor):
            self._nonlinear.append(args[0])
        return func(*args, **(kwargs or {}))

    def _entering(self, path: str) -> Hook:
        def hook(flowing: object) -> None:
            if isinstance(flowing, Tensor):
                self._entered.setdefault(path, []).append(flowing)

        return hook

    def _leaving(self, path: str) -> Hook:
        def hook(made: object) -> None:
            self._called.append(path)
            if isinstance(made, Tensor):
                self._made.append((made, path))

        return hook

    def norms(self) -> Iterator[Place]:
        """Those that the example has reached."""
        for path, entered in self._entered.items():
            makers = [
                path for made, path in self._made if any(made is e for e in entered)
            ]
            norm = self._modules[path]
            last = isinstance(norm, nn.LayerNorm | nn.RMSNorm)
            yield _place(path, entered[0], makers, last=last, own=True)

    def openings(self) -> Iterator[Place]:
        """Layers that are called once and feed a nonlinearity."""
        for made, path in self._made:
            feeds = any(taken is made for taken in self._nonlinear)
            if feeds and self._called.count(path) == 1:
                last = isinstance(self._modules[path], nn.Linear)
                yield _place(path, made, [path], last=last, own=False)


def _place(
    path: str, value: Tensor, feeders: Sequence[str], *, last: bool, own: bool
) -> Place:
    axes = value.dim()
    if not 2 <= axes <= 5:
        raise BadModel(
            f"'{path}' normalises values of {axes} axes; 2 to 5 are understood, the "
            "examples first."
        )
    last = last and axes > 2
    slot = Slot(value.shape[-1 if last else 1], axes - 2)
    return Place(path, slot, last, tuple(dict.fromkeys(feeders)), own)


def _made(place: Place, norm: NormMaker) -> nn.Module:
    try:
        made = norm(*place.slot)
    except BadModel as refused:
        raise BadModel(f"'{place.path}': {refused}") from None
    return FeaturesLast(made) if place.last else made


def _replace(model: nn.Module, place: Place, norm: NormMaker) -> None:
    old, new = model.get_submodule(place.path), _made(place, norm)
    for name, kind in (("eps", float), ("momentum", (float, type(None)))):
        if hasattr(new, name) and isinstance(getattr(old, name, ""), kind):
            setattr(new, name, getattr(old, name))
    held = next(iter(old.parameters()), next(iter(model.parameters()), None))
    if held is not None:
        new = new.to(device=held.device, dtype=held.dtype)
    for path, module in list(model.named_modules(remove_duplicate=False)):
        if module is old:
            model.set_submodule(path, new)
    shifted = isinstance(getattr(old, "bias", None), Tensor)
    if shifted and not list(new.parameters()):
        for feeder in place.feeders:
            _shift(model.get_submodule(feeder))


def _shift(layer: nn.Module) -> None:
    """Give a layer a bias of zeros, if it has none."""
    if isinstance(layer, _AFFINE) and layer.bias is None:
        linear = isinstance(layer, nn.Linear)
        size = layer.out_features if linear else layer.out_channels
        layer.bias = nn.Parameter(layer.weight.new_zeros(size))


def _put_behind(layer: nn.Module, norm: nn.Module) -> None:
    held = next(layer.parameters())
    layer.add_module(_INSERTED, norm.to(device=held.device, dtype=held.dtype))
    layer.register_forward_hook(_behind)


def _behind(layer: nn.Module, inputs: tuple[Any, ...], made: Tensor) -> Tensor:
    """The hook of a layer with a norm behind it: found by name, so it can be copied."""
    del inputs
    return getattr(layer, _INSERTED)(made)


class FeaturesLast(nn.Module):
    """A norm of features along axis 1, for those along the last one.

    Example:
        >>> FeaturesLast(nn.BatchNorm1d(3))(torch.ones(2, 7, 3)).shape
        torch.Size([2, 7, 3])
    """

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        """As the norm does it."""
        return self.norm(x.movedim(-1, 1)).movedim(1, -1)
