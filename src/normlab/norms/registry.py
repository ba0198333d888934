"""Norms by name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from torch import nn

from normlab.base.slots import NormMaker as NormMaker
from normlab.base.slots import Slot, marked, with_settings
from normlab.errors import BadModel
from normlab.spec.norms import FAMILIES


def builder(name: str) -> Callable[..., nn.Module]:
    """What builds a norm: the function of its name in the file of its name.

    Raises:
        BadModel: If there is no such norm.

    Example:
        >>> builder("group")(256, groups=4)
        GroupNorm(4, 256, ...)
    """
    if name not in FAMILIES:
        raise BadModel(f"there is no norm '{name}'. There are: {', '.join(FAMILIES)}.")
    written = name.replace("-", "_")
    return getattr(import_module(f"normlab.norms.{written}"), written)


def maker(name: str, **options: float | None) -> NormMaker:
    """The factory of a family of norms, which marks what it makes for a slot.

    Args:
        name: One of `FAMILIES`.
        options: Of that family, e.g. `chunk` of ghost.

    Raises:
        BadModel: If there is no such norm.

    Example:
        >>> maker("batch")(256)
        BatchNorm1d(256, ...)
        >>> maker("group", groups=4)(256)
        GroupNorm(4, 256, ...)
        >>> maker("batch")(256, eps=1e-3).eps
        0.001
    """
    build = builder(name)

    def make(features: int, dims: int = 0, **settings: float | None) -> nn.Module:
        norm = with_settings(build(features, dims, **options), settings)
        return marked(norm, Slot(features, dims))

    return make
