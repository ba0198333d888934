"""The examples that a surface is a mean over, and how they are cut."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from normlab.base.streams import stream
from normlab.errors import BadSetting
from normlab.landscape.intake.batch import Batch, mapped, rows, tensors
from normlab.landscape.intake.data import ExampleSource

_CACHE_VALUES = 1 << 19  # values per chunk of inputs: 2 MB in float32
_MAX_VALUES = 1 << 22  # of the largest tensor on the way: 16 MB


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Examples in the order in which they are cut into batches.

    Attributes:
        batch: All examples, as one batch; inputs and targets if it is a pair.
        batch_size: Examples per batch, where batches are asked for.
        is_pair: Whether it is a pair of inputs and targets, for a loss.
        largest: Values per example of the largest tensor that the network makes.
        order: Number of each example in the data.
    """

    batch: Batch
    batch_size: int
    is_pair: bool = True
    largest: int = 0
    order: Tensor | None = None

    def __len__(self) -> int:
        return len(tensors(self.batch)[0])

    @property
    def inputs(self) -> Batch:
        """What the network is given; all there is, if that is left to an objective."""
        return self.batch[0] if self.is_pair else self.batch

    @property
    def device(self) -> torch.device:
        """Where the examples are."""
        return tensors(self.batch)[0].device

    @property
    def batches(self) -> int:
        """Whole batches; a short rest belongs to none."""
        return len(self) // self.batch_size

    def first(self, examples: int) -> Sample:
        """The beginning of the sample; one batch if that is not as many examples."""
        size = min(examples, len(self))
        return replace(
            self,
            batch=rows(self.batch, slice(0, size)),
            batch_size=min(self.batch_size, size),
            order=None if self.order is None else self.order[:size],
        )

    def as_given(self) -> Sample:
        """The same examples in the order that they have in the data."""
        if self.order is None:
            return self
        back = torch.argsort(self.order)
        batch = mapped(lambda x: x[back.to(x.device)], self.batch)
        return replace(self, batch=batch, order=self.order[back])

    def cuts(self, size: int, *, upto: int | None = None) -> Iterator[slice]:
        """Consecutive slices of `size` examples; the last one may be shorter."""
        total = len(self) if upto is None else upto
        return (slice(i, min(i + size, total)) for i in range(0, total, size))

    @property
    def chunk(self) -> int:
        """Examples at a time where batches do not matter: they stay in cache.

        More than a batch only if what the network makes of them is small.
        """
        values = sum(x[0].numel() for x in tensors(self.inputs))
        cached = min(max(_CACHE_VALUES // max(values, 1), 64), 512)
        return self.within_memory(cached)

    def within_memory(self, examples: int) -> int:
        """So many at a time, or fewer where they are large, but a batch's at least."""
        fitting = _MAX_VALUES // max(self.largest, 1)
        return min(examples, max(fitting, min(self.batch_size, examples)))


def take_sample(
    model: nn.Module,
    source: ExampleSource,
    *,
    batch_size: int,
    seed: int,
    examples: int | None = None,
) -> Sample:
    """Examples on the model's device, cut once by an addressed random stream.

    Args:
        model: Gives device and type of the inputs.
        source: The data.
        batch_size: Examples per batch.
        seed: Seed of the cut; it has no arm in its address.
        examples: Keep so many, drawn by the same stream; None keeps all.

    Raises:
        BadData: If the data cannot be made tensors of, or is not finite.
        BadSetting: If `batch_size` is no size, or `examples` more than there are.
    """
    total = len(source)
    count = total if examples is None else examples
    _check_size("examples", count, total)
    _check_size("batch_size", batch_size)
    order = torch.randperm(total, generator=stream(seed, "surface", "batches"))[:count]
    device, kind = _like(model)
    return Sample(
        batch=mapped(lambda x: x.to(device), source.take(order, kind)),
        batch_size=min(batch_size, max(count, 1)),
        is_pair=source.is_pair,
        order=order,
    )


def in_whole_batches(sample: Sample, batch_size: int, *, drop_rest: bool) -> Sample:
    """The sample where norms see batches of it.

    Raises:
        BadSetting: If there is not one whole batch.
    """
    _check_size("batch_size", batch_size, len(sample))
    return sample.first(sample.batches * batch_size) if drop_rest else sample


def _check_size(name: str, value: object, available: int | None = None) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadSetting(f"{name}={value!r} is not a whole number of at least 1.")
    if available is not None and value > available:
        raise BadSetting(
            f"{name}={value} but the data has {available} examples. Use at most"
            f" {available}."
        )


def _like(model: nn.Module) -> tuple[torch.device, torch.dtype]:
    """Where the parameters are, and the type of their real numbers."""
    for parameter in model.parameters():
        if parameter.is_floating_point() or parameter.is_complex():
            return parameter.device, parameter.dtype.to_real()
    first: Tensor = next(iter(model.parameters()), torch.empty(0))
    return first.device, torch.get_default_dtype()
