"""Parts check themselves; a saved dataset comes back the same, and is shared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from normlab.data.dataset import Dataset, Part, open_dataset
from normlab.errors import BadData, BadFolder

from .files import digits


def part(n: int) -> Part:
    images, labels = digits(n)
    return Part(images=images[:, np.newaxis], labels=labels.astype(np.int64))


def dataset(**changes) -> Dataset:
    fields = {
        "name": "mine",
        "train": part(30),
        "test": part(9),
        "validation": part(6),
        "classes": ("cat", "dog", "hen"),
        "mean": (0.1 + 0.2,),
        "std": (1 / 3,),
    }
    return Dataset(**(fields | changes))


class Anything:
    def epoch(self, seed: int, epoch: int) -> Part:
        return part(30)


@pytest.mark.parametrize("validation", [part(6), None], ids=["validation", "none"])
def test_a_saved_dataset_comes_back_the_same(
    tmp_path: Path, validation: Part | None
) -> None:
    saved = dataset(validation=validation)
    saved.save(tmp_path / "data")
    opened = open_dataset(tmp_path / "data")
    assert opened.digest == saved.digest
    assert (opened.mean, opened.std) == (saved.mean, saved.std)
    assert (opened.name, opened.classes) == ("mine", ("cat", "dog", "hen"))
    assert np.array_equal(opened.train.images, saved.train.images)
    assert (opened.validation is None) == (validation is None)


def test_opening_maps_the_files_instead_of_reading_them(tmp_path: Path) -> None:
    dataset().save(tmp_path)
    assert isinstance(open_dataset(tmp_path).train.images, np.memmap)


def test_torch_takes_the_mapped_arrays_without_a_warning_or_a_copy(
    tmp_path: Path,
) -> None:
    dataset().save(tmp_path)
    images = open_dataset(tmp_path).train.images
    assert torch.from_numpy(images).data_ptr() == images.ctypes.data


def test_writing_to_an_opened_dataset_never_reaches_the_file(tmp_path: Path) -> None:
    dataset().save(tmp_path)
    open_dataset(tmp_path).train.images[:] = 99
    assert open_dataset(tmp_path).digest == dataset().digest


@pytest.mark.parametrize(
    "changes",
    [
        {"mean": (0.5,)},
        {"classes": ("a", "b", "c")},
        {"validation": None},
        {"test": part(8)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_the_digest_tells_datasets_apart(changes: dict) -> None:
    assert dataset(**changes).digest != dataset().digest


def test_the_digest_does_not_depend_on_the_name() -> None:
    assert dataset(name="other").digest == dataset().digest


def test_augmented_data_needs_its_source_again(tmp_path: Path) -> None:
    dataset(live=Anything()).save(tmp_path)
    with pytest.raises(BadData, match="one reading of an augmented dataset; give"):
        open_dataset(tmp_path)
    live = Anything()
    assert open_dataset(tmp_path, live=live).live is live


@pytest.mark.parametrize(
    "file", ["dataset.json", "train-images.npy", "test-labels.npy"]
)
def test_a_missing_or_damaged_file_is_refused(tmp_path: Path, file: str) -> None:
    dataset().save(tmp_path)
    (tmp_path / file).write_bytes(b"\x93NUMPY")
    with pytest.raises(BadData, match=r"holds no complete saved dataset .* Save it"):
        open_dataset(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(BadData, match="holds no complete saved dataset"):
        open_dataset(tmp_path)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        BadFolder, match=r"cannot write the data to .*file/x: Not a dir"
    ):
        dataset().save(tmp_path / "file" / "x")


def test_what_could_not_be_written_whole_does_not_pass_for_complete(
    tmp_path: Path,
) -> None:
    (tmp_path / "test-images.npy").mkdir()  # as on a disk that fills up in between
    with pytest.raises(BadFolder, match=r"cannot write the data to .*Is a directory"):
        dataset().save(tmp_path)
    assert not (tmp_path / "dataset.json").exists()


IMAGES, LABELS = np.zeros((4, 1, 2, 2), np.uint8), np.zeros(4, np.int64)


@pytest.mark.parametrize(
    ("images", "labels", "text"),
    [
        (IMAGES.astype(np.int16), LABELS, "images are int16; use uint8, float32"),
        (IMAGES, LABELS.astype(np.int32), r"labels are int32 of shape \(4,\); use"),
        (IMAGES, LABELS[:, np.newaxis], r"labels are int64 of shape \(4, 1\)"),
        (IMAGES, LABELS[:3], "4 images but 3 labels; give one label per image"),
        (IMAGES[:0], LABELS[:0], "a part without images"),
    ],
)
def test_a_part_checks_itself(
    images: np.ndarray, labels: np.ndarray, text: str
) -> None:
    with pytest.raises(BadData, match=text):
        Part(images=images, labels=labels)
