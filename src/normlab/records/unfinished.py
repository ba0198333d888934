"""The cells of a surface that is still being measured, to go on with after a stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from normlab.errors import BadFolder
from normlab.records import _arrays
from normlab.records._trouble import reporting

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class KeptCells(NamedTuple):
    """What was known of a surface when its cells were last kept."""

    loss: NDArray[np.float64]
    computed: NDArray[np.bool_]


def keep_cells(path: Path, about: str, cells: KeptCells) -> None:
    """Write the cells, whole or not at all.

    Args:
        path: An .npz file, without pickle.
        about: Everything that the cells depend on, in any words.
        cells: What is known.

    Raises:
        BadFolder: If the disk is full or the folder cannot be written.
    """
    with reporting(path):
        _arrays.write(path, {"about": np.array(about), **cells._asdict()})


def kept_cells(path: Path, about: str) -> KeptCells | None:
    """The cells that were kept; None if there are none, or they are of something else.

    Args:
        path: As it was given to `keep_cells`.
        about: What cells must depend on to be of use.
    """
    if not path.exists():
        return None
    try:
        arrays = _arrays.read(path, path.parent)
    except BadFolder:
        return None  # as a power cut leaves it: what is lost can be computed again
    if str(arrays.get("about")) != about:
        return None
    return KeptCells(arrays["loss"], arrays["computed"])
