"""Which norms the figures may explain as (x - mu)/sqrt(s2 + eps)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from normlab.base.streams import seeded, stream
from normlab.errors import NotMeasured
from normlab.facade.result import Result
from normlab.figures import by_hand, one_neuron
from normlab.figures.kit.over_batch import over_batch, takes_batch_statistics
from normlab.figures.kit.theme import LIGHT
from normlab.norms.ghost import GhostBatchNorm
from normlab.probes.activations import Activations
from normlab.probes.anatomy import trace_modules
from normlab.probes.context import ProbeBatch
from normlab.records.observed.activations import ActivationArrays
from tests.probes.cases import small, step_state, stepped


def seen(model: nn.Module, inputs: torch.Tensor) -> ActivationArrays:
    """What the real probe records of a network at two moments."""
    images = len(inputs)
    batch = ProbeBatch(
        images=torch.arange(images), inputs=inputs, labels=torch.arange(images) % 3
    )
    probe = Activations(trace_modules(model, inputs), batch, seed=0, steps={0, 1})
    for step in (0, 1):
        probe.observe(step_state(model, step))
        stepped(model)
    arrays = {name: tensor.numpy() for name, tensor in probe.arrays().items()}
    return ActivationArrays.unpacked(arrays)


def vectors(images: int = 64) -> torch.Tensor:
    return torch.randn(images, 5, generator=stream(0, "inputs"), dtype=torch.float64)


def convolutional(norm: nn.Module) -> tuple[nn.Module, torch.Tensor]:
    with seeded(0, "convolutional"):
        net = nn.Sequential(nn.Conv2d(1, 4, 3), norm, nn.ReLU(), nn.Flatten())
        net = nn.Sequential(*net, nn.Linear(64, 3)).double()
        return net, torch.randn(32, 1, 6, 6, dtype=torch.float64)


def first(found: ActivationArrays) -> bool:
    return takes_batch_statistics(next(iter(found.norms.values())))


def test_batch_norm_is_described_by_the_formula() -> None:
    assert first(seen(small("batch"), vectors()))
    assert first(seen(*convolutional(nn.BatchNorm2d(4))))


def test_so_is_one_with_another_epsilon_and_a_constant_unit() -> None:
    model = small("batch")
    model[1].eps = 1e-3
    with torch.no_grad():
        model[0].weight.zero_()
    assert first(seen(model, vectors()))


@pytest.mark.parametrize(
    "norm",
    [nn.GroupNorm(2, 4), nn.GroupNorm(1, 4), nn.InstanceNorm2d(4, affine=True)],
    ids=["group", "layer", "instance"],
)
def test_statistics_of_single_images_are_not(norm: nn.Module) -> None:
    assert not first(seen(*convolutional(norm)))


def test_layer_norm_is_not() -> None:
    arrays = seen(small("layer"), vectors())
    assert not first(arrays)
    with pytest.raises(NotMeasured, match=r"^no arm normalises over the batch$"):
        over_batch({"none": seen(small("none"), vectors()), "layer": arrays})


def test_rms_norm_is_not() -> None:
    model = small("layer")
    model[1], model[4] = nn.RMSNorm(6).double(), nn.RMSNorm(4).double()
    assert not first(seen(model, vectors()))


def test_ghost_batch_norm_is_not() -> None:
    norm = GhostBatchNorm(6, chunk=16).double()
    model = small("batch")
    model[1] = norm
    assert not first(seen(model, vectors()))


def test_the_arm_over_the_batch_is_found_behind_others() -> None:
    runs = {
        "layer": seen(small("layer"), vectors()),
        "batch": seen(small("batch"), vectors()),
    }
    assert over_batch(runs) == ("batch", next(iter(runs["batch"].norms)))


def test_without_any_norm_the_reason_is_another() -> None:
    with pytest.raises(NotMeasured, match="no arm has a norm"):
        over_batch({"none": seen(small("none"), vectors())})


@pytest.mark.parametrize("figure", [by_hand, one_neuron])
def test_figures_of_the_formula_refuse_layer_norm(
    observed: Result, figure, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = seen(small("layer"), vectors())
    key = observed.record.runs[0].key
    monkeypatch.setattr(figure, "seen", lambda *_: {key: arrays})
    with pytest.raises(NotMeasured, match="normalises over the batch"):
        figure.KIND.draw(observed, LIGHT)
