"""Files of torch.save that hold tensors, such as torchvision's processed ones."""

from __future__ import annotations

import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from normlab.data.assemble import Found, LabeledImages
from normlab.data.formats.names import source_of
from normlab.data.formats.npz import refuse_bomb
from normlab.disk.opening import Unusual, opened
from normlab.disk.room import PLAIN
from normlab.errors import BadData


def read_saved(path: Path) -> Found:
    """Tensors only: whatever else such a file may hold is refused, and not executed.

    Raises:
        BadData: If the file is damaged, holds anything but tensors, lists and
            dictionaries, or no images and labels.
    """
    import torch

    try:
        with opened(path) as stream:
            refuse_bomb(path, _claims(stream, path))
    except Unusual as error:
        raise BadData(f"{path} is {error.strerror}. Save it again.") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of formats that torch has left behind
            found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # damage and refusals are as varied as its formats
        raise BadData(
            f"cannot read {path}: it is damaged, or holds more than tensors "
            f"({type(error).__name__}), which could be a program. Save a pair (images, "
            "labels) of tensors, or a dictionary of them, with torch.save."
        ) from None
    if isinstance(found, Mapping):
        arrays = {str(key): _array(value, path) for key, value in found.items()}
        return source_of(arrays, name=path.stem, where=str(path))
    if isinstance(found, tuple | list) and len(found) in (2, 3):
        # torchvision's processed files have a third member, of no use here
        images, labels = (_array(value, path) for value in found[:2])
        if hasattr(images, "ndim") and hasattr(labels, "ndim"):
            pair = LabeledImages(
                images, labels, f"images of {path}", f"labels of {path}"
            )
            return Found(name=path.stem, train=pair)
    raise BadData(
        f"{path} holds a {type(found).__name__}. Save a pair (images, labels) of "
        "tensors, or a dictionary with x_train and y_train."
    )


def _claims(stream: BinaryIO, path: Path) -> int:
    """Bytes of the members; of the older kinds of file, which pack nothing, none."""
    try:
        with zipfile.ZipFile(stream) as archive:
            return sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile:
        return 0
    except (ValueError, NotImplementedError, struct.error) as error:
        raise BadData(
            f"cannot read {path}: its table of contents is damaged "
            f"({type(error).__name__}). Save it again."
        ) from None


def _array(value: Any, path: Path) -> Any:
    from normlab.data.items import as_array

    if hasattr(value, "untyped_storage"):
        _refuse_views(value, path)
    return as_array(value) if hasattr(value, "detach") else value


def _refuse_views(tensor: Any, path: Path) -> None:
    """A tensor may repeat the few numbers that are stored, and its array holds all."""
    import torch

    dense = tensor.layout == torch.strided and not tensor.is_meta
    if not dense or tensor.nbytes > max(PLAIN, tensor.untyped_storage().nbytes()):
        raise BadData(
            f"{path}: a tensor of shape {tuple(tensor.shape)} is sparse, or repeats "
            "the numbers that the file holds. Save plain tensors, made by contiguous()."
        )
