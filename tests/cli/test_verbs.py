"""`normlab inspect`, `fold`, `convert`, `insert`: what they say, write and refuse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import normlab
from normlab.base.streams import seeded
from normlab.cli import main
from normlab.errors import BadData, BadModel

NET = """
from torch import nn

def make(classes):
    conv = nn.Conv2d(3, 8, 3, bias=False)
    return nn.Sequential(
        conv, nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(8 * 16, classes)
    )
"""
X = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(3))


def make() -> nn.Module:
    found: dict[str, Callable[[int], nn.Module]] = {}
    exec(NET, found)
    return found["make"](10)


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(NET)
    with seeded(1, "cli verbs"):
        net = make()
        for tensor in (*net[1].parameters(), *net[1].buffers()):  # type: ignore[index]
            if tensor.is_floating_point():
                tensor.data.uniform_(0.5, 2)
    save_file(net.state_dict(), "in.safetensors")
    return net.eval()


def run(verb: str, *words: str) -> int:
    given = ["--weights", "in.safetensors", "--example", "2,3,8,8", *words]
    return main([verb, "net.py:make", *given])


def again(path: str = "out.safetensors") -> nn.Module:
    with seeded(2, "another start"):
        return normlab.load_converted(path, make).eval()


def by_hand(net: nn.Module, norm: nn.Module) -> Tensor:
    """The first two layers of the network, with another norm."""
    norm.load_state_dict(net.get_submodule("1").state_dict(), strict=False)
    with torch.no_grad():
        return norm.eval()(net.get_submodule("0")(X))


def test_a_folded_network_is_loaded_and_computes_the_same(
    net: nn.Module, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("fold", "-o", "out.safetensors") == 0
    said = capsys.readouterr().out
    assert "1 folded into 0" in said
    assert 'normlab.load_converted("out.safetensors", make) reads it' in said
    assert "ms before" in said
    lean = again()
    assert "BatchNorm" not in repr(lean)
    with torch.no_grad():
        torch.testing.assert_close(lean(X), net(X), rtol=1e-5, atol=1e-5)


def test_a_converted_network_has_the_norm_with_its_options(net: nn.Module) -> None:
    assert run("convert", "--to", "group(groups=4)", "-o", "out.safetensors") == 0
    norm = again().get_submodule("1")
    assert isinstance(norm, nn.GroupNorm) and norm.num_groups == 4
    with torch.no_grad():
        ours = norm(net.get_submodule("0")(X))
    assert torch.equal(ours, by_hand(net, nn.GroupNorm(4, 8)))


def test_norms_go_where_they_are_asked_for(net: nn.Module) -> None:
    assert run("insert", "--to", "layer", "--where", "3", "-o", "out.safetensors") == 0
    new = again()
    assert isinstance(new.get_submodule("3.normlab_norm"), nn.GroupNorm)
    assert {*net.state_dict()} <= {*load_file("out.safetensors")}


def test_inspect_tells_of_norms_and_places(
    net: nn.Module, capsys: pytest.CaptureFixture[str]
) -> None:
    del net
    assert run("inspect") == 0
    said = capsys.readouterr().out
    assert "norm 1: BatchNorm2d of 8 features along axis 1" in said
    assert "place behind 3: norm(8, dims=2), relu in '4'" in said


REFUSED = [
    (
        ("convert", "--to", "grup", "-o", "a.safetensors"),
        "--to=grup is no norm. Known: none, batch",
    ),
    (("convert", "--to", "batch,group", "-o", "a.safetensors"), "--to=batch,group"),
    (
        ("convert", "--to", "batch(),group", "-o", "a.safetensors"),
        "--to=batch(),group",
    ),
    (
        ("convert", "--to", "group(groups=x)", "-o", "a.safetensors"),
        "--to=group(groups=x): groups=x must be a whole number",
    ),
    (
        ("convert", "--to", "group(", "-o", "a.safetensors"),
        "--to=group(: must be written NORM(key=value,...)",
    ),
    (
        ("fold", "--model-option", "x", "-o", "a.safetensors"),
        "--model-option x: write it as KEY=VALUE",
    ),
    (
        ("fold", "--model-option", "wide=3", "-o", "a.safetensors"),
        "has no parameter 'wide'",
    ),
    (("fold", "-o", "a.pt"), "a.pt"),
    (("fold", "-o", "in.safetensors"), "exists already"),
    (("insert", "--to", "batch", "--where", "9", "-o", "a.safetensors"), "no place"),
]


@pytest.mark.parametrize(("words", "text"), REFUSED)
def test_bad_input_ends_in_one_line_and_writes_nothing(
    net: nn.Module,
    words: tuple[str, ...],
    text: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del net
    before = {path.name for path in Path().iterdir()}
    assert run(*words) == 2
    said = capsys.readouterr().err
    assert text in said and said.count("\n") == 1
    assert {path.name for path in Path().iterdir()} == before


BARE = """
from torch import nn

