"""NumPy's .npz archives with images and labels under usual names."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from normlab.data.assemble import Found
from normlab.data.formats.names import CLASSES, chosen, source_of
from normlab.errors import BadData

_DAMAGED = (
    "cannot read {path}: it is damaged or no .npz archive. "
    "Save it again with numpy.savez."
)
_OBJECTS = "cannot read {path}: it holds Python objects. Save plain arrays of numbers."


def read_npz(path: Path) -> Found:
    """The arrays of an archive; nothing in it is ever unpickled.

    Names are x_train, y_train and so on, or what they are called elsewhere
    (train_images, X_val, data, target, arr_0; see `names`). Without a test part a
    fifth of the images becomes the test part.

    Raises:
        BadData: If the file is damaged, holds Python objects or lacks an array.
    """
    try:
        if not zipfile.is_zipfile(path):  # a file that cannot be opened is no archive
            with path.open("rb"):
                raise BadData(_DAMAGED.format(path=path))
        # opened here: NumPy would leave a damaged file open
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            needed = set(chosen(archive.files).values())
            arrays = {
                name: archive[name]
                if name in needed or not needed or name in CLASSES
                else None
                for name in archive.files
            }
    except BadData:
        raise
    except OSError as error:
        reason = " ".join(str(error.strerror or error).split())
        raise BadData(f"cannot read {path}: {reason}.") from None
    except Exception as error:  # whatever damage makes of the reading
        objects = "allow_pickle" in str(error)
        text = _OBJECTS if objects else _DAMAGED
        raise BadData(text.format(path=path)) from None
    return source_of(arrays, name=path.stem, where=str(path))
