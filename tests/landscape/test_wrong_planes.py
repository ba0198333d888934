"""Whatever is given for a plane is one, or refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from normlab.errors import NormlabError
from normlab.landscape.planes.common import common_plane
from normlab.landscape.planes.models import models_plane
from normlab.landscape.planes.named import named_plane
from normlab.landscape.planes.path import path_plane
from normlab.landscape.planes.plane import Plane
from normlab.landscape.planes.random import random_plane
from normlab.landscape.surface import surface

from .spanning import data, plain

NET = plain()
ONES = np.ones((8, 6), np.float32)
OTHER = ONES * np.arange(6, dtype=np.float32)
PAIR = "0.weight[0,0]", "3.bias[0]"


def plane_of(**changed: Any) -> Plane:
    given = {"first": {"0.weight": ONES}, "second": {"0.weight": OTHER}}
    return Plane(**{"kind": "random", **given, **changed})


WRONG: dict[str, Any] = {
    **{
        f"{part} of {array!r}": {part: {"0.weight": array}}
        for part in ("origin", "first", "second")
        for array in (None, "abc", Ellipsis, [[1], [2, 3]], ONES.astype(str))
    },
    **{
        f"{part} {value!r}"[:40]: {part: value}
        for part in ("origin", "first", "second", "real", "marks", "facts", "kind")
        for value in (3, None, ONES)
    },
    **{
        f"{part} {value!r}": {part: value}
        for part in ("across", "along")
        for value in (3, None, "ab", ("a", "b"), (1,), (1, 2, 3), (True, False), (2, 1))
    },
    "dates": {"first": {"0.weight": ONES.astype("datetime64[s]")}},
    "complex": {"first": {"0.weight": ONES * 1j}},
    "turned": {"first": {"0.weight": ONES.T}},
    "number for a name": {"first": {0: ONES}},
    "buffer": {"first": {"1.running_mean": np.ones(8)}},
    "without values": {"first": {"0.weight": torch.ones(8, 6, device="meta")}},
    "words for marks": {"marks": ("here",)},
    "number for a network": {"real": {"here": 3}},
    "not finite": {"origin": {"0.weight": ONES * np.nan}},
}


def refused(call: Callable[[], object]) -> None:
    with pytest.raises(NormlabError) as found:
        call()
    assert "\n" not in str(found.value) and len(str(found.value)) < 400


@pytest.mark.parametrize("name", WRONG)
def test_a_plane_with_a_wrong_part_is_one_line(name: str) -> None:
    refused(lambda: surface(NET, data(), plane=plane_of(**WRONG[name]), points=3))


@pytest.mark.parametrize(
    "change",
    [
        torch.tensor,
        lambda a: torch.tensor(a).requires_grad_(),
        lambda a: torch.tensor(a, dtype=torch.bfloat16),
        lambda a: torch.tensor(a).to_sparse(),
        np.ndarray.tolist,
        np.asfortranarray,
        lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
        lambda a: a.astype(">f8"),
        lambda a: a.astype(np.longdouble),
        lambda a: a.astype(np.float16),
        lambda a: a.astype(np.int16),
    ],
)
def test_arrays_of_any_kind_are_the_same_plane(change: Callable) -> None:
    first, second = ({"0.weight": change(array)} for array in (ONES, OTHER))
    plane = plane_of(first=first, second=second)
    found, same = (surface(NET, data(), plane=p, points=3) for p in (plane, plane_of()))
    assert (found.loss == same.loss).all()


PLANES: tuple[Any, ...] = (
    (NET, 3), (PAIR[0], NET), {"a": NET, "b": 3}, [NET], [NET] * 4, {}, (), b"random",
    {"random"}, np.array("random"), torch.ones(3), Path("a.pt"), "a.pt", (None, None),
    (Path("a"), Path("b")), (PAIR[0], ""), (PAIR[0], "a.pt"), (*PAIR, "x"), iter(PAIR),
    print, nn.Linear, ("random", "random"), "path", True, float("nan"), 3, None,
    ("0.weight[0 0]", PAIR[1]), ("0.weight[9999999999999999999999,0]", PAIR[1]),
    ("0.weight[-1,0]", PAIR[1]), ("0.weight[:,0]", PAIR[1]), ("[0]", PAIR[1]),
    ("0.weight[0,0", PAIR[1]), ("1.num_batches_tracked[]", PAIR[1]),
)  # fmt: skip


@pytest.mark.parametrize("plane", PLANES, ids=lambda plane: str(plane)[:30])
def test_what_is_no_plane_is_one_line(plane: Any) -> None:
    refused(lambda: surface(NET, data(), plane=plane, points=3))


MAKERS: dict[str, Callable[[Any], object]] = {
    "random": lambda given: random_plane(given),
    "random of parameters": lambda given: random_plane(NET, parameters=given),
    "path": lambda given: path_plane(given, range(3)),
    "path of steps": lambda given: path_plane([NET] * 3, given),
    "models": lambda given: models_plane(given),
    "models in a list": lambda given: models_plane([NET, given]),
    "named": lambda given: named_plane(NET, given, PAIR[1]),
    "way on named": lambda given: named_plane(NET, *PAIR, snapshots=given, steps=[0]),
    "common": lambda given: common_plane(NET, given),
    "common start": lambda given: common_plane(given, {"a": NET, "b": plain()}),
    "common end": lambda given: common_plane(NET, {"a": NET, "b": given}),
}


@pytest.mark.parametrize("given", [3, "x", b"x", object(), [3], {"a": 3}, iter([1])])
@pytest.mark.parametrize("maker", MAKERS)
def test_a_maker_refuses_what_is_none_of_its_kind(maker: str, given: Any) -> None:
    refused(lambda: MAKERS[maker](given))


# networks in files


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    nets = [plain() for _ in range(3)]
    paths = [tmp_path / name for name in ("a.pt", "b.pt", "c.safetensors")]
    torch.save(nets[0].state_dict(), paths[0])
    torch.save({"state_dict": nets[1].state_dict(), "epoch": 3}, paths[1])
    save_file(nets[2].state_dict(), paths[2])
    return paths


def loaded(path: Path) -> nn.Module:
    from safetensors.torch import load_file

    net = plain()
    state = load_file(path) if path.suffix == ".safetensors" else torch.load(path)
    net.load_state_dict(state.get("state_dict", state))
    return net


def test_a_network_of_a_plane_may_be_a_file(files: list[Path]) -> None:
    nets = [loaded(path) for path in files]
    as_given = {
        "line": ([str(files[0]), files[1]], nets[:2]),
        "plane": (files, nets),
        "by name": (dict(zip("xyz", files, strict=True)), nets),
        "one of two": ([nets[0], files[2]], [nets[0], nets[2]]),
    }
    for what, (given, expected) in as_given.items():
        found = surface(NET, data(), plane=given, points=3)
        same = surface(NET, data(), plane=expected, points=3)
        assert (found.loss == same.loss).all(), what
        true = [mark.true_loss for mark in found.marks]
        assert true == [mark.true_loss for mark in same.marks], what
    assert [mark.name for mark in models_plane(files).marks] == ["a", "b", "c"]
    path = path_plane(files, range(3), model=NET)
    assert (
        path.first["0.weight"] == path_plane(nets, range(3)).first["0.weight"]
    ).all()


def test_a_file_that_holds_no_weights_is_one_line(
    files: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "folder.pt").mkdir()
    (tmp_path / "text.pt").write_text("no weights")
    (tmp_path / "text.safetensors").write_text("no weights")
    for name, held in {
        "network.pt": nn.Linear(2, 2),
        "list.pt": [torch.ones(2)],
        "numbers.pt": {0: torch.ones(2)},
        "epoch.pt": {"epoch": 3},
        "other.pt": nn.Linear(2, 2).state_dict(),
    }.items():
        torch.save(held, tmp_path / name)
    for path in {*tmp_path.iterdir(), tmp_path / "none.pt"} - set(files):
        refused(
            lambda path=path: surface(NET, data(), plane=[files[0], path], points=3)
        )