def make(wide, norm_layer=None):
    return nn.Sequential(nn.Conv2d(3, wide, 3), nn.ReLU(), nn.Flatten())

class Answers(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm2d(3)

    def forward(self, x):
        return {"out": self.bn(x), "more": (x,)}
"""


@pytest.mark.parametrize("verb", [("fold",), ("convert", "--to", "group")])
def test_a_verb_that_changed_nothing_writes_nothing(
    net: nn.Module, verb: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    del net
    Path("bare.py").write_text(BARE)
    words = ("--model-option", "wide=4", "--example", "2,3,8,8", "-o", "a.safetensors")
    assert main([verb[0], "bare.py:make", *verb[1:], *words]) == 2
    said = capsys.readouterr().err
    assert f"{verb[0]} changed nothing, so nothing is written, for it has no" in said
    assert said.count("\n") == 1 and not Path("a.safetensors").exists()


def test_a_norm_that_stays_is_named_when_nothing_is_written(
    net: nn.Module, capsys: pytest.CaptureFixture[str]
) -> None:
    del net
    Path("bare.py").write_text(BARE)
    words = ("--example", "2,3,8,8", "-o", "a.safetensors")
    assert main(["fold", "bare.py:Answers", *words]) == 2
    said = capsys.readouterr().err
    assert "nothing is written: 'bn' stays, " in said
    assert not Path("a.safetensors").exists()


def test_inspect_names_what_a_network_answers(
    net: nn.Module, capsys: pytest.CaptureFixture[str]
) -> None:
    del net
    Path("bare.py").write_text(BARE)
    assert main(["inspect", "bare.py:Answers", "--example", "2,3,8,8"]) == 0
    said = capsys.readouterr().out
    assert "answers: out (2, 3, 8, 8), more.0 (2, 3, 8, 8)" in said


@pytest.mark.parametrize("example", ["2", "2,x,8", "2,3,0,8", ""])
def test_a_shape_that_is_none_is_refused(
    net: nn.Module, example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    del net
    assert main(["inspect", "net.py:make", "--example", example]) == 2
    assert f"--example={example} is no shape" in capsys.readouterr().err


def test_a_file_of_another_network_or_without_a_verb_is_refused(net: nn.Module) -> None:
    del net
    with pytest.raises(BadData, match="tells of no verb that made it"):
        again("in.safetensors")
    with pytest.raises(BadData, match=r"nowhere\.safetensors"):
        again("nowhere.safetensors")
    assert run("fold", "-o", "out.safetensors") == 0
    with (
        seeded("another network"),
        pytest.raises(BadModel, match="its fold does not fit this network"),
    ):
        normlab.load_converted("out.safetensors", nn.Linear(3, 3))


@pytest.mark.parametrize(
    "told",
    [
        '{"edits": [1]}',
        '{"edits": [{"verb": "system", "options": {}, "edits": []}]}',
        '{"edits": [{"verb": "fold", "options": {}, "edits": [["1"]]}]}',
        '{"edits": [{"verb": "fold", "options": {"a": "b"}, "edits": []}]}',
        '{"edits": [{"verb": "convert", "options": {}, "edits": [3]}]}',
    ],
)
def test_what_a_strange_file_says_of_verbs_is_checked(
    net: nn.Module, told: str
) -> None:
    save_file(net.state_dict(), "odd.safetensors", metadata={"normlab": told})
    with pytest.raises(BadData, match="what it says of verbs is not understood"):
        again("odd.safetensors")
