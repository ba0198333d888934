"""Norms by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from normlab.base.slots import NormMaker as NormMaker
from normlab.errors import BadModel
from normlab.norms.batch import batch
from normlab.norms.ghost import ghost
from normlab.norms.group import group
from normlab.norms.instance import instance
from normlab.norms.layer import layer
from normlab.norms.noisy import noisy
from normlab.norms.none import none
from normlab.norms.rms import ChannelRMSNorm, rms

MAKERS: dict[str, Callable[..., nn.Module]] = {
    "none": none,
    "batch": batch,
    "layer": layer,
    "group": group,
    "instance": instance,
    "rms": rms,
    "ghost": ghost,
    "noisy": noisy,
}

_CLASSES = (
    nn.modules.batchnorm._NormBase,  # batch, sync batch and instance, lazy ones too
    nn.GroupNorm,
    nn.LayerNorm,
    nn.RMSNorm,
    ChannelRMSNorm,
)


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


def is_norm(module: nn.Module) -> bool:
    """Whether a module normalises: any layer of this package or torch's.

    Example:
        >>> is_norm(nn.BatchNorm1d(3)), is_norm(nn.Identity())
        (True, False)
    """
    return isinstance(module, _CLASSES)
