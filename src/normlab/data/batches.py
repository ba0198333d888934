"""The order in which images are learnt: the same for all arms of a seed."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Literal

import torch
from torch import Tensor

from normlab.base.streams import stream
from normlab.errors import BadSetting


class BatchStream:
    """Batches of image numbers, epoch by epoch; every image once per epoch.

    The order of an epoch is drawn at the address (seed, "batches", epoch). There
    is no arm in it, so twins see the same batches whatever else happens.

    Args:
        n: Images that are learnt.
        batch_size: Images per batch.
        seed: Of the run.
        last_batch: Whether a last batch that is shorter is learnt or left out.

    Raises:
        BadSetting: If a batch would be empty, or no batch is left in an epoch.

    Example:
        >>> batches = BatchStream(10, batch_size=4, seed=0)
        >>> [len(batch) for batch in batches.epoch(1)]
        [4, 4, 2]
        >>> batches.steps_per_epoch
        3
    """

    def __init__(
        self,
        n: int,
        *,
        batch_size: int,
        seed: int,
        last_batch: Literal["keep", "drop"] = "keep",
    ) -> None:
        if batch_size < 1:
            raise BadSetting(f"recipe.batch_size={batch_size} must be at least 1.")
        if last_batch not in ("keep", "drop"):
            raise BadSetting(f"recipe.last_batch={last_batch!r} is not keep or drop.")
        if last_batch == "drop" and batch_size > n:
            raise BadSetting(
                f"recipe.batch_size={batch_size} is more than the {n} training images "
                "and the last batch is dropped, so nothing is learnt. "
                f"Use at most {n}, or recipe.last_batch=keep."
            )
        self.n = n
        self.batch_size = batch_size
        self.seed = seed
        self.last_batch = last_batch

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch."""
        whole, rest = divmod(self.n, self.batch_size)
        return whole + (1 if rest and self.last_batch == "keep" else 0)

    def epoch(self, epoch: int) -> tuple[Tensor, ...]:
        """The batches of `epoch`, each a vector of int64 image numbers."""
        order = torch.randperm(self.n, generator=stream(self.seed, "batches", epoch))
        return order.split(self.batch_size)[: self.steps_per_epoch]

    def digest(self, epochs: int) -> str:
        """What epochs 1 to `epochs` learn in which order, as `chained` tells it."""
        told = ""
        for epoch in range(1, epochs + 1):
            told = chained(told, self.epoch(epoch))
        return told


def chained(before: str, batches: Iterable[Tensor]) -> str:
    """Digest of an epoch's batches after the epochs that `before` stands for.

    A run that chains what it really took can be told apart from any run that took
    other images, another order, or other batches of the same order.

    Args:
        before: The digest of the epochs before, or "" for the first epoch.
        batches: Vectors of image numbers, in the order in which they were taken.

    Returns:
        32 hexadecimal digits.

    Example:
        >>> batches = BatchStream(10, batch_size=4, seed=0)
        >>> first = chained("", batches.epoch(1))
        >>> chained(first, batches.epoch(2)) == batches.digest(2)
        True
    """
    told = blake2b(before.encode(), digest_size=16)
    for batch in batches:
        # the length marks where a batch ends
        told.update(len(batch).to_bytes(8, "big"))
        told.update(batch.to("cpu", torch.int64).numpy().tobytes())
    return told.hexdigest()
