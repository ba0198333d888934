"""The order of the batches: laws that hold for any size, seed and epoch."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from normlab.base.streams import stream
from normlab.data.batches import BatchStream, chained
from normlab.errors import BadSetting

SIZES = st.tuples(st.integers(1, 300), st.integers(1, 70), st.integers(0, 10**6))


@given(sizes=SIZES, epoch=st.integers(1, 50))
def test_every_image_is_learnt_exactly_once_per_epoch(
    sizes: tuple[int, int, int], epoch: int
) -> None:
    n, batch_size, seed = sizes
    batches = BatchStream(n, batch_size=batch_size, seed=seed).epoch(epoch)
    assert torch.cat(batches).sort().values.tolist() == list(range(n))


@given(sizes=SIZES, last_batch=st.sampled_from(["keep", "drop"]))
def test_all_batches_but_the_last_are_whole_and_as_many_as_foreseen(
    sizes: tuple[int, int, int], last_batch: str
) -> None:
    n, batch_size, seed = sizes
    if last_batch == "drop":
        n += batch_size
    stream_ = BatchStream(n, batch_size=batch_size, seed=seed, last_batch=last_batch)
    batches = stream_.epoch(1)
    assert len(batches) == stream_.steps_per_epoch
    rest = n % batch_size if last_batch == "keep" else 0
    assert len(batches[-1]) == (rest or batch_size)
    assert all(len(batch) == batch_size for batch in batches[:-1])


@given(sizes=SIZES)
def test_dropping_the_last_batch_changes_no_other(sizes: tuple[int, int, int]) -> None:
    n, batch_size, seed = sizes
    n += batch_size
    kept = BatchStream(n, batch_size=batch_size, seed=seed).epoch(1)
    dropped = BatchStream(n, batch_size=batch_size, seed=seed, last_batch="drop").epoch(
        1
    )
    assert all(torch.equal(a, b) for a, b in zip(dropped, kept, strict=False))
    assert len(kept) - len(dropped) == (1 if n % batch_size else 0)


@given(sizes=SIZES, epoch=st.integers(1, 50))
def test_the_same_address_gives_the_same_batches(
    sizes: tuple[int, int, int], epoch: int
) -> None:
    n, batch_size, seed = sizes
    first = BatchStream(n, batch_size=batch_size, seed=seed)
    other = BatchStream(n, batch_size=batch_size, seed=seed)
    other.epoch(epoch + 1)  # what was asked before does not matter
    pairs = zip(first.epoch(epoch), other.epoch(epoch), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_the_order_is_drawn_at_seed_batches_epoch() -> None:
    """A change of the address would silently break resuming of old studies."""
    expected = torch.randperm(10, generator=stream(3, "batches", 2))
    assert torch.equal(
        torch.cat(BatchStream(10, batch_size=4, seed=3).epoch(2)), expected
    )


def test_epochs_and_seeds_have_other_orders() -> None:
    orders = {
        tuple(
            torch.cat(BatchStream(100, batch_size=9, seed=seed).epoch(epoch)).tolist()
        )
        for seed in (0, 1)
        for epoch in (1, 2)
    }
    assert len(orders) == 4


def test_mnist_has_938_batches_the_last_of_32() -> None:
    mnist = BatchStream(60_000, batch_size=64, seed=0)
    assert (mnist.steps_per_epoch, len(mnist.epoch(1)[-1])) == (938, 32)


def test_image_numbers_are_int64() -> None:
    assert BatchStream(5, batch_size=2, seed=0).epoch(1)[0].dtype == torch.int64


def test_the_digest_is_that_of_the_batches_really_taken() -> None:
    batches = BatchStream(50, batch_size=8, seed=0)
    told = ""
    for epoch in (1, 2, 3):
        told = chained(told, batches.epoch(epoch))
    assert told == batches.digest(3)
    assert len(told) == 32


@pytest.mark.parametrize(
    "other",
    [
        BatchStream(50, batch_size=8, seed=1),
        BatchStream(50, batch_size=7, seed=0),
        BatchStream(50, batch_size=8, seed=0, last_batch="drop"),
        BatchStream(49, batch_size=8, seed=0),
    ],
    ids=["seed", "batch size", "last batch", "images"],
)
def test_the_digest_tells_other_batches_apart(other: BatchStream) -> None:
    batches = BatchStream(50, batch_size=8, seed=0)
    assert other.digest(2) != batches.digest(2)
    assert batches.digest(1) != batches.digest(2)


def test_the_digest_tells_where_batches_end() -> None:
    order = torch.arange(8)
    assert chained("", order.split(4)) != chained("", order.split(2))


def test_a_batch_without_images_is_refused() -> None:
    with pytest.raises(BadSetting, match=r"recipe\.batch_size=0 must be at least 1"):
        BatchStream(5, batch_size=0, seed=0)


def test_an_epoch_without_batches_is_refused() -> None:
    with pytest.raises(BadSetting, match=r"so nothing is learnt\. Use at most 5, or"):
        BatchStream(5, batch_size=6, seed=0, last_batch="drop")


def test_an_unknown_last_batch_is_refused() -> None:
    with pytest.raises(BadSetting, match="'pad' is not keep or drop"):
        BatchStream(5, batch_size=2, seed=0, last_batch="pad")  # type: ignore[arg-type]
