"""Which modules normalise by statistics of the batch, and how to tell them to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from normlab.base.moments import Moments
from normlab.errors import BadModel
from normlab.landscape.evaluate.tried import (
    Call,
    close,
    first_tensor,
    in_training,
    of_size,
    otherwise_after_a_step,
    output,
    same_in_both_modes,
    train,
)
from normlab.norms.recognize import (
    as_torch_made,
    by_unit,
    is_batch_norm,
    is_instance,
    keeps_averages,
)
from normlab.records.surface import Statistics


@dataclass(frozen=True)
class Norms:
    """The norms of a network that keep averages or take a batch's, by name.

    Attributes:
        tracked: All of them.
        active: Those that follow the statistics asked for.
        frozen: Those that keep their stored averages whatever is asked for.
    """

    tracked: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()


def norm_names(model: nn.Module) -> tuple[str, ...]:
    """All norms that could follow statistics of the batch, in order of definition."""
    return tuple(name for name, m in model.named_modules() if keeps_averages(m))


def norms_in_use(
    model: nn.Module,
    statistics: Statistics,
    calls: Mapping[str, Call],
    batch_size: int = 0,
) -> Norms:
    """Which norms follow `statistics`, and which do not.

    A norm in eval mode while the network as a whole trains was frozen on purpose: it
    keeps its stored averages whatever is asked for. Where the network as a whole is in
    eval mode, one whose parameters are all frozen while others are not counts as such.
    So does one that does the same in both modes.

    Args:
        model: The user's own, in the modes that he left it in.
        statistics: What is asked for.
        calls: What norms that are not torch's own were called with. Those not named
            are taken at their word.
        batch_size: Examples that they will see at once; those of a call, if 0.

    Raises:
        BadModel: If a norm has nothing stored though *running* is asked for, or does
            not do what `statistics` says.
    """
    names = tuple(n for n in norm_names(model) if _follows(model.get_submodule(n)))
    frozen = [name for name in names if _frozen(model, model.get_submodule(name))]
    active: list[str] = []
    for name in names:
        norm = model.get_submodule(name)
        if name in frozen:
            continue
        call = of_size(calls[name], batch_size) if name in calls else None
        if call and same_in_both_modes(norm, call):
            frozen.append(name)
            continue
        _check(name, norm, statistics)
        if statistics == "running":
            continue
        if call:
            _check_behaviour(name, norm, statistics, call)
        active.append(name)
    return Norms(names, tuple(active), tuple(name for name in names if name in frozen))


def own_norms(net: nn.Module) -> tuple[str, ...]:
    """Names of the norms that are not as torch made them: who knows what they do.

    They are of a class of a user's own, or a hook or another `forward` was put on them.
    """
    return tuple(
        name for name in norm_names(net) if not as_torch_made(net.get_submodule(name))
    )


def active_norms(net: nn.Module, names: Sequence[str]) -> list[nn.Module]:
    """The modules of these names, in a copy of the network."""
    return [net.get_submodule(name) for name in names]


@contextmanager
def with_averages(net: nn.Module) -> Iterator[None]:
    """Let norms that store no averages have some inside the block.

    They take those of the batch in every mode. So does whatever else makes the examples
    of a batch interact, which would not be seen beside them.
    """
    bare = [m for m in net.modules() if is_batch_norm(m)]
    bare = [m for m in bare if m.running_mean is None]
    for norm in bare:
        like = next(norm.parameters(), torch.ones(()))
        norm.running_mean = like.new_zeros(norm.num_features)
        norm.running_var = like.new_ones(norm.num_features)
    try:
        yield
    finally:
        for norm in bare:
            norm.running_mean = norm.running_var = None


def use_batch_statistics(norms: Sequence[nn.Module]) -> None:
    """Let the norms of a private copy normalise by each batch they see."""
    for norm in norms:
        if is_batch_norm(norm):
            # without stored averages torch takes the batch's own, in eval mode too
            norm.running_mean = norm.running_var = None
        else:
            norm.training = True  # itself; dropout inside stays off


def use_population_statistics(
    norms: Sequence[nn.Module], pools: Sequence[Moments]
) -> None:
    """Let the norms of a private copy normalise by what the pools gathered."""
    for norm, pool in zip(norms, pools, strict=True):
        if pool.count:  # one that was never called has nothing to normalise
            _store(norm, *pool.unbiased(), pool.dtype)


def _store(
    norm: nn.Module, mean: Tensor, variance: Tensor, dtype: torch.dtype | None
) -> None:
    if is_batch_norm(norm):
        dtype = next((p.dtype for p in norm.parameters()), dtype)
        norm.running_mean, norm.running_var = mean.to(dtype), variance.to(dtype)
    else:
        norm.training = False
        for name, value in (("running_mean", mean), ("running_var", variance)):
            buffer = norm.get_buffer(name)
            buffer.copy_(value.view(buffer.shape))


def _frozen(model: nn.Module, norm: nn.Module) -> bool:
    if model.training:
        return not norm.training
    own = list(norm.parameters())
    mine = {id(p) for p in own}
    others = any(p.requires_grad for p in model.parameters() if id(p) not in mine)
    return bool(own) and others and not any(p.requires_grad for p in own)


def _follows(norm: nn.Module) -> bool:
    return not is_instance(norm) or bool(norm.track_running_stats)


def _check(name: str, norm: nn.Module, statistics: Statistics) -> None:
    stored = norm._buffers["running_mean"] is not None
    if statistics == "running" and is_batch_norm(norm) and not stored:
        raise BadModel(
            f"statistics='running': {name!r} stores no running averages. Use 'batch',"
            " 'full' or 'recalibrated'."
        )
    tracks = is_instance(norm) and stored
    strange = not by_unit(norm) and "running_var" not in norm._buffers
    if statistics == "recalibrated" and (tracks or strange):
        _refuse_recalibration(name, norm)


def _refuse_recalibration(name: str, norm: nn.Module) -> None:
    raise BadModel(
        f"statistics='recalibrated' cannot re-estimate {name!r}"
        f" ({type(norm).__name__}). Use 'batch', 'full' or 'running'."
    )


def _check_behaviour(
    name: str, norm: nn.Module, statistics: Statistics, call: Call
) -> None:
    """Whether a norm that is not torch's own does what the statistics say.

    What it does in training may depend on nothing that a step of training changes, or
    it would do something else there by the next step.
    """
    trained = in_training(norm, call)
    stored = otherwise_after_a_step(norm, call)

    def disturbed(probe: nn.Module) -> None:
        train(probe)
        stored(probe)

    def by_batch(probe: nn.Module) -> None:
        use_batch_statistics([probe])

    ways = [disturbed, by_batch] if is_batch_norm(norm) else [disturbed]
    if not all(close(trained, output(norm, call, way)) for way in ways):
        raise BadModel(
            f"statistics={statistics!r}: what {name!r} ({type(norm).__name__}) does in"
            " training is not to normalise by its batch alone. Use 'running'."
        )
    if statistics == "recalibrated" and not is_batch_norm(norm):
        pool = Moments()

        def by_its_own(probe: nn.Module) -> None:
            pool.add(first_tensor(*call))
            _store(probe, *pool.biased(), pool.dtype)

        if not close(trained, output(norm, call, by_its_own)):
            _refuse_recalibration(name, norm)
