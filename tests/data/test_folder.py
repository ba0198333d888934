"""Folders of images: how classes, parts, sizes and colours are found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from normlab.data.assemble import assemble
from normlab.data.dataset import Dataset
from normlab.data.folder import read_images
from normlab.errors import BadData, BadSetting
from normlab.spec.data import Data

from .files import class_folders, picture


def loaded(folder: Path, **settings) -> Dataset:
    spec = Data(source=str(folder), **settings)
    return assemble(read_images(folder, spec), spec)


def test_a_sub_folder_is_a_class_and_a_fifth_is_the_test(tmp_path: Path) -> None:
    data = loaded(class_folders(tmp_path / "pets", each=10))
    assert (data.name, data.classes) == ("pets", ("cat", "dog"))
    assert np.bincount(data.train.labels).tolist() == [8, 8]
    assert np.bincount(data.test.labels).tolist() == [2, 2]
    assert data.shape == (3, 4, 6)


def test_labels_belong_to_their_images(tmp_path: Path) -> None:
    for number in range(5):
        picture(tmp_path / "dark" / f"{number}.png", mode="L", colour=number)
        picture(tmp_path / "light" / f"{number}.png", mode="L", colour=250 + number)
    data = loaded(tmp_path)
    for part in (data.train, data.test):
        assert ((part.images[:, 0, 0, 0] >= 250) == (part.labels == 1)).all()


@pytest.mark.parametrize(
    ("train", "test"), [("train", "test"), ("Training", "val"), ("train", "valid")]
)
def test_train_and_test_folders_are_kept_apart(
    tmp_path: Path, train: str, test: str
) -> None:
    class_folders(tmp_path / train, each=3)
    class_folders(tmp_path / test, each=2)
    data = loaded(tmp_path)
    assert (len(data.train), len(data.test), data.validation) == (6, 4, None)


def test_a_third_folder_is_the_validation_part(tmp_path: Path) -> None:
    for name, each in (("train", 3), ("val", 1), ("test", 2)):
        class_folders(tmp_path / name, each=each)
    data = loaded(tmp_path)
    assert data.validation is not None
    assert (len(data.train), len(data.validation), len(data.test)) == (6, 2, 4)
    with pytest.raises(BadSetting, match=r"brings 2 validation images of its own"):
        loaded(tmp_path, validation=2)


def test_images_lie_anywhere_below_their_class(tmp_path: Path) -> None:
    class_folders(tmp_path)
    picture(tmp_path / "dog" / "more" / "9.PNG")
    assert len(loaded(tmp_path).train) + len(loaded(tmp_path).test) == 11


def test_other_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    class_folders(tmp_path)
    (tmp_path / "dog" / "notes.txt").write_text("a dog")
    (tmp_path / "dog" / "._1.png").write_bytes(b"")
    (tmp_path / ".cache").mkdir()
    assert loaded(tmp_path).classes == ("cat", "dog")


def test_image_size_makes_them_equal_squares(tmp_path: Path) -> None:
    class_folders(tmp_path, size=(9, 5))
    picture(tmp_path / "dog" / "big.jpg", size=(300, 200))
    assert loaded(tmp_path, image_size=8).shape == (3, 8, 8)


@pytest.mark.parametrize(("colour", "channels"), [(None, 3), (True, 3), (False, 1)])
def test_one_coloured_image_makes_all_coloured_unless_said_otherwise(
    tmp_path: Path, colour: bool | None, channels: int
) -> None:
    class_folders(tmp_path, mode="L", colour=128)
    picture(tmp_path / "dog" / "red.png")
    assert loaded(tmp_path, colour=colour).shape == (channels, 4, 6)


def test_grey_images_stay_grey(tmp_path: Path) -> None:
    data = loaded(class_folders(tmp_path, mode="L", colour=128))
    assert data.shape == (1, 4, 6)
    assert data.mean == (128 / 255,)


def test_different_sizes_need_a_size(tmp_path: Path) -> None:
    class_folders(tmp_path)
    picture(tmp_path / "dog" / "9.png", size=(7, 4))
    with pytest.raises(BadData, match=r"9\.png is 7 x 4 pixels, .*: --image-size 64"):
        loaded(tmp_path)


def test_an_unreadable_image_is_named(tmp_path: Path) -> None:
    class_folders(tmp_path)
    (tmp_path / "dog" / "9.png").write_bytes(b"no image")
    with pytest.raises(BadData, match=r"cannot read the image .*9\.png \(no image\)"):
        loaded(tmp_path)


def test_a_truncated_image_is_named(tmp_path: Path) -> None:
    class_folders(tmp_path)
    path = picture(tmp_path / "dog" / "9.png", size=(60, 40))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(BadData, match=r"cannot read the image .*9\.png .*Repair or"):
        loaded(tmp_path, image_size=4)


def test_a_class_without_images_is_refused(tmp_path: Path) -> None:
    class_folders(tmp_path)
    (tmp_path / "hen").mkdir()
    with pytest.raises(BadData, match=r"hen holds no image\. Add some, or remove"):
        loaded(tmp_path)


def test_one_class_is_refused(tmp_path: Path) -> None:
    picture(tmp_path / "dog" / "1.png")
    with pytest.raises(BadData, match=r"has 1 class folder \(dog\); there is nothing"):
        loaded(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="holds no sub-folders and no IDX files"):
        loaded(tmp_path)


def test_a_class_of_one_part_only_is_refused(tmp_path: Path) -> None:
    class_folders(tmp_path / "train")
    class_folders(tmp_path / "test")
    picture(tmp_path / "test" / "hen" / "1.png")
    with pytest.raises(BadData, match="differ in the class 'hen'"):
        loaded(tmp_path)


def test_a_training_folder_alone_is_refused(tmp_path: Path) -> None:
    class_folders(tmp_path / "train")
    with pytest.raises(BadData, match=r"has train/ but no test/\. Add it, or give"):
        loaded(tmp_path)


def test_a_class_with_one_image_is_named(tmp_path: Path) -> None:
    class_folders(tmp_path)
    picture(tmp_path / "hen" / "1.png")
    with pytest.raises(BadData, match="class hen has one image"):
        loaded(tmp_path)
