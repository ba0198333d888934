"""Damaged data, unfit networks and taken folders, through the real program.

Each ends in one clear line on standard error, exit code 2, and nothing written.
"""

from __future__ import annotations

import gzip
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from normlab.cli import main
from tests.study.cases import write_data


def idx(folder: Path, **changes: bytes) -> Path:
    """A folder of four small IDX files; `changes` replaces the content of some."""
    images = struct.pack(">IIII", 0x803, 10, 4, 4) + bytes(range(160))
    labels = struct.pack(">II", 0x801, 10) + bytes([0, 1] * 5)
    names = {
        "train_images": "train-images-idx3-ubyte",
        "train_labels": "train-labels-idx1-ubyte",
        "test_images": "t10k-images-idx3-ubyte",
        "test_labels": "t10k-labels-idx1-ubyte",
    }
    folder.mkdir()
    for key, name in names.items():
        content = changes.get(key, images if "images" in key else labels)
        suffix = ".gz" if content[:2] == b"\x1f\x8b" else ""
        (folder / f"{name}{suffix}").write_bytes(content)
    return folder


def picture(path: Path, side: int = 6) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (side, side), 120).save(path)


def model(folder: Path, text: str) -> str:
    file = folder / "net.py"
    file.write_text(text)
    return f"--data {write_data(folder)} --model {file}:make"


def missing(folder: Path) -> str:
    return f"--data {folder}/nothing-here"


def empty(folder: Path) -> str:
    (folder / "empty").mkdir()
    return f"--data {folder}/empty"


def truncated(folder: Path) -> str:
    whole = gzip.compress(struct.pack(">IIII", 0x803, 10, 4, 4) + bytes(160))
    return f"--data {idx(folder / 'd', train_images=whole[:-12])}"


def promising(folder: Path) -> str:
    content = struct.pack(">IIII", 0x803, 10**6, 28, 28) + bytes(160)
    return f"--data {idx(folder / 'd', test_images=content)}"


def uneven(folder: Path) -> str:
    content = struct.pack(">II", 0x801, 8) + bytes([0, 1] * 4)
    return f"--data {idx(folder / 'd', train_labels=content)}"


def one_class(folder: Path) -> str:
    content = struct.pack(">II", 0x801, 10) + bytes(10)
    return f"--data {idx(folder / 'd', train_labels=content)}"


def imageless(folder: Path) -> str:
    for n in range(4):
        picture(folder / "d" / "dog" / f"{n}.png")
    (folder / "d" / "not dog").mkdir()
    return f"--data {folder}/d"


def unreadable(folder: Path) -> str:
    for name in ("dog", "not dog"):
        for n in range(6):
            picture(folder / "d" / name / f"{n}.png")
    (folder / "d" / "dog" / "3.png").write_bytes(b"no picture")
    return f"--data {folder}/d"


def notanumber(folder: Path) -> str:
    images = np.full((20, 3, 3), np.nan, np.float32)
    labels = np.arange(20) % 2
    path = folder / "nan.npz"
    np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    return f"--data {path}"


def failing_import(folder: Path) -> str:
    return model(folder, "import torch\nimport nothing_of_the_kind\n")


def wrong_shape(folder: Path) -> str:
    text = (
        "from torch import nn\n"
        "def make(norm):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(36, 3), norm(3))\n"
    )
    return model(folder, text)


def wrong_input(folder: Path) -> str:
    text = (
        "from torch import nn\n"
        "def make(norm):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(99, 2), norm(2))\n"
    )
    return model(folder, text)


def no_factory(folder: Path) -> str:
    return model(folder, "def build(norm):\n    return None\n")


def taken(folder: Path) -> str:
    (folder / "out").mkdir()
    (folder / "out" / "thesis.txt").write_text("do not lose me")
    return f"--data {write_data(folder)}"


def a_file(folder: Path) -> str:
    (folder / "out").write_text("not a folder")
    return f"--data {write_data(folder)}"


def below_a_file(folder: Path) -> str:
    (folder / "file").write_text("not a folder")
    return f"--data {write_data(folder)} --out {folder}/file/out"


def too_much_validation(folder: Path) -> str:
    return f"--data {write_data(folder)} --validation 100"


BAD: dict[Callable[[Path], str], str] = {
    missing: r"nothing-here does not exist",
    empty: r"empty",
    truncated: r"train-images-idx3-ubyte\.gz",
    promising: r"t10k-images-idx3-ubyte\b.*1000000",
    uneven: r"10\b.*\b8\b",
    one_class: r"one class|1 class",
    imageless: r"not dog",
    unreadable: r"dog/3\.png",
    notanumber: r"nan\.npz.*(finite|NaN|nan)",
    failing_import: r"net\.py, line 2: its import failed with ModuleNotFoundError",
    wrong_shape: r"output has shape \(8, 3\) where \(8, 2\)",
    wrong_input: r"cannot read a batch of shape",
    no_factory: r"defines no 'make'\. It defines: build",
    taken: r"out: .*not empty",
    a_file: r"out: .*(not a folder|no folder)",
    below_a_file: r"file",
    too_much_validation: r"data\.validation",
}


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): path.read_bytes() for path in files}


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.__name__)
def test_bad_input_ends_in_one_line_and_loses_nothing(
    case: Callable[[Path], str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    words = case(tmp_path).replace("not dog", "not-dog").split()
    out = [] if "--out" in words else ["--out", str(tmp_path / "out")]
    before = tree(tmp_path)
    assert main(["run", "--quiet", "--batch-size", "8", *words, *out]) == 2
    _, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert re.match(rf"normlab: error: .*({BAD[case]})", err), err
    assert tree(tmp_path) == before
