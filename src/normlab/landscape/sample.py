"""The examples that a surface is a mean over, and how they are cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils import data as data_of_torch

from normlab.base.streams import stream
from normlab.data.dataset import Dataset
from normlab.data.feed import Feed
from normlab.errors import BadData, BadSetting
from normlab.records.surface import Statistics

_CACHE_VALUES = 1 << 19  # values per chunk of inputs: 2 MB in float32


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Inputs and targets in the order in which they are cut into batches.

    Attributes:
        x: Inputs, example first.
        y: Targets.
        batch_size: Examples per batch, where batches are asked for.
    """

    x: Tensor
    y: Tensor
    batch_size: int

    def __len__(self) -> int:
        return len(self.x)

    @property
    def batches(self) -> int:
        """Whole batches; a short rest belongs to none."""
        return len(self) // self.batch_size

    def first(self, examples: int) -> Sample:
        """The beginning of the sample."""
        return replace(self, x=self.x[:examples], y=self.y[:examples])

    def cuts(self, size: int, *, upto: int | None = None) -> Iterator[slice]:
        """Consecutive slices of `size` examples; the last one may be shorter."""
        total = len(self) if upto is None else upto
        return (slice(i, min(i + size, total)) for i in range(0, total, size))

    @property
    def chunk(self) -> int:
        """Examples at a time where batches do not matter: they stay in cache."""
        return min(max(_CACHE_VALUES // max(self.x[0].numel(), 1), 64), 512)


def take_sample(
    model: nn.Module,
    data: Any,
    *,
    statistics: Statistics,
    batch_size: int,
    seed: int,
    examples: int | None = None,
) -> Sample:
    """Examples on the model's device, cut once by an addressed random stream.

    Args:
        model: Gives device and type of the inputs.
        data: A pair of tensors or arrays, inputs and targets; a torch Dataset of
            such pairs; or a normlab `Dataset`, whose training part is taken.
        statistics: *batch* drops the short rest of the cut, the others keep it.
        batch_size: Examples per batch.
        seed: Seed of the cut; it has no arm in its address.
        examples: Keep so many, drawn by the same stream; None keeps all.

    Raises:
        BadData: If the pair does not fit together, or is empty.
        BadSetting: If `batch_size` or `examples` exceeds what there is.
    """
    like = next((p for p in model.parameters() if p.is_floating_point()), None)
    like = torch.empty(0) if like is None else like
    total = examples_in(data)
    count = total if examples is None else examples
    _check_size("examples", count, total)
    cut = statistics in ("batch", "recalibrated")
    _check_size("batch_size", batch_size, count if cut else None)
    if statistics == "batch":
        count -= count % batch_size
    order = torch.randperm(total, generator=stream(seed, "surface", "batches"))[:count]
    x, y = _take(data, order, like)
    size = min(batch_size, count)
    return Sample(x=x.to(like.device), y=y.to(like.device), batch_size=size)


def _check_size(name: str, value: object, available: int | None) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadSetting(f"{name}={value!r} is not a whole number of at least 1.")
    if available is not None and value > available:
        raise BadSetting(
            f"{name}={value} but the data has {available} examples. Use at most"
            f" {available}."
        )


def examples_in(data: Any) -> int:
    """How many examples there are to choose from.

    Raises:
        BadData: If it is neither a dataset nor a pair that fits together.
    """
    if isinstance(data, Dataset):
        return len(data.train)
    if isinstance(data, data_of_torch.Dataset):
        return _length(data)
    if not isinstance(data, Sequence) or len(data) != 2:
        raise BadData(
            "data: a pair of tensors or a normlab Dataset is needed, found"
            f" {type(data).__name__}. Pass (inputs, targets)."
        )
    x, y = (np.shape(part) for part in data)
    if not x or not y or 0 in (x[0], y[0]):
        raise BadData("data: there are no examples in it. Pass (inputs, targets).")
    if x[0] != y[0]:
        raise BadData(f"data: {x[0]} inputs for {y[0]} targets. Pass as many of both.")
    return x[0]


def _length(data: data_of_torch.Dataset) -> int:
    if not isinstance(data, Sized) or not len(data):
        raise BadData(
            f"data: {type(data).__name__} has no length or no examples. Pass a dataset"
            " that can be indexed, or (inputs, targets)."
        )
    return len(data)


def _take(data: Any, order: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs in the model's type and targets, in this order."""
    if isinstance(data, Dataset):
        x, y = Feed(data.train, data.mean, data.std).take(order)
        return x.to(like.dtype) if x.is_floating_point() else x, y
    if isinstance(data, data_of_torch.Dataset):
        pairs = [data[int(i)] for i in order]
        data = [torch.stack([torch.as_tensor(p[k]) for p in pairs]) for k in (0, 1)]
        order = torch.arange(len(pairs))
    x, y = (torch.as_tensor(part) for part in data)
    x, y = x[order.to(x.device)].detach(), y[order.to(y.device)].detach()
    if x.is_floating_point():
        if not bool(torch.isfinite(x).all()):
            raise BadData("data: the inputs hold values that are not finite.")
        x = x.to(like.dtype)
    return x, y
