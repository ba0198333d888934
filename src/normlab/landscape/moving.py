"""A private copy of the user's network, and its parameters anywhere on a plane."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from normlab.errors import BadModel
from normlab.landscape.plane import Arrays, Plane
from normlab.landscape.pooling import forget_places


def private_copy(model: nn.Module) -> nn.Module:
    """A copy in eval mode, for no gradients, that shares no memory with the model.

    Raises:
        BadModel: If the model holds something that cannot be copied.
    """
    # a tensor computed by autograd (old weight_norm keeps one) refuses deepcopy
    memo = {
        id(value): value.detach().clone()
        for module in model.modules()
        for value in vars(module).values()
        if isinstance(value, Tensor) and not value.is_leaf
    }
    try:
        twin = copy.deepcopy(model, memo)
    except Exception as error:
        raise BadModel(
            f"surface: {type(model).__name__} cannot be copied"
            f" ({type(error).__name__}: {_first_line(error)}). Take what"
            " copy.deepcopy refuses out of the module."
        ) from error
    forget_places(twin)
    return twin.requires_grad_(requires_grad=False).eval()


@dataclass(frozen=True)
class Moved:
    """A parameter and how far it moves per coordinate; None: not at all."""

    name: str
    base: Tensor
    first: Tensor | None
    second: Tensor | None

    def at(self, a: float, b: float, out: Tensor | None = None) -> Tensor:
        """`base + a first + b second`, into `out` if given."""
        value = self.base
        for step, direction in ((a, self.first), (b, self.second)):
            if direction is not None:
                value = torch.add(value, direction, alpha=step, out=out)
                out = value
        return value


def moved_parameters(model: nn.Module, plane: Plane) -> tuple[Moved, ...]:
    """What the plane moves, on the model's device and in its types.

    Raises:
        BadModel: If the plane names a parameter that the model does not have, or
            one of another shape.
    """
    parameters = dict(model.named_parameters())
    for arrays in (plane.origin, plane.first, plane.second):
        for name, array in arrays.items():
            found = parameters.get(name)
            if found is None or tuple(found.shape) != np.shape(array):
                shape = "none" if found is None else str(tuple(found.shape))
                raise BadModel(
                    f"surface: the plane moves {name!r} of shape {np.shape(array)},"
                    f" the model has {shape}. Make the plane from this model."
                )
    return tuple(
        Moved(
            name=name,
            base=_like(plane.origin[name], parameter)
            if name in plane.origin
            else parameter.detach().clone(),
            first=_direction(plane.first.get(name), parameter),
            second=_direction(plane.second.get(name), parameter),
        )
        for name, parameter in parameters.items()
        if name in plane.origin or name in plane.first or name in plane.second
    )


def move(
    parameters: dict[str, nn.Parameter], moved: Sequence[Moved], a: float, b: float
):
    """Write the point (a, b) into the parameters of a private copy."""
    for one in moved:
        target = parameters[one.name].data
        value = one.at(a, b, out=target)
        if value is not target:
            target.copy_(value)


def load(net: nn.Module, state: Arrays) -> None:
    """Write parameters and buffers into a private copy; those not named stay.

    Raises:
        BadModel: If the network has no such tensor, or one of another shape.
    """
    own = net.state_dict()
    for name, array in state.items():
        if name not in own or tuple(own[name].shape) != np.shape(array):
            shape = tuple(own[name].shape) if name in own else "none"
            raise BadModel(
                f"surface: the network at a mark has {name!r} of shape"
                f" {np.shape(array)}, the model has {shape}. Mark networks of this"
                " model."
            )
        own[name].copy_(torch.from_numpy(np.array(array)))


def _direction(array: NDArray[np.floating] | None, like: Tensor) -> Tensor | None:
    # a direction of zeros costs a pass over the tensor at every point
    return None if array is None or not np.any(array) else _like(array, like)


def _like(array: NDArray[np.floating], like: Tensor) -> Tensor:
    return torch.from_numpy(np.array(array)).to(like)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0]
