from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn

from normlab.base.packing import Packed
from normlab.base.streams import stream
from normlab.errors import BadFolder, RunFailed
from normlab.train.checkpoint import (
    Checkpoint,
    epochs_saved,
    load,
    network,
    network_lacks,
    save,
    save_network,
)


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


def _kept(folder: Path) -> Path:
    """A checkpoint with something of everything."""
    return save(
        Checkpoint(
            epoch=7,
            model={"w": torch.ones(2, 3), "c": torch.ones(2, dtype=torch.complex128)},
            descent={"v": torch.zeros(3, dtype=torch.bfloat16)},
            scalars={"rate": 0.1, "groups": [{"betas": [0.9, float("nan")]}]},
            observed={"path": {"seen": torch.ones(1)}},
            outside=Packed({"mean": {"tensor": "mean"}}, {"mean": torch.ones(1)}),
        ),
        folder,
    )


def _about(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Rewrite the JSON beside the tensors, with all lengths right."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    about = json.loads(header["__metadata__"]["normlab"])
    changed = change(about)
    header["__metadata__"]["normlab"] = (
        changed if isinstance(changed, str) else json.dumps(changed)
    )
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])


KEYS = ("run", "epoch", "scalars", "observers", "outside", "complex")
CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    **{
        f"no {key}": partial(
            lambda left, about: {k: v for k, v in about.items() if k != left}, key
        )
        for key in KEYS
    },
    **{
        f"{key} is 3": partial(lambda key, about: {**about, key: 3}, key)
        for key in KEYS
    },
    "a list": lambda about: [about],
    "nothing": lambda about: "null",
    "no JSON": lambda about: "",
    "deep": lambda about: "[" * 100_000,
    "long number": lambda about: "9" * 5_000,
}


@pytest.mark.parametrize("change", CHANGES)
def test_none_is_taken_that_says_something_else(change: str, tmp_path: Path) -> None:
    _about(_kept(tmp_path), CHANGES[change])
    with pytest.raises(BadFolder, match="cannot be read as a checkpoint") as refused:
        load(tmp_path, 7)
    assert "\n" not in str(refused.value)


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_none_is_taken_of_which_a_bit_has_flipped(place: float, bit: int) -> None:
    with TemporaryDirectory() as name:
        path = _kept(Path(name))
        content = bytearray(path.read_bytes())
        content[int(place * len(content))] ^= 1 << bit
        path.write_bytes(content)
        with pytest.raises(BadFolder):
            load(Path(name), 7)


def test_none_is_taken_of_another_run(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "epoch-7.safetensors").write_bytes(
        _kept(tmp_path / "one").read_bytes()
    )
    load(tmp_path / "one", 7)
    with pytest.raises(BadFolder, match="another run"):
        load(tmp_path / "other", 7)


@pytest.mark.parametrize(
    "name", ["epoch-²", "epoch-٣", f"epoch-{'9' * 30}", "epoch--1"]
)
def test_only_its_own_names_are_checkpoints(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.safetensors").touch()
    assert epochs_saved(tmp_path) == []


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\xff" * 99, b"\2" + bytes(7) + b"[]"]
)
def test_what_is_no_network_is_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "network.safetensors"
    path.write_bytes(content)
    for read in (network, network_lacks):
        with pytest.raises(RunFailed, match="cannot be read as a network") as refused:
            read(path)
        assert "\n" not in str(refused.value)
