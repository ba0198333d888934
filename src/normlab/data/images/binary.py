"""Images of black and white alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.data.dataset import Part
from normlab.errors import BadSetting

_HALF = 128
_WHITE = 255


def binarized(part: Part) -> Part:
    """Every pixel black or white, whichever is nearer.

    Args:
        part: Images of bytes.

    Raises:
        BadSetting: If the images are not of bytes, so that nobody knows what white is;
            or if they are of 0 and 1 already.

    Example:
        >>> grey = np.array([[[[0, 127, 128, 255]]]], np.uint8)
        >>> binarized(Part(images=grey, labels=np.array([0]))).images.ravel().tolist()
        [0, 0, 255, 255]
    """
    images: NDArray[Any] = part.images
    if images.dtype != np.uint8:
        raise BadSetting(
            f"data.binarize is for images of bytes, and these are {images.dtype}. "
            "Leave it out, or give pixels from 0 to 255."
        )
    if images.max() == 1:
        raise BadSetting(
            "data.binarize: the pixels are 0 and 1 of 255, so that all would become "
            "black. Leave it out: they are of two values already."
        )
    # compared and multiplied byte by byte: no wider array is made
    return Part(
        images=(images >= _HALF).view(np.uint8) * np.uint8(_WHITE), labels=part.labels
    )
