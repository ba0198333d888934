"""What moves on the random plane, and how far, against NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune
from torch.optim.swa_utils import AveragedModel

from normlab.base.streams import seeded, stream
from normlab.errors import BadModel, BadSetting
from normlab.figures.surface_difference import draw_difference
from normlab.landscape.planes.named import named_plane
from normlab.landscape.planes.random import random_plane
from normlab.landscape.surface import surface

from .spanning import Around, data, made, plain


class Conv1D(nn.Module):
    """As in the transformers library: a linear layer whose weight is transposed."""

    def __init__(self, outputs: int, inputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))


def outputs_first(weight: np.ndarray, groups: int = 1) -> np.ndarray:
    """Of a transposed convolution, filter by filter: a loop over outputs."""
    inputs, each = weight.shape[0] // groups, weight.shape[1]
    return np.stack(
        [
            weight[group * inputs : (group + 1) * inputs, output].ravel()
            for group in range(groups)
            for output in range(each)
        ]
    )


def rows(weight: np.ndarray) -> np.ndarray:
    return weight.reshape(len(weight), -1)


LAYERS: dict[
    str, tuple[Callable[[], nn.Module], Callable[[np.ndarray], np.ndarray]]
] = {
    "linear": (lambda: nn.Linear(5, 4), rows),
    "convolution": (lambda: nn.Conv2d(4, 6, 3, groups=2), rows),
    "transposed 1d": (lambda: nn.ConvTranspose1d(4, 6, 3), outputs_first),
    "transposed 2d": (lambda: nn.ConvTranspose2d(4, 6, 3), outputs_first),
    "transposed 3d": (lambda: nn.ConvTranspose3d(2, 3, 2), outputs_first),
    "transposed in groups": (
        lambda: nn.ConvTranspose2d(4, 6, 3, groups=2),
        lambda w: outputs_first(w, 2),
    ),
    "Conv1D": (lambda: Conv1D(6, 4), lambda w: w.T),
    "embedding": (lambda: nn.Embedding(7, 3), rows),
    "double": (lambda: nn.Linear(5, 4).double(), rows),
}


@pytest.mark.parametrize("name", LAYERS)
def test_what_makes_one_output_moves_as_far_as_it_is_long(name: str) -> None:
    make, filters = LAYERS[name]
    layer = make()
    weight = filters(layer.weight.detach().numpy())
    for direction in (random_plane(layer).first, random_plane(layer).second):
        moved = filters(direction["weight"])
        lengths = np.linalg.norm(weight, axis=1)
        np.testing.assert_allclose(np.linalg.norm(moved, axis=1), lengths, rtol=1e-5)
        assert direction["weight"].dtype == layer.weight.detach().numpy().dtype


def test_the_draw_is_that_of_the_tensors_name() -> None:
    layer = nn.Linear(5, 4)
    drawn = torch.randn(
        (4, 5), generator=stream(3, "surface", "second", "weight"), dtype=torch.float64
    ).numpy()
    weight = layer.weight.detach().numpy()
    expected = [
        g * np.linalg.norm(w) / np.linalg.norm(g)
        for g, w in zip(drawn, weight, strict=True)
    ]
    moved = random_plane(layer, seed=3).second["weight"]
    np.testing.assert_allclose(moved, expected, rtol=1e-6)


def test_complex_weights_move_in_both_parts() -> None:
    model = made("complex", 0)
    direction = random_plane(model).first["spectrum"]
    assert direction.dtype == np.complex64
    assert np.ptp(direction.real) > 0 and np.ptp(direction.imag) > 0
    weight = model.spectrum.detach().numpy()
    for ours, its in zip(direction, weight, strict=True):
        assert np.linalg.norm(ours) == pytest.approx(np.linalg.norm(its), rel=1e-5)
    found = surface(model, data(), points=5)
    assert np.ptp(found.loss) > 0


def test_a_pruned_weight_moves_as_what_is_left_of_it() -> None:
    layer = prune.random_unstructured(nn.Linear(20, 4), "weight", amount=0.7)
    mask = layer.weight_mask.numpy()
    direction = random_plane(layer).first["weight_orig"]
    assert not direction[mask == 0].any()
    for ours, its in zip(direction, layer.weight.detach().numpy(), strict=True):
        assert np.linalg.norm(ours) == pytest.approx(np.linalg.norm(its), rel=1e-5)


def test_a_filter_that_is_pruned_away_stays() -> None:
    layer = prune.custom_from_mask(
        nn.Linear(3, 2),
        "weight",
        torch.eye(2, 3)[:1].expand(2, 3) * torch.tensor([[1.0], [0.0]]),
    )
    direction = random_plane(layer).first["weight_orig"]
    assert direction[0].any() and not direction[1].any()


WRAPPERS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "DataParallel": nn.DataParallel,
    "AveragedModel": AveragedModel,
    "Lightning": Around,
    "compiled": lambda model: torch.compile(model, backend="eager"),
    "compiled and averaged": lambda m: AveragedModel(torch.compile(m, backend="eager")),
    "Lightning of DataParallel": lambda model: Around(nn.DataParallel(model)),
}


@pytest.fixture
def quiet() -> Iterator[None]:
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_wrapped_network_has_the_plane_of_the_bare_one(wrapper: str) -> None:
    model = made("plain", 0)
    bare, outer = random_plane(model), random_plane(WRAPPERS[wrapper](model))
    for mine, its in ((bare.first, outer.first), (bare.second, outer.second)):
        arrays = zip(mine.values(), its.values(), strict=True)
        assert all(np.array_equal(one, other) for one, other in arrays)


def test_a_wrapped_network_is_compared_with_the_bare_one() -> None:
    model = made("plain", 0)
    bare = surface(model, data(), points=5)
    outer = surface(nn.DataParallel(model).eval(), data(), points=5)
    np.testing.assert_allclose(outer.loss, bare.loss, rtol=1e-6)
    assert draw_difference(outer, bare).data


def test_a_part_called_model_is_no_wrapper() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model, self.head = nn.Linear(3, 3), nn.Linear(3, 2)

    model = Two()
    address = (0, "surface", "first", "model.weight")
    drawn = torch.randn((3, 3), generator=stream(*address), dtype=torch.float64)
    moved = random_plane(model).first["model.weight"]
    assert np.corrcoef(moved[0], drawn[0].numpy())[0, 1] == pytest.approx(1)


def frozen() -> nn.Module:
    with seeded(0, "init"):
        model = nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 3))
    model[0].requires_grad_(requires_grad=False)
    return model


CHOICES: dict[str, tuple[Any, list[str]]] = {
    "what is trainable": (None, ["1.weight", "2.weight"]),
    "trainable": ("trainable", ["1.weight", "2.weight"]),
    "all": ("all", ["0.weight", "1.weight", "2.weight"]),
    "a layer": ("1", ["1.weight"]),
    "a layer with a dot": ("1.", ["1.weight"]),
    "a name": ("2.weight", ["2.weight"]),
    "names in any order": (["2.weight", "0"], ["0.weight", "2.weight"]),
    "a pattern": ("[01].weight", ["0.weight", "1.weight"]),
    "a bias": (["1.bias"], ["1.bias"]),
    "a bias and weights": (["1.bias", "2"], ["1.bias", "2.weight"]),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_chosen_parameters_move_alone(choice: str) -> None:
    asked, moved = CHOICES[choice]
    model = frozen()
    plane = random_plane(model, parameters=asked)
    assert list(plane.first) == list(plane.second) == moved
    for name, array in plane.first.items():  # a choice changes no draw
        if name != "1.bias":
            every = random_plane(model, parameters="all")
            np.testing.assert_equal(array, every.first[name])
        else:
            length = np.linalg.norm(model[1].bias.detach().numpy())
            assert np.linalg.norm(array) == pytest.approx(length, rel=1e-5)


@pytest.mark.parametrize("asked", ["3", "3.weight", "3.*"])
def test_a_choice_is_named_as_in_the_bare_network(asked: str) -> None:
    outer = nn.DataParallel(plain())
    assert list(random_plane(outer, parameters=asked).first) == ["module.3.weight"]
    plane = named_plane(outer, "3.weight[0,1]", "module.3.bias[1]")
    assert [*plane.first, *plane.second] == ["module.3.weight", "module.3.bias"]


def test_what_stays_because_it_is_frozen_is_counted() -> None:
    assert random_plane(frozen()).facts == {"frozen": 48}
    assert random_plane(frozen(), parameters="all").facts == {}
    assert random_plane(frozen().requires_grad_(requires_grad=False)).facts == {}
    assert random_plane(plain()).facts == {}
    found = surface(frozen(), data(), points=5)
    assert found.facts == {"frozen": 48}


@pytest.mark.parametrize("asked", ["fc", "3", "*.bias", ["1", "head"], []])
def test_a_choice_of_nothing_is_refused(asked: Any) -> None:
    with pytest.raises(BadSetting, match="parameters"):
        random_plane(frozen(), parameters=asked)


def test_a_network_of_trainable_biases_is_asked_what_moves() -> None:
    model = plain().requires_grad_(requires_grad=False)
    model[0].bias.requires_grad_(requires_grad=True)
    with pytest.raises(BadModel, match=r"biases or norms alone.*Name what moves"):
        random_plane(model)
    assert list(random_plane(model, parameters="0.bias").first) == ["0.bias"]
