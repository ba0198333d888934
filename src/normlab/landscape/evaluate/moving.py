"""A private copy of the user's network, and its parameters anywhere on a plane."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from normlab.base.hold import preserved
from normlab.errors import BadModel, described
from normlab.landscape.evaluate.pooling import forget_places
from normlab.landscape.evaluate.state import State
from normlab.landscape.planes.plane import Arrays, Plane
from normlab.landscape.trial.witness import Undo, held_tensors, memory
from normlab.user_code import refusing


def refuse_unmovable(model: nn.Module) -> None:
    """Refuse a network whose parameters cannot be written, in one line.

    Raises:
        BadModel: If it is no module, is scripted, or has parameters without values,
            or such that may not be changed.
    """
    called = type(model).__name__
    if not isinstance(model, nn.Module):
        raise BadModel(f"surface: {called} is no torch module. Pass an nn.Module.")
    for name, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            raise BadModel(
                f"surface: {name or called!r} is a scripted or traced module, whose"
                " parameters cannot be moved one by one. Pass the module that it was"
                " made from."
            )
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if is_lazy(tensor):
            raise BadModel(
                f"surface: {name!r} has no shape yet, as in every lazy module. Run the"
                " model once on a batch."
            )
        if tensor.is_meta:
            raise BadModel(
                f"surface: {name!r} is on the meta device, without values. Load the"
                " weights, for example with model.to_empty(device='cpu') and"
                " load_state_dict."
            )
        if tensor.is_inference():
            raise BadModel(
                f"surface: {name!r} was made under torch.inference_mode(), where it can"
                " never be changed. Make the model outside of it."
            )


def private_copy(model: nn.Module, *, gradients: bool = False) -> nn.Module:
    """A copy in eval mode that shares no memory with the model.

    Args:
        model: Any module.
        gradients: Whether its parameters may ask for some, as the model's do.

    Raises:
        BadModel: If the model holds something that cannot be copied.
    """
    # a tensor computed by autograd (old weight_norm keeps one) refuses deepcopy
    memo = {
        id(value): value.detach().clone()
        for value in held_tensors(model)
        if not value.is_leaf
    }
    with refusing(
        lambda error: BadModel(
            f"surface: {type(model).__name__} cannot be copied ({described(error)})."
            " Take what copy.deepcopy refuses out of the module."
        )
    ):
        twin = copy.deepcopy(model, memo)
    if not gradients:  # it would pick the maxima that a gradient goes to
        forget_places(twin)
        twin.requires_grad_(requires_grad=False)
    return twin.eval()


def shares_memory(copied: nn.Module, model: nn.Module) -> bool:
    """Whether a copy holds tensors of the model: `__deepcopy__` may do anything."""
    return not memory(held_tensors(copied)).isdisjoint(memory(held_tensors(model)))


@contextmanager
def borrowed(
    model: nn.Module, outside: Iterable[Undo] = (), *, gradients: bool = False
) -> Iterator[nn.Module]:
    """The model itself in eval mode, and on exit as it was to the last bit.

    Args:
        model: Any module.
        outside: How to put back what it changes that does not belong to it.
        gradients: Whether its parameters may ask for some.
    """
    state = State(model, outside)
    with preserved(model):
        try:
            if not gradients:
                model.requires_grad_(requires_grad=False)
            yield model.eval()
        finally:
            state.put_back()


@dataclass(frozen=True)
class Moved:
    """A parameter and how far it moves per coordinate; None: not at all.

    Of a parameter in less than float32 these are in float32: a point is rounded once.
    """

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


def moved_parameters(
    model: nn.Module, plane: Plane, *, copied: bool
) -> tuple[Moved, ...]:
    """What the plane moves, on the model's device and in its types.

    Args:
        model: Any module.
        plane: Where its parameters go.
        copied: Whether the model itself will be moved; else memory is shared with it
            and with the plane, for weights are large.

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
            base=_like(plane.origin[name], name, parameter, copied=copied)
            if name in plane.origin
            else parameter.detach().to(_exact_type(parameter), copy=copied),
            first=_direction(plane.first.get(name), name, parameter, copied=copied),
            second=_direction(plane.second.get(name), name, parameter, copied=copied),
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
        value = one.at(a, b, out=target if target.dtype == one.base.dtype else None)
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
        own[name].data.copy_(torch.from_numpy(np.array(array)))


def _direction(
    array: NDArray[np.floating] | None, name: str, like: Tensor, *, copied: bool
) -> Tensor | None:
    # a direction of zeros costs a pass over the tensor at every point
    if array is None or not np.any(array):
        return None
    return _like(array, name, like, copied=copied)


def _like(
    array: NDArray[np.floating], name: str, like: Tensor, *, copied: bool
) -> Tensor:
    if np.iscomplexobj(array) and not like.is_complex():
        raise BadModel(
            f"surface: the plane moves {name!r} by complex numbers, but it is"
            f" {like.dtype}. Give real ones."
        )
    if not (like.is_floating_point() or like.is_complex()):
        raise BadModel(
            f"surface: the plane moves {name!r}, whose numbers are {like.dtype} and"
            " cannot go in small steps. Leave it out of the plane."
        )
    array = np.array(array) if copied else np.require(array, requirements=["C", "W"])
    return torch.from_numpy(array).to(like.device, _exact_type(like))


def _exact_type(parameter: Tensor) -> torch.dtype:
    """The parameter's type, and float32 instead of less: the steps of a plane."""
    if parameter.is_floating_point() and torch.finfo(parameter.dtype).bits < 32:
        return torch.float32
    return parameter.dtype
