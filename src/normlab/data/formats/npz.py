"""NumPy's .npz archives with images and labels under usual names."""

from __future__ import annotations

import zipfile
from collections.abc import Collection
from math import prod
from pathlib import Path

import numpy as np

from normlab.data.assemble import Found
from normlab.data.formats.names import CLASSES, chosen, source_of
from normlab.disk.opening import Unusual, opened
from normlab.disk.remedy import remedy
from normlab.disk.room import refuse_to_unpack
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
        with opened(path) as file, np.load(file, allow_pickle=False) as archive:
            needed = set(chosen(archive.files).values())
            refuse_bomb(path, _claims(archive.zip, needed))
            arrays = {
                name: archive[name]
                if name in needed or not needed or name in CLASSES
                else None
                for name in archive.files
            }
    except BadData:
        raise
    except Unusual as error:
        raise BadData(f"{path} is {error.strerror}. Save it again.") from None
    except OSError as error:
        reason = " ".join(str(error.strerror or error).split())
        advice = remedy(error, otherwise="Save it again.")
        raise BadData(f"cannot read {path}: {reason}. {advice}") from None
    except Exception as error:  # whatever damage makes of the reading
        objects = "allow_pickle" in str(error)
        text = _OBJECTS if objects else _DAMAGED
        raise BadData(text.format(path=path)) from None
    return source_of(arrays, name=path.stem, where=str(path))


def refuse_bomb(path: Path, claimed: int) -> None:
    """Raise BadData if an archive claims to hold implausibly much for its size."""
    remedy = "Save it again without compression"
    refuse_to_unpack(claimed, path.stat().st_size, str(path), remedy)


def _claims(archive: zipfile.ZipFile, names: Collection[str]) -> int:
    """Bytes that arrays take, after their headers are found to say what follows.

    Of all members, if none has a name that is known.
    """
    claimed = 0
    for member in archive.infolist():
        if names and member.filename.removesuffix(".npy") not in names:
            continue
        claimed += member.file_size
        with archive.open(member) as stream:
            version = np.lib.format.read_magic(stream)
            if version > (2, 0):
                raise ValueError("a header of a later version")
            first = version == (1, 0)
            read = np.lib.format.read_array_header_1_0
            shape, _, dtype = (read if first else np.lib.format.read_array_header_2_0)(
                stream
            )
            held = member.file_size - stream.tell()
            if not dtype.hasobject and prod(shape) * dtype.itemsize != held:
                raise ValueError("claims another number of bytes than it holds")
    return claimed
