"""What counts as right, in which chunks, and what is said about it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from normlab.data.dataset import Part
from normlab.data.feed import Feed
from normlab.records.events import EpochDone, Finished, Noted
from normlab.spec.recipe import Recipe
from normlab.train.evaluate import CHUNK, depends_on_neighbours, evaluate
from normlab.train.run import Run
from tests.train.cases import dataset, network, run_config


class Says(nn.Module):
    """Its scores are its inputs."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)


def feed_of(scores: np.ndarray, labels: np.ndarray) -> Feed:
    images = scores.astype(np.float32)[:, None, None]
    return Feed(Part(images=images, labels=labels), (0.0,), (1.0,))


@given(
    st.lists(
        st.lists(st.sampled_from([0.0, 1.0, -1.0, math.nan, math.inf, -math.inf]),
                 min_size=3, max_size=3),
        min_size=1, max_size=8,
    )
)  # fmt: skip
@settings(max_examples=40)
def test_an_answer_counts_only_if_every_score_is_a_number(scores: list) -> None:
    given, labels = np.array(scores), np.arange(len(scores)) % 3
    found = evaluate(Says(), feed_of(given, labels), cross_entropy)
    usable = np.isfinite(given).all(axis=1)
    best = np.array([max(range(3), key=lambda i: (row[i], -i)) for row in given])
    right = usable & (best == labels)
    assert found.correct.tolist() == right.tolist()
    assert found.accuracy == right.mean()
    assert found.unusable == len(given) - usable.sum()


class LostInEval(nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.f, self.value = network(), value

    def forward(self, x: Tensor) -> Tensor:
        return self.f(x) * (1.0 if self.training else self.value)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_network_that_says_no_numbers_is_never_right_and_that_is_noted(
    value: float,
) -> None:
    where = run_config(Recipe(epochs=2, batch_size=32))
    held_out = replace(where.dataset, validation=where.dataset.test)
    events = list(Run(LostInEval(value), replace(where, dataset=held_out)).events())
    done = [e for e in events if isinstance(e, EpochDone)]
    assert [e.test_accuracy for e in done] == [0.0, 0.0]
    assert [e.metrics["validation_accuracy"] for e in done] == [0.0, 0.0]
    assert isinstance(events[-1], Finished) and not events[-1].correct.any()
    notes = {e.text for e in events if isinstance(e, Noted)}
    assert notes == {"test outputs that are not finite count as wrong answers"}


@settings(max_examples=30)
@given(st.integers(1, 2_500), st.integers(1, 700))
def test_chunks_are_nearly_equal_in_order_and_no_larger_than_asked(
    count: int, size: int
) -> None:
    feed = feed_of(np.arange(2.0 * count).reshape(count, 2), np.arange(count) % 2)
    chunks = list(feed.chunks(size))
    sizes = [len(labels) for _, labels in chunks]
    assert max(sizes) <= size and max(sizes) - min(sizes) <= 1
    assert len(sizes) == math.ceil(count / size)
    seen = torch.cat([x.flatten(1)[:, 0] for x, _ in chunks])
    assert seen.tolist() == [2.0 * i for i in range(count)]


@pytest.mark.parametrize("count", [1, 2, 499, 500, 501, 999, 1000, 1001, 2001, 4001])
def test_no_chunk_of_an_exam_is_of_one(count: int) -> None:
    feed = feed_of(np.zeros((count, 2)), np.zeros(count, np.int64))
    sizes = [len(labels) for _, labels in feed.chunks(CHUNK)]
    assert sum(sizes) == count and (min(sizes) > 1 or count == 1)
    if count % CHUNK == 0:  # as ever, to the bit
        assert set(sizes) == {CHUNK}


def per_batch() -> nn.Module:
    norm = nn.BatchNorm1d(144, track_running_stats=False)
    return nn.Sequential(nn.Flatten(), norm, nn.Linear(144, 4))


class Noisy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.f = network()

    def forward(self, x: Tensor) -> Tensor:
        return self.f(x) + torch.randn(len(x), 4)


CASES = {
    "statistics of the batch": (per_batch, True),
    "running averages": (network, False),
    "no norm": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(144, 4)), False),
    "half precision": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(144, 4)).bfloat16(), False
    ),
    "noise": (Noisy, False),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_whether_neighbours_matter_is_found_out(name: str) -> None:
    make, expected = CASES[name]
    data = dataset()
    inputs, _ = Feed(data.test, data.mean, data.std).take(torch.arange(48))
    with torch.random.fork_rng():
        model = make()
    inputs = inputs.to(next(model.parameters()).dtype)
    assert depends_on_neighbours(model, inputs) is expected
    assert model.training


def test_a_test_that_depends_on_its_chunks_is_done_and_noted() -> None:
    with torch.random.fork_rng():
        model = per_batch()
    data = dataset()
    part = data.train.chosen(np.arange(501) % len(data.train))
    where = replace(run_config(Recipe(epochs=1, batch_size=32)), dataset=replace(
        data, test=part
    ))  # fmt: skip
    events = list(Run(model, where).events())
    assert isinstance(events[-1], Finished)
    (note,) = [e.text for e in events if isinstance(e, Noted)]
    assert "depends on the others in the chunk (of at most 500)" in note
