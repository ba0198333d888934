"""Which modules normalise by statistics of the batch, and how to tell them to."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase
from torch.nn.modules.instancenorm import _InstanceNorm

from normlab.errors import BadModel
from normlab.landscape.moments import Moments
from normlab.records.surface import Statistics


def norms_in_use(model: nn.Module, statistics: Statistics) -> tuple[str, ...]:
    """Names of the norms that follow `statistics`, in order of definition.

    A norm in eval mode while the network as a whole trains was frozen on purpose:
    it keeps its stored averages whatever is asked for.

    Raises:
        BadModel: If a norm has nothing stored though *running* is asked for, or
            cannot be re-estimated though *recalibrated* is.
    """
    names = tuple(
        name
        for name, module in model.named_modules()
        if "running_mean" in module._buffers
        and not (model.training and not module.training)
    )
    for name in names:
        _check(name, model.get_submodule(name), statistics)
    if statistics == "running":
        return ()
    return tuple(n for n in names if _follows(model.get_submodule(n)))


def active_norms(net: nn.Module, names: Sequence[str]) -> list[nn.Module]:
    """The modules of these names, in a copy of the network."""
    return [net.get_submodule(name) for name in names]


def use_batch_statistics(norms: Sequence[nn.Module]) -> None:
    """Let the norms of a private copy normalise by each batch they see."""
    for norm in norms:
        if isinstance(norm, _BatchNorm):
            # without stored averages torch takes the batch's own, in eval mode too
            norm.running_mean = norm.running_var = None
        else:
            norm.training = True  # itself; dropout inside stays off


def use_population_statistics(
    norms: Sequence[nn.Module], pools: Sequence[Moments]
) -> None:
    """Let the norms of a private copy normalise by what the pools gathered."""
    for norm, pool in zip(norms, pools, strict=True):
        mean, variance = pool.unbiased()
        like = next(norm.parameters(), mean.to(torch.get_default_dtype()))
        if isinstance(norm, _BatchNorm):
            norm.running_mean, norm.running_var = mean.to(like), variance.to(like)
        else:
            norm.training = False
            norm.get_buffer("running_mean").copy_(mean)
            norm.get_buffer("running_var").copy_(variance)


def _follows(norm: nn.Module) -> bool:
    return not isinstance(norm, _InstanceNorm) or norm.track_running_stats


def _check(name: str, norm: nn.Module, statistics: Statistics) -> None:
    stored = norm._buffers["running_mean"] is not None
    if statistics == "running" and isinstance(norm, _BatchNorm) and not stored:
        raise BadModel(
            f"statistics='running': {name!r} stores no running averages. Use 'batch',"
            " 'full' or 'recalibrated'."
        )
    tracks = isinstance(norm, _InstanceNorm) and stored
    strange = not isinstance(norm, _NormBase) and "running_var" not in norm._buffers
    if statistics == "recalibrated" and (tracks or strange):
        raise BadModel(
            f"statistics='recalibrated' cannot re-estimate {name!r}"
            f" ({type(norm).__name__}). Use 'batch', 'full' or 'running'."
        )
