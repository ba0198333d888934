"""MNIST: 60,000 and 10,000 handwritten digits, part of the package."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from normlab.data.assemble import Found, LabeledImages
from normlab.data.formats.idx import contents, parsed, unpacked
from normlab.errors import BadData

_FOLDER = Path(__file__).parent / "files"

# of the packed files: a fifth of the bytes, and gzip checks the CRC of what is inside
_SHA256 = {
    "train-images-idx3-ubyte": (
        "0b367032e93c5d0cea0925647cfdb18614af8ee15f83e6f2fc2ad904a6835971"
    ),
    "train-labels-idx1-ubyte": (
        "1787548bbe0bff1ec2ecdc0ef292b02df999e2d1a6002d27500982c652b17203"
    ),
    "t10k-images-idx3-ubyte": (
        "1a1a05eab793c14bb050b398624a11b0ffd1a2953baed553b1b9bd079e2a20be"
    ),
    "t10k-labels-idx1-ubyte": (
        "b91679a0acfe4ba0e50a2437a903084cba1f5f92592b016a25a7dfd00455798b"
    ),
}


def read_mnist(folder: Path = _FOLDER) -> Found:
    """The whole of MNIST, each file compared with its digest.

    Args:
        folder: Where the four gzip files are.

    Raises:
        BadData: If a file is missing, or is not what was published.
    """
    train, test = (
        LabeledImages(
            _checked(folder, images),
            _checked(folder, labels),
            images_where=images,
            labels_where=labels,
        )
        for images, labels in zip(*[iter(_SHA256)] * 2, strict=True)
    )
    return Found(
        name="mnist",
        train=train,
        test=test,
        classes=tuple(str(digit) for digit in range(10)),
        axes="hw",
    )


def _checked(folder: Path, file: str) -> NDArray[Any]:
    path = folder / f"{file}.gz"
    content = contents(path)
    if sha256(content).hexdigest() != _SHA256[file]:
        raise BadData(f"{path} is not the file of MNIST. Install normlab again.")
    return parsed(unpacked(content, where=str(path)), where=str(path))
