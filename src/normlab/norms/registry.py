"""Norms by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module

from torch import nn

from normlab.base.slots import NormMaker as NormMaker
from normlab.errors import BadModel
from normlab.spec.norms import FAMILIES

MAKERS: dict[str, Callable[..., nn.Module]] = {
    name: getattr(import_module(f"normlab.norms.{name}"), name) for name in FAMILIES
}
"""What builds each norm: the function of its name in the file of its name."""


def maker(name: str, **options: float | None) -> NormMaker:
    """The factory of a family of norms.

    Args:
        name: One of `MAKERS`.
        options: Of that family, e.g. `chunk` of ghost.

    Raises:
        BadModel: If there is no such norm.

    Example:
        >>> maker("batch")(256)
        BatchNorm1d(256, ...)
        >>> maker("group", groups=4)(256)
        GroupNorm(4, 256, ...)
    """
    if name not in MAKERS:
        raise BadModel(f"there is no norm '{name}'. There are: {', '.join(MAKERS)}.")
    return partial(MAKERS[name], **options) if options else MAKERS[name]
