"""A loss or an optimizer given from Python is tried before anything is trained."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from normlab.base.slots import NormMaker
from normlab.base.streams import stream
from normlab.data.batches import BatchStream
from normlab.data.load import load
from normlab.errors import BadModel, BadSetting
from normlab.study import api
from normlab.study.prepare import PythonParts, prepare
from normlab.study.source import source_of
from normlab.study.trial import TrainingTrial, refuse_sum
from normlab.study.twins import build_twin
from tests.study.cases import spec_of, write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


LOCK = Lock()

LOSSES: dict[str, Any] = {
    r"the function failed with TypeError: .*takes 1": lambda logits: logits.mean(),
    r"the function returned a float\.": lambda logits, _: logits.mean().item(),
    r"a tensor of shape \(16,\), not one number": lambda logits, _: logits.mean(1),
    r"without a gradient": lambda logits, y: cross_entropy(logits, y).detach(),
    r"it cannot be sent to a worker": lambda *both, lock=LOCK: cross_entropy(*both),
}
OPTIMIZERS: dict[str, Any] = {
    r"the factory failed with TypeError: .*\'lr\'": lambda parameters: None,
    r"the factory made a NoneType\.": lambda parameters, lr: None,
    r"a step of LBFGS failed with TypeError": torch.optim.LBFGS,
}


@pytest.mark.parametrize("text", LOSSES)
def test_a_loss_that_cannot_be_used_is_refused(
    text: str, data: Path, tmp_path: Path
) -> None:
    python = PythonParts(loss=LOSSES[text])
    with pytest.raises(BadSetting, match=rf"^loss: .*{text}.* Give [^\n]*$"):
        api.run(spec_of(data), tmp_path / "study", python=python)
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("text", OPTIMIZERS)
def test_an_optimizer_that_cannot_be_used_is_refused(text: str, data: Path) -> None:
    python = PythonParts(optimizer=OPTIMIZERS[text])
    spec = spec_of(data, "recipe.optimizer=python")
    with pytest.raises(BadSetting, match=rf"^optimizer: .*{text}.* (Give|Use) [^\n]*$"):
        prepare(spec, root=Path(), python=python)


class Scores(nn.Module):
    """A small network around which something goes wrong."""

    way: Callable[[Scores, Tensor], Any]

    def __init__(self, norm: NormMaker) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(36, 8), norm(8), nn.ReLU(), nn.Linear(8, 2)
        )

    def forward(self, x: Tensor) -> Any:
        return type(self).way(self, x)


def net(way: Callable[[Any, Tensor], Any]) -> Callable[[NormMaker], nn.Module]:
    return type("Net", (Scores,), {"way": staticmethod(way)})


def silent(net: nn.Module, x: Tensor) -> Tensor:
    if not net.training:
        raise AssertionError
    return net.layers(x)


def in_place(net: nn.Module, x: Tensor) -> Tensor:
    return net.layers(x).sigmoid().mul_(2)


def from_double(norm: NormMaker) -> nn.Module:
    torch.set_default_dtype(torch.float64)
    return net(lambda net, x: net.layers(x))(norm)


def draws_for_itself(norm: NormMaker) -> nn.Module:
    model = net(lambda net, x: net.layers(x))(norm)
    random_start = np.random.default_rng().normal(size=(8, 36)).astype("f4")
    model.layers[1].weight.data = torch.from_numpy(random_start)
    return model


NETWORKS: dict[str, Callable[[NormMaker], nn.Module]] = {
    r"no gradient reaches a parameter": net(lambda n, x: n.layers(x).detach()),
    r"no gradient reaches a parameter of the": net(
        lambda n, x: torch.from_numpy(n.layers(x).detach().numpy())
    ),
    r"the gradient of the loss cannot be computed: RuntimeError": net(in_place),
    r"in training mode .* batch of shape \(4, 1, 6, 6\): RuntimeError: shape": net(
        lambda n, x: n.layers(x.reshape(16, 36))
    ),
    r"in eval mode .* of shape \(17, .*AssertionError without a .*\(test_trial": net(
        silent
    ),
    r"has shape \(1, 2\) where \(17, 2\).* in eval mode": net(
        lambda n, x: n.layers(x) if n.training else n.layers(x)[:1]
    ),
    r"in training mode .* Float and Double": from_double,
    r"model: it cannot be sent to a worker: .*TypeError": (
        lambda norm, lock=LOCK: nn.Linear(1, 1) if lock else nn.Identity()
    ),
    r"the factory makes another network each time": draws_for_itself,
}


@pytest.mark.parametrize("text", NETWORKS)
def test_a_network_that_training_would_break_on_is_refused_at_once(
    text: str, data: Path, tmp_path: Path
) -> None:
    settings = torch.get_default_dtype(), torch.is_grad_enabled()
    spec = spec_of(data, "model.name=python")
    with pytest.raises(BadModel, match=text) as refused:
        api.run(spec, tmp_path / "s", python=PythonParts(model=NETWORKS[text]))
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "s").exists()
    assert settings == (torch.get_default_dtype(), torch.is_grad_enabled())


def test_a_network_is_tried_on_the_data_and_not_on_noise(tmp_path: Path) -> None:
    class Looked(nn.Module):
        def __init__(self, norm: NormMaker) -> None:
            super().__init__()
            self.words, self.norm = nn.Embedding(5, 8), norm(8)
            self.last = nn.Linear(8, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(self.norm(self.words(x[:, 0].long())))

    words = np.arange(60).reshape(-1, 1) % 5
    spec = spec_of(Path("python"), "data.mean=0", "data.std=1", "model.name=python")
    data = words.astype("f4"), words[:, 0] % 2
    prepared = prepare(spec, root=Path(), python=PythonParts(data=data, model=Looked))
    assert "words.weight" in prepared.variants[()].shared


def one_hot(y: Tensor) -> Tensor:
    return nn.functional.one_hot(y, 2).float()


MEANS: list[Callable[[Tensor, Tensor], Tensor]] = [
    cross_entropy,
    nn.CrossEntropyLoss(label_smoothing=0.1),
    lambda s, y: cross_entropy(s, y, s.new_tensor([1.0, 3.0])),
    lambda s, y: nn.functional.multi_margin_loss(s.float(), y),
    lambda s, y: ((s - one_hot(y)) ** 2).mean(),
    lambda s, y: cross_entropy(s, y) + 100,
    lambda s, y: cross_entropy(s, y) * torch.rand(()),
    lambda s, y: cross_entropy(s.bfloat16(), y),
    lambda s, y: cross_entropy(s, y) * torch.nan,
]
NO_MEANS: list[Callable[[Tensor, Tensor], Tensor]] = [
    nn.CrossEntropyLoss(reduction="sum"),
    lambda s, y: cross_entropy(s, y) * len(y) / 64,
    lambda s, y: ((s - one_hot(y)) ** 2).sum(),
    lambda s, y: (s**2).sum().sqrt(),
    lambda s, y: cross_entropy(s, y) / len(y),
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_loss_must_be_a_mean_over_examples(dtype: torch.dtype) -> None:
    scores = torch.randn(24, 2, generator=stream("test trial")).to(dtype)
    labels = torch.arange(24) % 2
    for loss in MEANS:
        refuse_sum(scores, labels, loss)
    for loss in NO_MEANS:
        with pytest.raises(BadSetting, match=r"^loss: it (grows with|is no mean)"):
            refuse_sum(scores, labels, loss)


def test_a_loss_that_sums_is_refused_before_training(data: Path) -> None:
    python = PythonParts(loss=nn.CrossEntropyLoss(reduction="sum"))
    with pytest.raises(BadSetting, match=r"grows with .* Use reduction='mean'\.$"):
        prepare(spec_of(data), root=Path(), python=python)


def generators() -> list[bytes]:
    """Where the default generators stand."""
    drawn = np.random.get_state()  # noqa: NPY002
    return [
        torch.get_rng_state().numpy().tobytes(),
        *(repr(state).encode() for state in (random.getstate(), drawn)),
    ]


class Noisy:
    """A loss that draws from every default generator."""

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        noise = torch.rand(()) + random.random() + np.random.rand()  # noqa: NPY002
        return cross_entropy(logits, labels) * noise


def test_trying_moves_nothing(data: Path) -> None:
    spec = spec_of(data)
    dataset = load(spec.data, root=Path(), spare=0)
    model = build_twin(
        source_of(spec.model, root=Path()),
        spec.arms[1],
        spec.arms[0],
        seed=0,
        shape=dataset.shape,
        classes=len(dataset.classes),
    )
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    stood = generators()
    trial = TrainingTrial(
        dataset=dataset,
        recipe=spec.recipe,
        batches=BatchStream(len(dataset.train), batch_size=16, seed=0),
        device=torch.device("cpu"),
        loss=Noisy(),
        optimizer=torch.optim.Adam,
    )
    trial.of(model, "batch")
    assert all(before[n].equal(tensor) for n, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert generators() == stood
