"""Files of torch.save that hold tensors, such as torchvision's processed ones."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from normlab.data.assemble import Found, LabeledImages
from normlab.data.formats.names import source_of
from normlab.errors import BadData


def read_saved(path: Path) -> Found:
    """Tensors only: whatever else such a file may hold is refused, and not executed.

    Raises:
        BadData: If the file is damaged, holds anything but tensors, lists and
            dictionaries, or no images and labels.
    """
    import torch

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
        arrays = {str(key): _array(value) for key, value in found.items()}
        return source_of(arrays, name=path.stem, where=str(path))
    if isinstance(found, tuple | list) and len(found) in (2, 3):
        # torchvision's processed files have a third member, of no use here
        images, labels = (_array(value) for value in found[:2])
        if hasattr(images, "ndim") and hasattr(labels, "ndim"):
            pair = LabeledImages(
                images, labels, f"images of {path}", f"labels of {path}"
            )
            return Found(name=path.stem, train=pair)
    raise BadData(
        f"{path} holds a {type(found).__name__}. Save a pair (images, labels) of "
        "tensors, or a dictionary with x_train and y_train."
    )


def _array(value: Any) -> Any:
    from normlab.data.items import as_array

    return as_array(value) if hasattr(value, "detach") else value
