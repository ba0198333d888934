"""Running statistics anew, from data: those of the network as it is now.

Averages that training left behind are of weights that were still moving, of other
data, or of other weights altogether (averaged ones, say). Here they become the mean and
the variance of all that enters a norm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils._pytree import tree_map_only

from normlab.base.moments import Moments
from normlab.base.streams import fork_rng
from normlab.base.taps import uncompiled
from normlab.errors import BadData, BadModel, BadSetting, NormlabError, described
from normlab.norms.frozen import FrozenBatchNorm
from normlab.norms.masked import MaskedBatchNorm
from normlab.norms.recognize import is_batch_norm, keeps_averages
from normlab.surgery.given import copied
from normlab.surgery.holding import Hold
from normlab.surgery.report import Left
from normlab.user_code import refusing

Forward: TypeAlias = Callable[[nn.Module, Any], object]
"""Gives a batch to a model: `forward(model, batch)`."""


class Recalibrated(NamedTuple):
    """A norm with statistics anew."""

    path: str
    values: int
    """Values per feature that they were taken of."""
    moved: float
    """The largest change of a mean, in standard deviations as they are now."""

    def __str__(self) -> str:
        return f"{self.path}: of {self.values:,} values, mean moved by {self.moved:.2g}"


class RecalibrationReport(NamedTuple):
    """Every norm that keeps averages is in `done` or in `left`."""

    done: tuple[Recalibrated, ...]
    left: tuple[Left, ...]
    batches: int

    @property
    def counts(self) -> dict[str, int]:
        """Values per feature by norm, as `merge_statistics` takes them."""
        return {one.path: one.values for one in self.done}

    def __str__(self) -> str:
        head = f"recalibrate: {len(self.done)} done, {len(self.left)} left"
        left = (f"left {path}: {why}" for path, why in self.left)
        return "\n".join(
            [f"{head}, {self.batches} batches", *map(str, self.done), *left]
        )


def recalibrate(
    model: nn.Module,
    data: Iterable[Any],
    forward: Forward | None = None,
    *,
    batches: int | None = None,
    layerwise: bool = False,
    mask: Callable[[Any], Tensor] | None = None,
    device: torch.device | str | None = None,
) -> tuple[nn.Module, RecalibrationReport]:
    r"""Set running statistics to those of data.

    Of all $n$ values $x_i$ that enter a norm, per feature, over batches, positions and
    calls,

    $$\mu = \frac1n\sum_i x_i \qquad \sigma^2 = \frac{1}{n-1}\sum_i (x_i-\mu)^2$$

    merged batch by batch in float64. In one pass the norms meanwhile normalise by the
    batch, as in training. Layer by layer, in the order of their calls, each is measured
    with the norms before it as they will be at inference; that takes a pass for each.
    All else (dropout) is in eval mode.

    Args:
        model: Left as it is.
        data: Batches: a tensor; a list, as a DataLoader gives it, of which the first
            entry is the input; a tuple of arguments; or a mapping of keywords.
        forward: What else to do with a batch: `forward(model, batch)`.
        batches: As many at most; all, if None.
        layerwise: Layer by layer, which needs data that can be gone through again.
        mask: Of a batch, which values are no padding: bool of shape
            `(n, *positions)`, or `(n,)`. A `MaskedBatchNorm` that is called with a mask
            goes by its own.
        device: Where to compute; if None, where the model is.

    Returns:
        A copy, of which nothing but `running_mean`, `running_var` and
        `num_batches_tracked` differs, with the report. The counter is the number of
        batches.

    Raises:
        BadModel: If the model cannot be copied, or cannot read a batch.
        BadData: If there is no batch, one makes values that are not finite, a mask does
            not fit, or data cannot be gone through again.
        BadSetting: If `batches` is less than 1.

    Example:
        >>> net = nn.Sequential(nn.BatchNorm1d(1))
        >>> new, report = recalibrate(net, [torch.tensor([[1.0], [3.0]])])
        >>> new[0].running_mean, new[0].running_var, net[0].running_mean
        (tensor([2.]), tensor([2.]), tensor([0.]))
        >>> print(report)
        recalibrate: 1 done, 0 left, 1 batches
        0: of 2 values, mean moved by 1.4

    Source: Ioffe and Szegedy 2015, arXiv 1502.03167, algorithm 2; Chan, Golub and
    LeVeque 1983 for the merging.
    """
    if batches is not None and batches < 1:
        raise BadSetting(f"batches={batches} must be at least 1.")
    if layerwise and isinstance(data, Iterator):
        raise BadData(
            "data can be gone through once only, and layerwise=True needs it for every "
            "norm. Give a list or a DataLoader."
        )
    new = copied(model)
    work = copied(new).eval()
    with fork_rng(), torch.no_grad(), uncompiled():
        gathering = _Gathering(work.to(device) if device else work, mask)
        walk = _Walk(data, forward or call, batches)
        pools = gathering.at_once(walk)
        if layerwise:
            pools = gathering.one_by_one(walk, list(pools))
    done = [_stored(new, path, pool, walk.seen) for path, pool in pools.items()]
    unreached = [path for path in gathering.norms if path not in pools]
    left = {**gathering.left, **dict.fromkeys(unreached, "no batch reaches it")}
    order = [path for path, _ in new.named_modules()]
    return new, RecalibrationReport(
        done=tuple(done),
        left=tuple(Left(path, left[path]) for path in order if path in left),
        batches=walk.seen,
    )


def call(model: nn.Module, batch: Any) -> object:
    """Give a batch to a model as it is taken if nobody says how."""
    if isinstance(batch, Mapping):
        return model(**batch)
    if isinstance(batch, tuple):
        return model(*batch)
    return model(batch[0] if isinstance(batch, list) and batch else batch)


class _Walk:
    """Goes through the batches, as far as they are wanted."""

    def __init__(
        self, data: Iterable[Any], forward: Forward, batches: int | None
    ) -> None:
        self._data, self._forward, self._most = data, forward, batches
        self.seen = 0

    def over(self, model: nn.Module) -> Iterator[Any]:
        """Each batch, before it is given to the model."""
        place = next(model.parameters(), next(model.buffers(), torch.empty(0))).device
        self.seen = 0
        for batch in islice(self._data, self._most):
            there = tree_map_only(Tensor, lambda tensor: tensor.to(place), batch)
            self.seen += 1
            yield there
            with refusing(self._told):
                self._forward(model, there)
        if not self.seen:
            raise BadData("data holds no batch. Give at least one.")

    def _told(self, error: BaseException) -> NormlabError:
        if isinstance(error, BadData):
            return error
        return BadModel(
            f"the model cannot read batch {self.seen}: {described(error)}. Say how by "
            "forward=lambda model, batch: ..."
        )


class _Gathering:
    """Moments of what enters the norms of a private copy."""

    def __init__(self, model: nn.Module, mask: Callable[[Any], Tensor] | None) -> None:
        self._model, self._mask = model, mask
        self.norms: dict[str, _BatchNorm] = {}
        self.left: dict[str, str] = {}
        for path, module in model.named_modules():
            if (reason := _kept(module)) is not None:
                self.left[path] = reason
            elif is_batch_norm(module):
                self.norms[path] = module

    def at_once(self, walk: _Walk) -> dict[str, Moments]:
        """All norms in one pass, each by the batch meanwhile; in order of calls."""
        stored = {
            path: (norm.running_mean, norm.running_var)
            for path, norm in self.norms.items()
        }
        for norm in self.norms.values():
            # without stored averages torch takes the batch's own, in eval mode too
            norm.running_mean = norm.running_var = None
        pools = self._gathered(walk, self.norms)
        for path, norm in self.norms.items():
            norm.running_mean, norm.running_var = stored[path]
        return pools

    def one_by_one(self, walk: _Walk, order: list[str]) -> dict[str, Moments]:
        """A pass for each norm, with those before it as they will be."""
        pools: dict[str, Moments] = {}
        for path in order:
            norm = self.norms[path]
            before = norm.running_mean, norm.running_var
            norm.running_mean = norm.running_var = None
            pools |= self._gathered(walk, {path: norm})
            norm.running_mean, norm.running_var = before
            _store(norm, pools[path])
        return pools

    def _gathered(
        self, walk: _Walk, norms: Mapping[str, _BatchNorm]
    ) -> dict[str, Moments]:
        pools: dict[str, Moments] = {}
        self._valid: Tensor | None = None

        def hook(path: str) -> Callable[..., None]:
            def gather(
                norm: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
            ) -> None:
                x, own = _arguments(norm, args, kwargs)
                rows = _valid(x, self._valid if own is None else own, path)
                if not rows.isfinite().all():
                    raise BadData(
                        f"batch {walk.seen} makes values that are not finite in front "
                        f"of '{path}'. Leave it out, or look where they come from."
                    )
                pools.setdefault(path, Moments()).add(rows.double())

            return gather

        handles = [
            norm.register_forward_pre_hook(hook(path), with_kwargs=True)
            for path, norm in norms.items()
        ]
        try:
            for batch in walk.over(self._model):
                self._valid = self._mask(batch) if self._mask else None
        finally:
            for handle in handles:
                handle.remove()
        return {path: pool for path, pool in pools.items() if pool.count}


def _kept(module: nn.Module) -> str | None:
    """Why a norm's statistics are left alone; None for what is none, or is not."""
    hooks = module._forward_pre_hooks.values()
    if isinstance(module, FrozenBatchNorm) or any(
        isinstance(hook, Hold) and hook.statistics for hook in hooks
    ):
        return "it is frozen"
    if is_batch_norm(module):
        return None if module.running_mean is not None else "it keeps no statistics"
    if keeps_averages(module) and module._buffers["running_mean"] is not None:
        return f"{type(module).__name__} is not made from torch's batch norm"
    return None


