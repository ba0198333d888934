"""Filters, also called rows: the numbers of a weight that make one output."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn
from torch.nn.modules.conv import _ConvTransposeNd

from normlab.base.reals import real

_TRANSPOSED = ("Conv1D",)  # of the transformers library: (inputs, outputs)


def lengths_of(model: nn.Module, names: Iterable[str]) -> dict[str, Tensor]:
    """Of every number of some parameters, the length of the filter that it belongs to.

    Args:
        model: Whose they are.
        names: Of parameters with two axes or more; one with fewer is a single filter.

    Returns:
        By name, of the shape of the parameter as real numbers.

    Example:
        >>> model = nn.Linear(2, 1)
        >>> _ = model.weight.data.copy_(Tensor([[3.0, 4.0]]))
        >>> lengths_of(model, ["weight"])
        {'weight': tensor([[5., 5.]])}
    """
    named, owned = dict(model.named_parameters()), owners(model)
    found: dict[str, Tensor] = {}
    for name in names:
        values = real(named[name].detach())
        lengths = filter_lengths(values, owned[name][0], named[name].ndim)
        found[name] = lengths.expand_as(values)
    return found


def filter_lengths(values: Tensor, owner: nn.Module, axes: int) -> Tensor:
    """Length of the filter that each number belongs to, to be multiplied with.

    Args:
        values: The weight, of a complex one with an axis of its two parts behind.
        owner: Its module.
        axes: Of the weight itself.
    """
    if isinstance(owner, _ConvTransposeNd) and axes > 2:
        # (inputs, outputs of one group, ...): the inputs are those of all groups
        grouped = values.unflatten(0, (owner.groups, -1))
        others = [1, *range(3, grouped.ndim)]
        lengths = grouped.square().sum(others, keepdim=True).sqrt()
        return lengths.expand_as(grouped).flatten(0, 1)
    if _is_conv1d(owner) and axes == 2:
        others = [0, *range(2, values.ndim)]
        return values.square().sum(others, keepdim=True).sqrt()
    if axes < 2:
        return values.norm()
    rows = values.flatten(1).norm(dim=1)
    return rows.reshape(-1, *(1,) * (values.ndim - 1))


def owners(model: nn.Module) -> dict[str, tuple[nn.Module, str]]:
    """The module of each parameter, and what it calls it; outside of parametrisations.

    Of a parametrised weight torch keeps the original in a module of its own.
    """
    found = {}
    for name, _ in model.named_parameters():
        path, _, inside = f".{name}".partition(".parametrizations.")
        path, _, last = (path, "", inside) if inside else path.rpartition(".")
        found[name] = model.get_submodule(path.removeprefix(".")), last
    return found


def _is_conv1d(owner: nn.Module) -> bool:
    return any(kind.__name__ in _TRANSPOSED for kind in type(owner).__mro__)
