"""Tables whose cells hold image files, as those of a hub do."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from normlab.data.load import load
from normlab.errors import BadData
from normlab.spec.data import Data

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), np.uint8)
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n%%EndComments\nshowpage\n"
# what the library writes beside the columns that it decodes by itself
HUB = b'{"info": {"features": {"image": {"_type": "Image"}}}}'


def content(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def table(path: Path, cells: list[dict[str, Any]], *, hub: bool) -> Data:
    labels = ["cat", "dog"] * (len(cells) // 2)
    made = pyarrow.table({"image": cells, "label": labels})
    if hub:
        made = made.replace_schema_metadata({b"huggingface": HUB})
    pyarrow.parquet.write_table(made, path)
    return Data(source=str(path))


@pytest.mark.parametrize("hub", [True, False])
def test_cells_are_read_as_files_are(tmp_path: Path, hub: bool) -> None:
    cells = [
        {"bytes": content(one), "path": f"{i}.png"} for i, one in enumerate(PIXELS)
    ]
    data = load(table(tmp_path / "all.parquet", cells, hub=hub))
    assert (len(data.train), len(data.test), data.classes) == (10, 2, ("cat", "dog"))
    found = np.concatenate([data.train.images, data.test.images])
    assert sorted(one.tobytes() for one in found) == sorted(
        np.moveaxis(one, 2, 0).tobytes() for one in PIXELS
    )


@pytest.mark.parametrize("hub", [True, False])
@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ({"bytes": EPS, "path": "0.png"}, "no image"),
        ({"bytes": None, "path": "/etc/passwd"}, "does not hold it"),
        ({"bytes": content(PIXELS[0])[:60], "path": None}, "cannot read the image"),
    ],
)
def test_no_cell_starts_a_program_or_reaches_for_a_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cell: dict[str, Any],
    text: str,
    *,
    hub: bool,
) -> None:
    def started(*_: object, **__: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "check_call", started)
    monkeypatch.setattr(subprocess, "Popen", started)
    with pytest.raises(BadData, match=text):
        load(table(tmp_path / "all.parquet", [cell] * 12, hub=hub))


def test_of_two_families_of_names_one_is_taken_whole(tmp_path: Path) -> None:
    images, labels = PIXELS[..., 0], np.arange(12) % 2
    np.savez(
        tmp_path / "both.npz",
        x_train=images,
        y_train=labels,
        train_images=255 - images,
        train_labels=1 - labels,
    )
    data = load(Data(source=str(tmp_path / "both.npz")))
    assert any("train_images, train_labels passed over" in one for one in data.notes)
    known = {one.tobytes(): label for one, label in zip(images, labels, strict=True)}
    for one, label in zip(data.train.images, data.train.labels, strict=True):
        assert known[one.tobytes()] == label
