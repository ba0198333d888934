"""A norm and a nonlinearity behind a layer, in either order."""

from __future__ import annotations

from torch import nn

from normlab.errors import BadModel

NONLINEARITIES: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid}
PLACEMENTS = ("before", "after")


def nonlinearity(activation: str) -> nn.Module:
    """A fresh nonlinearity.

    Raises:
        BadModel: If there is none of this name.
    """
    if activation not in NONLINEARITIES:
        raise BadModel(
            f"there is no activation '{activation}'. There are: "
            f"{', '.join(NONLINEARITIES)}."
        )
    return NONLINEARITIES[activation]()


def behind_layer(
    number: int, norm: nn.Module, *, activation: str, placement: str
) -> dict[str, nn.Module]:
    """What follows the layer of this number, by name and in the order it runs.

    Args:
        number: From 1; the names end in it.
        norm: What stands in the slot.
        activation: One of `NONLINEARITIES`.
        placement: The norm `before` the nonlinearity, as in the 2015 paper, or
            `after` it.

    Raises:
        BadModel: If there is no such activation or placement.

    Example:
        >>> list(behind_layer(1, nn.Identity(), activation="relu", placement="after"))
        ['relu1', 'norm1']
    """
    if placement not in PLACEMENTS:
        raise BadModel(
            f"there is no placement '{placement}'. There are: {', '.join(PLACEMENTS)}."
        )
    pair = {
        f"norm{number}": norm,
        f"{activation}{number}": nonlinearity(activation),
    }
    return pair if placement == "before" else dict(reversed(pair.items()))
