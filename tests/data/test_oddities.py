"""Numbers that deserve a word get one, whatever source they are from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from normlab.data.arrays import from_given, from_python
from normlab.data.dataset import Dataset
from normlab.data.describe import described
from normlab.data.load import load
from normlab.spec.data import Data

N = 20
LABELS = np.arange(N) % 2


def given(values: NDArray[Any], where: Path, kind: str) -> Dataset:
    """The same numbers from Python, an archive, a folder, or as a Dataset at hand."""
    parts = (values, LABELS), (values[:4], LABELS[:4])
    if kind == "archive":
        (x, y), (u, v) = parts
        np.savez(where / "a.npz", x_train=x, y_train=y, x_test=u, y_test=v)
        return load(Data(source=str(where / "a.npz")))
    if kind == "folder":
        for part, (x, y) in zip(("train", "test"), parts, strict=True):
            for i, (image, label) in enumerate(zip(x, y, strict=True)):
                place = where / "d" / part / f"c{label}"
                place.mkdir(parents=True, exist_ok=True)
                Image.fromarray(image).save(place / f"{i}.tif")
        return load(Data(source=str(where / "d")))
    found = from_python(*parts)
    return from_given(found, spec=Data()) if kind == "dataset" else found


@pytest.mark.parametrize("kind", ["arrays", "archive", "folder", "dataset"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_constant_images_are_said(kind: str, dtype: type, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (N, 6, 6)).astype(dtype)
    constant = np.broadcast_to(noise[:, :1, :1], noise.shape).copy()
    some, same = noise.copy(), np.full_like(noise, 7)
    some[[3, 8]] = constant[[3, 8]]
    lines = {}
    for name in ("noise", "some", "constant", "same"):
        (tmp_path / name).mkdir()
        data = given({**locals()}[name], tmp_path / name, kind)
        lines[name] = described(data)["line"]
    assert "constant" not in lines["noise"]
    assert "; 2 training images constant, of one colour: " in lines["some"]
    if kind == "folder":  # the second comes first: classes are read in turn
        assert "of one colour: 8.tif, 3.tif" in lines["some"]
    assert "all 20 training images constant, of one colour: " in lines["constant"]
    assert "all training images are the same: there is nothing" in lines["same"]


def test_equal_rows_of_a_table_are_said() -> None:
    rows = np.broadcast_to(np.random.default_rng(0).normal(size=5), (N, 5))
    assert (
        "all training examples are the same"
        in described(from_python((rows, LABELS)))["line"]
    )


@pytest.mark.parametrize("shape", [(9,), (9, 30), (9, 5, 5)])
@pytest.mark.parametrize("part", ["train", "test"])
def test_numbers_that_drown_the_others_are_said(
    shape: tuple[int, ...], part: str
) -> None:
    """Against the largest number that any part has in its channel, in float64."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 500, *shape))
    labels = np.arange(500) % 2
    values[:, :, 4] = 1 + 1e-5 * values[:, :, 4]
    values[("train", "test").index(part), 7, 4] = 2.0
    train, test = values.astype(np.float32)
    data = from_python((train, labels), (test, labels))
    axes = (0, *range(2, train.ndim))
    mean, std = (f(np.float64(train), axis=axes) for f in (np.mean, np.std))
    reach = np.abs(
        np.float64((train, test)) - mean.reshape(-1, *[1] * (len(shape) - 1))
    )
    far = (reach / std.reshape(-1, *[1] * (len(shape) - 1))).max()
    assert any(f"{far:.3g} standard deviations" in note for note in data.notes)
    assert any(f"the {part} part" in note for note in data.notes)


def test_a_word_is_said_once() -> None:
    images = np.full((N, 4, 4), 7, np.uint8)
    data = from_python((images, LABELS))
    assert from_given(data, spec=Data()).notes == data.notes


@pytest.mark.parametrize("fill", [1e10, -1e20, 1e30])
def test_a_few_numbers_that_drown_all_others_are_said(fill: float) -> None:
    """None of twenty can be as far as twenty standard deviations."""
    values = np.random.default_rng(0).normal(size=(N, 3))
    assert not from_python((values, LABELS), (values, LABELS)).notes
    values[3, 1] = fill
    (note,) = from_python((values, LABELS), (values, LABELS)).notes
    assert "half of the numbers of feature 1 lie within" in note
