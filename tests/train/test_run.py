"""The loop computes what a plain loop computes, and tells what happened."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from normlab.base.streams import seeded
from normlab.data.batches import BatchStream
from normlab.data.feed import Feed
from normlab.records.events import (
    Diverged,
    EpochDone,
    Event,
    Finished,
    InterimEval,
    Steps,
)
from normlab.spec.plan import RunKey
from normlab.spec.recipe import Recipe
from normlab.train import checkpoint
from normlab.train.run import Run
from tests.train.cases import KEY, dataset, network, run_config

OPTIMIZERS = {
    "sgd": (Recipe(epochs=2, batch_size=16), lambda p: torch.optim.SGD(p, 0.05, 0.9)),
    "sgd without momentum": (
        Recipe(epochs=2, batch_size=16, momentum=0.0),
        lambda p: torch.optim.SGD(p, 0.05),
    ),
    "sgd with weight decay": (
        Recipe(epochs=2, batch_size=16, weight_decay=0.01),
        lambda p: torch.optim.SGD(p, 0.05, 0.9, weight_decay=0.01),
    ),
    "adam": (
        Recipe(epochs=2, batch_size=16, optimizer="adam"),
        lambda p: torch.optim.Adam(p, 0.05, (0.9, 0.999)),
    ),
    "adamw": (
        Recipe(epochs=2, batch_size=16, optimizer="adamw", weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, 0.05, (0.9, 0.999), weight_decay=0.1),
    ),
}


def plain_loop(model: nn.Module, recipe: Recipe, optimizer: object) -> list[float]:
    """What a user would write instead, on the same batches."""
    data = dataset()
    feed = Feed(data.train, data.mean, data.std)
    batches = BatchStream(len(data.train), batch_size=recipe.batch_size, seed=KEY.seed)
    optimize = optimizer(model.parameters())  # type: ignore[operator]
    losses = []
    for epoch in range(1, recipe.epochs + 1):
        with seeded(KEY.seed, "train", epoch, KEY.arm):
            for indices in batches.epoch(epoch):
                inputs, labels = feed.take(indices)
                optimize.zero_grad()
                loss = cross_entropy(model(inputs), labels)
                loss.backward()
                optimize.step()
                losses.append(loss.item())
    return losses


def bits(model: nn.Module) -> dict[str, bytes]:
    return {n: t.numpy().tobytes() for n, t in model.state_dict().items()}


def losses_of(events: list[Event]) -> list[float]:
    return [float(x) for e in events if isinstance(e, Steps) for x in e.losses]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weights_are_those_of_a_plain_loop_to_the_last_bit(name: str) -> None:
    recipe, optimizer = OPTIMIZERS[name]
    ours, theirs = network(), network()
    events = list(Run(ours, run_config(recipe)).events())
    losses = plain_loop(theirs, recipe, optimizer)
    assert bits(ours) == bits(theirs)
    assert losses_of(events) == losses


@pytest.mark.parametrize("net", ["lenet", "resnet"])
def test_convolutional_networks_too(net: str) -> None:
    recipe, optimizer = OPTIMIZERS["sgd"]
    ours, theirs = network(net=net), network(net=net)
    list(Run(ours, run_config(recipe)).events())
    plain_loop(theirs, recipe, optimizer)
    assert bits(ours) == bits(theirs)


def test_dropout_draws_the_same_numbers_whatever_is_looked_at() -> None:
    recipe, optimizer = OPTIMIZERS["sgd"]
    ours, theirs = network(dropout=0.5), network(dropout=0.5)
    list(Run(ours, run_config(recipe)).events())
    plain_loop(theirs, recipe, optimizer)
    assert bits(ours) == bits(theirs)


def test_the_epoch_mean_is_the_mean_over_batches() -> None:
    recipe = Recipe(epochs=2, batch_size=16)
    events = list(Run(network(), run_config(recipe)).events())
    losses = np.reshape(losses_of(events), (2, -1))
    epochs = [e for e in events if isinstance(e, EpochDone)]
    assert [e.epoch for e in epochs] == [1, 2]
    assert [e.train_loss for e in epochs] == pytest.approx(losses.mean(axis=1))


def test_test_loss_and_accuracy_are_those_of_one_forward_pass() -> None:
    model = network()
    events = list(Run(model, run_config(Recipe(epochs=1, batch_size=16))).events())
    data = dataset()
    inputs, labels = next(Feed(data.test, data.mean, data.std).chunks(1000))
    with torch.no_grad():
        logits = model.double().eval()(inputs.double())
    done = next(e for e in events if isinstance(e, EpochDone))
    finished = events[-1]
    right = logits.argmax(1) == labels
    assert done.test_loss == pytest.approx(
        float(cross_entropy(logits, labels)), rel=1e-5
    )
    assert done.test_accuracy == pytest.approx(float(right.double().mean()))
    assert isinstance(finished, Finished)
    assert finished.correct is not None
    assert finished.correct.tolist() == right.tolist()


def test_glimpses_come_at_log_spaced_steps_and_ends_of_epochs() -> None:
    events = list(Run(network(), run_config(Recipe(epochs=3, batch_size=16))).events())
    steps = [e.step for e in events if isinstance(e, InterimEval)]
    each = next(e for e in events if isinstance(e, EpochDone))
    ends = {len(losses_of(events)) // 3 * epoch for epoch in (1, 2, 3)}
    assert each.epoch == 1 and steps == sorted({1, 2, 5, 10, 20} | ends)


def test_a_glimpse_is_at_a_slice_spread_over_the_test_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = len(dataset().test)
    monkeypatch.setattr(
        "normlab.train.evaluator.GLIMPSED", whole // 2 - 1
    )  # every third
    events = list(Run(network(), run_config(Recipe(epochs=1, batch_size=16))).events())
    finished, glimpse = (
        events[-1],
        [e for e in events if isinstance(e, InterimEval)][-1],
    )
    assert isinstance(finished, Finished) and finished.correct is not None
    assert glimpse.accuracy == pytest.approx(finished.correct[::3].mean())
    assert len(finished.correct) == whole


def test_a_resumed_run_goes_on_to_the_same_bits() -> None:
    recipe = Recipe(epochs=4, batch_size=16, schedule="cosine", warmup=5)
    whole, first, second = network(), network(), network()
    uninterrupted = list(Run(whole, run_config(recipe)).events())
    started = Run(first, run_config(recipe))
    kept = None
    for event in started.events():
        if isinstance(event, EpochDone) and event.epoch == 2:
            kept = started.checkpoint()
            break
    assert kept is not None
    rest = list(Run(second, run_config(recipe), start=kept).events())
    assert bits(second) == bits(whole)
    assert losses_of(rest) == losses_of(uninterrupted)[-len(losses_of(rest)) :]
    assert rest[-1].batch_digest == uninterrupted[-1].batch_digest  # type: ignore[union-attr]


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_a_checkpoint_on_disk_holds_everything(tmp_path, optimizer: str) -> None:
    recipe = Recipe(epochs=2, batch_size=16, optimizer=optimizer)
    whole, second = network(), network()
    run = Run(whole, run_config(recipe))
    for event in run.events():
        if isinstance(event, EpochDone):
            checkpoint.save(run.checkpoint(), tmp_path)
    assert checkpoint.epochs_saved(tmp_path) == [1, 2]
    rest = Run(second, run_config(recipe), start=checkpoint.load(tmp_path, 1))
    list(rest.events())
    assert bits(second) == bits(whole)


def test_only_the_newest_two_checkpoints_are_kept(tmp_path) -> None:
    run = Run(network(), run_config(Recipe(epochs=4, batch_size=50)))
    for event in run.events():
        if isinstance(event, EpochDone):
            checkpoint.save(run.checkpoint(), tmp_path)
    assert sorted(checkpoint.epochs_saved(tmp_path)) == [3, 4]


def test_a_damaged_checkpoint_is_named(tmp_path) -> None:
    (tmp_path / "epoch-1.safetensors").write_bytes(b"nonsense")
    with pytest.raises(Exception, match=r"epoch-1\.safetensors: cannot be read as a"):
        checkpoint.load(tmp_path, 1)


class ExplodesAt(nn.Module):
    """A loss that is not a number from the given step on."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.left = step

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        loss = cross_entropy(logits, labels)
        if torch.is_grad_enabled():
            self.left -= 1
        return loss * (math.nan if self.left <= 0 else 1.0)