def _arguments(
    norm: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[Tensor, Tensor | None]:
    """The input of a call, and its mask if it has one of its own."""
    given = [*args, *kwargs.values()]
    masked = isinstance(norm, MaskedBatchNorm) and len(given) > 1
    return given[0], given[1] if masked else None


def _valid(x: Tensor, mask: Tensor | None, path: str) -> Tensor:
    """The values that count, features on the second axis."""
    if mask is None:
        return x
    positions = (len(x), *x.shape[2:])
    if mask.dtype != torch.bool or mask.shape != positions[: mask.dim()]:
        raise BadData(
            f"the mask is {mask.dtype} of shape {tuple(mask.shape)}, and '{path}' "
            f"normalises values of {positions} (examples, positions). Give a bool mask "
            "of that shape, or call forward on a part of the model."
        )
    return x.movedim(1, -1)[mask.to(x.device)].reshape(-1, x.shape[1])


def _store(norm: _BatchNorm, pool: Moments) -> None:
    assert norm.running_mean is not None and norm.running_var is not None
    mean, variance = pool.unbiased()
    # replaced, not written to: others may share their memory
    norm.running_mean = mean.to(norm.running_mean)
    norm.running_var = variance.to(norm.running_var)


def _stored(model: nn.Module, path: str, pool: Moments, batches: int) -> Recalibrated:
    norm = model.get_submodule(path)
    assert is_batch_norm(norm) and norm.running_mean is not None
    before = norm.running_mean.double()
    _store(norm, pool)
    if norm.num_batches_tracked is not None:
        norm.num_batches_tracked = torch.full_like(norm.num_batches_tracked, batches)
    mean, variance = pool.unbiased()
    moved = (mean - before.to(mean)).abs() / (variance + norm.eps).sqrt()
    return Recalibrated(path, pool.count, moved.max().item())
