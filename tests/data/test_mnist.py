"""MNIST is whole, unchanged, and what the article normalises with."""

from __future__ import annotations

from hashlib import md5
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

import normlab.data.mnist
from normlab.data.assemble import assemble
from normlab.data.dataset import Dataset
from normlab.data.formats.idx import contents, unpacked
from normlab.data.mnist import read_mnist
from normlab.errors import BadData
from normlab.spec.data import Data

FILES = Path(normlab.data.mnist.__file__).parent / "files"

# as published with the dataset, of the unpacked files
PUBLISHED = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    return assemble(read_mnist(), Data())


@pytest.mark.parametrize("file", PUBLISHED)
def test_the_files_are_the_published_ones(file: str) -> None:
    content = unpacked(contents(FILES / f"{file}.gz"), where=file)
    assert md5(content, usedforsecurity=False).hexdigest() == PUBLISHED[file]


def test_all_70000_digits_are_there(mnist: Dataset) -> None:
    assert mnist.train.images.shape == (60_000, 1, 28, 28)
    assert mnist.test.images.shape == (10_000, 1, 28, 28)
    assert mnist.train.images.dtype == np.uint8
    assert (mnist.shape, mnist.inputs) == ((1, 28, 28), 784)
    assert mnist.classes == tuple("0123456789")
    assert mnist.validation is None


def test_mean_and_std_are_those_of_the_article(mnist: Dataset) -> None:
    assert round(mnist.mean[0], 4) == 0.1307
    assert round(mnist.std[0], 4) == 0.3081


def test_the_first_labels_are_the_well_known_ones(mnist: Dataset) -> None:
    assert mnist.train.labels[:6].tolist() == [5, 0, 4, 1, 9, 2]
    assert mnist.test.labels[:6].tolist() == [7, 2, 1, 0, 4, 1]


def test_the_classes_have_the_known_sizes(mnist: Dataset) -> None:
    sizes = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(mnist.train.labels).tolist() == sizes


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    folder = copytree(FILES, tmp_path / "files")
    path = folder / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(BadData, match=r"t10k-labels\S+ is not the file of MNIST"):
        read_mnist(folder)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"cannot read .*train-images"):
        read_mnist(tmp_path)