@pytest.mark.parametrize("step", [1, 7, 12])
def test_a_diverged_run_ends_at_its_step_with_its_last_finite_network(
    step: int,
) -> None:
    base = run_config(Recipe(epochs=2, batch_size=16))
    diverging = type(base)(**{**vars(base), "loss": ExplodesAt(step)})
    model = network()
    events = list(Run(model, diverging).events())
    end = events[-1]
    assert isinstance(end, Diverged)
    assert end.step == step
    assert end.test_accuracy is not None
    assert all(bool(t.isfinite().all()) for t in model.state_dict().values())


def test_a_real_divergence_is_found() -> None:
    key = RunKey("none", 1e6, 0)
    run = Run(network(key), run_config(Recipe(epochs=3, batch_size=16), key=key))
    assert isinstance(list(run.events())[-1], Diverged)


def test_modes_of_frozen_modules_survive() -> None:
    model = network()
    frozen = next(m for m in model.modules() if isinstance(m, nn.BatchNorm1d))
    frozen.eval()
    before = frozen.running_mean.clone()
    list(Run(model, run_config(Recipe(epochs=1, batch_size=16))).events())
    assert not frozen.training
    assert torch.equal(frozen.running_mean, before)


def test_twins_train_on_the_same_batches() -> None:
    recipe = Recipe(epochs=1, batch_size=16)
    ends = []
    for arm in ("none", "batch"):
        key = RunKey(arm, 0.05, 3)
        ends.append(list(Run(network(key), run_config(recipe, key=key)).events())[-1])
    assert ends[0].batch_digest == ends[1].batch_digest
