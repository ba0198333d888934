"""A loss or an optimizer given from Python is tried before anything is trained."""

from __future__ import annotations

import random
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from normlab.data.batches import BatchStream
from normlab.data.load import load
from normlab.errors import BadSetting
from normlab.study import api
from normlab.study.prepare import PythonParts, prepare
from normlab.study.source import source_of
from normlab.study.trial import Trial
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
    trial = Trial(
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
