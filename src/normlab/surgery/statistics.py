"""The running statistics of a network as a whole: pooled over replicas, or held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from normlab.errors import BadData
from normlab.norms.recognize import keeps_averages

_MEAN, _VAR, _COUNTER = "running_mean", "running_var", "num_batches_tracked"

Replica = TypeVar("Replica", bound=nn.Module | Mapping[str, Any])


@contextmanager
def pause_statistics(model: nn.Module) -> Iterator[None]:
    """Let forward passes in the block leave running statistics as they are.

    For those beside training: the second one of SAM, a teacher's, the one that
    checkpointing repeats in `backward`, a look at a loss. In training mode norms
    normalise by the batch as ever; behind the block their averages and counters hold
    the same bits, in the same tensors, also after an error.

    Args:
        model: Any network; modes stay as they are.

    Example:
        >>> norm = nn.BatchNorm1d(1)
        >>> with pause_statistics(norm):
        ...     _ = norm(torch.tensor([[1.0], [3.0]]))
        >>> norm.running_mean, norm.num_batches_tracked
        (tensor([0.]), tensor(0))
    """
    held = [
        (module, name, tensor, tensor.detach().clone())
        for module in model.modules()
        if keeps_averages(module)
        for name in (_MEAN, _VAR, _COUNTER)
        if isinstance(tensor := module._buffers.get(name), Tensor)
    ]
    try:
        yield
    finally:
        for module, name, tensor, before in held:
            # .data: a backward pass begun before may go on behind the block
            tensor.data.copy_(before)
            module._buffers[name] = tensor


def merge_statistics(
    replicas: Sequence[Replica], counts: Sequence[int | Mapping[str, int]]
) -> Replica:
    r"""The running statistics that one network would have of all data together.

    With $n_i$ values behind the statistics of replica $i$ and $n = \sum n_i$,

    $$\mu = \frac1n\sum_i n_i\mu_i \qquad
      \sigma^2 = \frac{1}{n-1}\sum_i\bigl((n_i-1)\,\sigma_i^2 + n_i(\mu_i-\mu)^2\bigr)$$

    in float64. Averaging variances instead would lose how far apart the means are.
    For statistics that `recalibrate` took this is exact; running averages weigh their
    batches unevenly, and the counts with them.

    Args:
        replicas: Networks of one architecture, or their state_dicts; left as they are.
        counts: Of each replica, values per feature: one number, or one for each norm by
            its path, as `counts` of `recalibrate`'s report.

    Returns:
        A copy of the first with the statistics of all; counters are added up.

    Raises:
        BadData: If there are fewer than 2 replicas, not as many counts, a count is less
            than 1, or their statistics differ in name or shape.

    Example:
        >>> one, two = nn.BatchNorm1d(1), nn.BatchNorm1d(1)
        >>> two.running_mean += 2
        >>> merged = merge_statistics([one, two], counts=[50, 50])
        >>> merged.running_mean, merged.running_var
        (tensor([1.]), tensor([2.]))

    Source: Chan, Golub and LeVeque 1983, The American Statistician 37(3).
    """
    if len(replicas) < 2 or len(counts) != len(replicas):
        raise BadData(
            f"{len(replicas)} replicas and {len(counts)} counts were given. Give at "
            "least 2 replicas, and a count of values for each."
        )
    states = [r.state_dict() if isinstance(r, nn.Module) else r for r in replicas]
    merged: dict[str, Tensor] = {}
    for path in _norms(states):
        numbers = [_count(count, path, i) for i, count in enumerate(counts)]
        merged |= _pooled(path, states, numbers)
    first = deepcopy(replicas[0])
    if isinstance(first, nn.Module):
        first.load_state_dict(merged, strict=False)
        return first
    return {**first, **merged}  # type: ignore[return-value]  # a state_dict


def _norms(states: Sequence[Mapping[str, Any]]) -> list[str]:
    """The paths of what keeps statistics, the same in all states."""
    shapes = [
        {name: tuple(t.shape) for name, t in state.items() if _last(name) == _MEAN}
        for state in states
    ]
    for place, other in enumerate(shapes[1:], start=1):
        for name in {**shapes[0], **other}:
            one, two = (s.get(name, "missing") for s in (shapes[0], other))
            if one != two:
                raise BadData(
                    f"'{name}' of replica {place} is {two}, and of replica 0 {one}. "
                    "Give replicas of one network."
                )
    if not shapes[0]:
        raise BadData("the replicas keep no running_mean. Give networks that do.")
    return [name.removesuffix(_MEAN) for name in shapes[0]]


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _count(count: int | Mapping[str, int], path: str, place: int) -> int:
    norm = path.removesuffix(".")
    number = count.get(norm) if isinstance(count, Mapping) else count
    if number is None or number < 1:
        raise BadData(
            f"counts[{place}] is {number} for '{norm}'. Give how many values of each "
            "feature its statistics were taken of, at least 1."
        )
    return number


def _pooled(
    path: str, states: Sequence[Mapping[str, Any]], counts: Sequence[int]
) -> dict[str, Tensor]:
    means, variances = (
        torch.stack([state[path + name].double() for state in states])
        for name in (_MEAN, _VAR)
    )
    n = torch.tensor(counts, dtype=torch.float64).view(-1, *(1,) * (means.dim() - 1))
    n = n.to(means.device)
    mean = (n * means).sum(0) / n.sum()
    squares = ((n - 1) * variances + n * (means - mean).square()).sum(0)
    first = states[0]
    pooled = {
        path + _MEAN: mean.to(first[path + _MEAN]),
        path + _VAR: (squares / (n.sum() - 1)).to(first[path + _VAR]),
    }
    if path + _COUNTER in first:
        seen = [state[path + _COUNTER] for state in states]
        pooled[path + _COUNTER] = torch.stack(seen).sum(0)
    return pooled
