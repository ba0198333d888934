"""NumPy's .npz archives with x_train, y_train, x_test and y_test."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from normlab.data.assemble import Pair, Source
from normlab.errors import BadData

_NAMES = ("x_train", "y_train", "x_test", "y_test")
_DAMAGED = (
    "cannot read {path}: it is damaged or no .npz archive. "
    "Save it again with numpy.savez."
)
_OBJECTS = "cannot read {path}: it holds Python objects. Save plain arrays of numbers."


def read_npz(path: Path) -> Source:
    """The arrays of an archive; nothing in it is ever unpickled.

    Without x_test and y_test a fifth of the images becomes the test part.

    Raises:
        BadData: If the file is damaged, holds Python objects or lacks an array.
    """
    if path.is_file() and not zipfile.is_zipfile(path):
        raise BadData(_DAMAGED.format(path=path))
    try:
        # opened here: NumPy would leave a damaged file open
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in _NAMES if name in archive}
            others = ", ".join(archive.files) or "nothing"
    except OSError as error:
        reason = " ".join(str(error.strerror or error).split())
        raise BadData(f"cannot read {path}: {reason}.") from None
    except Exception as error:  # whatever damage makes of the reading
        objects = "allow_pickle" in str(error)
        text = _OBJECTS if objects else _DAMAGED
        raise BadData(text.format(path=path)) from None
    tested = {"x_test", "y_test"} & arrays.keys()
    missing = [n for n in _NAMES if n not in arrays and (tested or "train" in n)]
    if missing:
        raise BadData(
            f"{path} has no {missing[0]}; it holds {others}. Save x_train, y_train, "
            "x_test and y_test."
        )
    pairs = {
        part: Pair(
            arrays[f"x_{part}"],
            arrays[f"y_{part}"],
            images_where=f"x_{part} of {path}",
            labels_where=f"y_{part} of {path}",
        )
        for part in (("train", "test") if tested else ("train",))
    }
    return Source(name=path.stem, train=pairs["train"], test=pairs.get("test"))
