from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from normlab.base.streams import stream
from normlab.errors import BadFolder
from normlab.train.checkpoint import Checkpoint, load, network, save, save_network


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "n.safetensors").mkdir()  # nothing can be written there
    with torch.random.fork_rng(), pytest.raises(BadFolder, match=r"n\.safetensors: c"):
        save_network(nn.Linear(1, 1), tmp_path / "n.safetensors")


@pytest.mark.parametrize(
    "kind",
    [torch.float64, torch.bfloat16, torch.float16, torch.complex64, torch.complex128],
    ids=str,
)
def test_tensors_of_every_type_come_back_to_the_bit(
    kind: torch.dtype, tmp_path: Path
) -> None:
    given = torch.randn(3, 2, dtype=torch.complex128, generator=stream("any type"))
    state = {"w": (given if kind.is_complex else given.real).to(kind)}
    save(Checkpoint(epoch=1, model=state, descent={}, scalars={}), tmp_path)
    model = nn.Module()
    model.w = nn.Parameter(state["w"])
    save_network(model, tmp_path / "network.safetensors")
    for found in (load(tmp_path, 1).model, network(tmp_path / "network.safetensors")):
        assert found["w"].dtype == kind and torch.equal(found["w"], state["w"])


def test_tied_weights_are_kept_and_come_back(tmp_path: Path) -> None:
    with torch.random.fork_rng():
        model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
        model[1].weight = model[0].weight
        state = dict(model.state_dict())
        save(Checkpoint(epoch=1, model=state, descent={}, scalars={}), tmp_path)
    found = load(tmp_path, 1).model
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)
    save_network(model, tmp_path / "network.safetensors")
    assert load_file(tmp_path / "network.safetensors").keys() == state.keys()


def test_so_is_a_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "epoch-1.safetensors").mkdir()
    state = Checkpoint(
        epoch=1, model={"w": torch.zeros(1)}, descent={}, scalars={}, observed={}
    )
    with pytest.raises(BadFolder, match=r"epoch-1\.safetensors: cannot be written"):
        save(state, tmp_path)


def test_a_network_is_no_checkpoint(tmp_path: Path) -> None:
    with torch.random.fork_rng():
        save_network(nn.Linear(1, 1), tmp_path / "epoch-1.safetensors")
    with pytest.raises(BadFolder, match="cannot be read as a checkpoint"):
        load(tmp_path, 1)
