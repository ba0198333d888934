"""`normlab recalibrate`, through the real program: what it writes, what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from normlab.base.streams import seeded
from normlab.cli import main
from normlab.data.load import load
from normlab.spec.data import Data
from tests.study.cases import write_data

NET = """
from torch import nn

def make():
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.BatchNorm1d(8))
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_data(tmp_path)
    Path("net.py").write_text(NET)
    with seeded(0, "init"):
        net = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.BatchNorm1d(8))
    save_file(net.state_dict(), "in.safetensors")
    return tmp_path


def run(*words: str) -> int:
    return main(["recalibrate", "net.py:make", "--data", "data.npz", *words])


@pytest.mark.parametrize("more", [(), ("--layerwise",), ("--batch-size", "7")])
def test_it_writes_the_statistics_of_the_training_images(
    place: Path, more: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--weights", "in.safetensors", "-o", "out.safetensors", *more) == 0
    old, new = load_file("in.safetensors"), load_file("out.safetensors")
    dataset = load(Data(source="data.npz"))
    pixels = dataset.train.images.reshape(len(dataset.train), -1).astype(np.float64)
    largest = 255.0 if dataset.train.images.dtype == np.uint8 else 1.0
    x = (pixels / largest - dataset.mean[0]) / dataset.std[0]
    rows = x @ old["1.weight"].double().numpy().T + old["1.bias"].numpy()
    np.testing.assert_allclose(new["2.running_mean"], rows.mean(0), rtol=0, atol=1e-5)
    np.testing.assert_allclose(new["2.running_var"], rows.var(0, ddof=1), rtol=1e-5)
    for name in ("1.weight", "1.bias", "2.weight", "2.bias"):
        assert torch.equal(old[name], new[name])
    said = capsys.readouterr().out
    assert "recalibrate: 1 done, 0 left" in said
    assert "written to out.safetensors" in said


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--weights", "no.pt", "-o", "out.safetensors"), "no.pt"),
        (("--weights", "in.safetensors", "-o", "in.safetensors"), "exists already"),
        (("--weights", "in.safetensors", "-o", "net.py"), "is no .safetensors file"),
        (
            ("--weights", "in.safetensors", "-o", "a.safetensors", "--batches", "0"),
            "batches=0 must be at least 1",
        ),
        (("--weights", "in.safetensors"), "-o"),
    ],
)
def test_bad_input_ends_in_one_line_and_nothing_written(
    place: Path,
    words: tuple[str, ...],
    text: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = sorted(place.iterdir())
    assert run(*words) == 2
    err = capsys.readouterr().err
    assert text in err and len(err.strip().splitlines()) == 1
    assert [p for p in sorted(place.iterdir()) if p.name != "__pycache__"] == before
