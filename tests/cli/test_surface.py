"""`normlab surface`, through the real program: what it writes, and what it refuses."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import normlab
from normlab.base.streams import seeded
from normlab.cli import main
from normlab.data.load import load
from normlab.landscape.monitor import SurfaceProgress
from normlab.spec.data import Data
from normlab.terminal.measuring import Measuring
from tests.study.cases import write_data

NETS = """
from torch import nn

def layers(norm):
    return nn.Sequential(
        nn.Flatten(), nn.Linear(36, 8), norm, nn.ReLU(), nn.Linear(8, 2)
    )

def make():
    return layers(nn.BatchNorm1d(8))

def around(norm):
    return layers(norm(8))

def fitting(shape, classes, width=8):
    return layers(nn.BatchNorm1d(width))

def broken():
    raise RuntimeError("no such thing")
"""
QUICK = ("--points", "5", "--examples", "64", "--batch-size", "32")


def network(seed: int) -> nn.Module:
    with seeded(seed, "init"):
        return nn.Sequential(
            nn.Flatten(),
            nn.Linear(36, 8),
            nn.BatchNorm1d(8),
            nn.ReLU(),
            nn.Linear(8, 2),
        )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model file, data and weights, where the command is given."""
    monkeypatch.chdir(tmp_path)
    write_data(tmp_path)
    (tmp_path / "net.py").write_text(NETS)
    for seed in range(3):
        state = network(seed).state_dict()
        torch.save(state, tmp_path / f"step-{10 * seed}.pt")
    save_file(network(0).state_dict(), tmp_path / "network.safetensors")
    torch.save({"epoch": 1, "state_dict": network(0).state_dict()}, "whole.pth")
    wrapped = {f"module.{n}": t for n, t in network(0).state_dict().items()}
    torch.save(wrapped, tmp_path / "wrapped.pt")
    return tmp_path


def run(*words: str) -> int:
    return main(["surface", *words, "--data", "data.npz", *QUICK])


@pytest.mark.parametrize(
    "weights", ["step-0.pt", "network.safetensors", "whole.pth", "wrapped.pt"]
)
@pytest.mark.parametrize("factory", ["make", "around", "fitting"])
def test_it_measures_what_python_measures(
    place: Path, weights: str, factory: str
) -> None:
    code = run(f"net.py:{factory}", "--weights", weights, "-o", "plane.npz")
    assert code == 0
    found = normlab.load_surface("plane.npz")
    dataset = load(Data(source=str(place / "data.npz")))
    expected = normlab.surface(
        network(0), dataset, points=5, examples=64, batch_size=32
    )
    np.testing.assert_array_equal(found.loss, expected.loss)
    np.testing.assert_equal(found.directions, expected.directions)
    assert found.plane == "random" and found.evaluation == "batch(32)"


PLANES = {
    "line": (["--plane", "step-0.pt", "step-10.pt"], "line"),
    "path": (["--plane", "path", "step-0.pt", "step-10.pt", "step-20.pt"], "path"),
    "files alone": (["--plane", *(f"step-{n}.pt" for n in (0, 10, 20))], "path"),
    "files again": (["--plane", "step-0.pt", "--plane", "step-10.pt"], "line"),
    "files first": (["step-0.pt", "step-10.pt", "--plane", "path"], "line"),
}


@pytest.mark.parametrize("words", PLANES)
def test_checkpoints_span_the_plane(
    place: Path, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given, kind = PLANES[words]
    assert run("net.py:make", *given, "--statistics", "full", "-o", "plane.npz") == 0
    found = normlab.load_surface("plane.npz")
    assert found.plane == kind and found.statistics == "full"
    names = [mark.name for mark in found.marks]
    steps = ["step 0", "step 10", "step 20"]
    assert names == (steps if kind == "path" else ["step-0", "step-10"])
    assert all(mark.true_loss is not None for mark in found.marks)
    said = capsys.readouterr().out
    last = "step-20.pt" if kind == "path" else "step-10.pt"
    assert f"weights: {last}" in said
    assert "really, 0 off the" in said


def test_a_page_opens_offline(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("net.py:make", "--weights", "step-0.pt") == 0
    page = (place / "surface.html").read_text()
    assert "net.py:make" in page and "<script" in page
    assert not re.search(r"<(script|link|img)\b[^>]*http", page)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "executing net.py (function make)"
    assert said[-1] == "written to surface.html"
    assert any("batch(32) statistics, mean over 64 examples" in line for line in said)
    assert sorted(p.name for p in place.iterdir() if p.name.startswith(".")) == []


@pytest.mark.browser
def test_a_picture_is_drawn(place: Path) -> None:
    assert run("net.py:make", "--weights", "step-0.pt", "-o", "plane.svg") == 0
    drawn = (place / "plane.svg").read_text()
    assert drawn.startswith("<svg") and "net.py:make" in drawn


def test_without_weights_it_says_so(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("net.py:make", "--seed", "2", "-o", "plane.npz") == 0
    assert "weights: as the network starts" in capsys.readouterr().out
    dataset = load(Data(source=str(place / "data.npz")))
    found = normlab.load_surface("plane.npz")
    expected = normlab.surface(
        network(2), dataset, points=5, examples=64, batch_size=32, seed=2
    )
    np.testing.assert_array_equal(found.loss, expected.loss)


def test_the_norm_is_ones_own_choice(place: Path) -> None:
    assert run("net.py:around", "--norm", "layer", "-o", "plane.npz") == 0
    assert "2.running_mean" not in str(normlab.load_surface("plane.npz").directions)
    assert run("mlp", "--norm", "none", "-o", "mlp.npz") == 0
    assert "fc1.weight" in normlab.load_surface("mlp.npz").directions[0]


def test_a_file_is_replaced_only_if_it_may(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "plane.npz").write_text("mine")
    assert run("net.py:make", "-o", "plane.npz") == 2
    assert "exists already. Choose another name" in capsys.readouterr().err
    assert (place / "plane.npz").read_text() == "mine"
    assert run("net.py:make", "-o", "plane.npz", "--force") == 0
    assert normlab.load_surface("plane.npz").plane == "random"


def linked(place: Path) -> list[str]:
    (place / "mine.txt").write_text("mine")
    (place / "link.npz").symlink_to("mine.txt")
    return ["-o", "link.npz", "--force"]


def dangling(place: Path) -> list[str]:
    (place / "link.html").symlink_to("nowhere.html")
    return ["-o", "link.html"]


def piped(place: Path) -> list[str]:
    os.mkfifo(place / "pipe.npz")
    return ["-o", "pipe.npz", "--force"]


def made(name: str, content: object) -> Callable[[Path], list[str]]:
    def words(place: Path) -> list[str]:
        torch.save(content, place / name)
        return ["--weights", name]

    return words


def damaged(place: Path) -> list[str]:
    (place / "half.pt").write_bytes((place / "step-0.pt").read_bytes()[:300])
    return ["--weights", "half.pt"]


def empty(place: Path) -> list[str]:
    (place / "empty.safetensors").write_bytes(b"")
    return ["--weights", "empty.safetensors"]


STATE = network(0).state_dict()
REFUSED: dict[str, tuple[str, Callable[[Path], list[str]] | list[str], str]] = {
    "another ending": ("make", ["-o", "a.gif"], "written as .html, .svg, .png, .pdf"),
    "no ending": ("make", ["-o", "a"], "Choose one of these endings"),
    "no folder": ("make", ["-o", "no/a.npz"], "no is no folder. Make it"),
    "a folder": ("make", lambda p: ["-o", str(p)], "a surface is written as"),
    "a link": ("make", linked, "link.npz is no plain file"),
    "a dangling link": ("make", dangling, "link.html is no plain file"),
    "a pipe": ("make", piped, "pipe.npz is no plain file"),
    "no weights there": (
        "make",
        ["--weights", "no.pt"],
        "no.pt: there is no such file",
    ),
    "weights of no kind": ("make", ["--weights", "net.py"], "is of no known kind"),
    "damaged weights": ("make", damaged, "cannot be read as weights alone"),
    "an empty file": ("make", empty, "cannot be read as weights alone"),
    "a pickled module": (
        "make",
        made("module.pt", network(0)),
        "cannot be read as weights alone",
    ),
    "no state_dict": ("make", made("odd.pt", {"epoch": 3}), "holds an int at 'epoch'"),
    "a list": ("make", made("list.pt", [1, 2]), "a list is no network"),
    "too few weights": (
        "make",
        made("few.pt", {n: STATE[n] for n in list(STATE)[:2]}),
        "few.pt does not fit the network: it lacks '2.weight', '2.bias' and 5 more",
    ),
    "further weights": (
        "make",
        made("more.pt", {**STATE, "9.weight": STATE["1.weight"]}),
        "the network has no '9.weight'",
    ),
    "weights of another shape": (
        "make",
        made("shape.pt", {**STATE, "4.bias": torch.zeros(3)}),
        "'4.bias' has the shape (3,), the network's is (2,)",
    ),
    "no such function": ("nothing", [], "defines no 'nothing'"),
    "a function that fails": ("broken", [], "failed with RuntimeError: no such thing"),
    "a norm for nothing": ("make", ["--norm", "layer"], "make takes no norm"),
    "an unknown norm": ("around", ["--norm", "bach"], "bach"),
    "two norms": ("around", ["--norm", "none,batch"], "names 2 norms. Name one"),
    "unknown statistics": ("make", ["--statistics", "mean"], "'mean' is unknown"),
    "even points": ("make", ["--points", "4"], "points=4 is even"),
    "points in words": ("make", ["--points", "many"], "Invalid value for '--points'"),
    "too many examples": ("make", ["--examples", "1000"], "has 100 examples"),
    "a path of one": ("make", ["--plane", "step-0.pt"], "needs checkpoints in time"),
    "a path of none": ("make", ["--plane", "path"], "needs checkpoints in time"),
    "files at random": ("make", ["--plane", "random", "step-0.pt"], "no files"),
    "a file twice": (
        "make",
        ["--plane", "step-0.pt", "step-0.pt"],
        "step-0.pt is given twice",
    ),
    "no checkpoint there": ("make", ["--plane", "a.pt", "b.pt"], "a.pt: there is no"),
    "an option twice": ("make", ["--seed", "1", "--seed", "2"], "given twice"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_ends_in_one_line_and_nothing_written(
    place: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    factory, words, text = REFUSED[case]
    given = words(place) if callable(words) else words
    before = _seen(place)
    quick = () if {"--points", "--examples"} & {*given} else QUICK
    words_of = ["surface", f"net.py:{factory}", "--data", "data.npz", *quick, *given]
    assert main(words_of) == 2
    err = capsys.readouterr().err
    assert text in err and len(err.splitlines()) == 1
    assert _seen(place) == before


def _seen(place: Path) -> dict[str, int]:
    """Every file with when it was written; Python keeps what it compiled."""
    return {
        file.name: file.lstat().st_mtime_ns
        for file in place.iterdir()
        if file.name != "__pycache__"
    }


def test_bad_data_is_refused_as_by_run(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["surface", "net.py:make", "--data", "mnits"]) == 2
    assert "Did you mean mnist?" in capsys.readouterr().err
    assert not (place / "surface.html").exists()


def test_long_measurements_say_how_much_is_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("normlab.terminal.measuring.perf_counter", lambda: now[0])
    told = Measuring()
    for now[0] in (0.5, 1.9):
        told(SurfaceProgress(computed=1, planned=100, seconds_left=9))
    told.ended()
    assert capsys.readouterr().err == ""
    for now[0] in (2.1, 5.0, 12.2):
        told(SurfaceProgress(computed=1_200, planned=2_401, seconds_left=83))
    told.ended()
    line = "1,200 of 2,401 points, 1:23 left\n"
    assert capsys.readouterr().err == 2 * line
