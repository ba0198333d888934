"""Which folders are parts and which are classes: taken, or refused; never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from normlab.data.images.folder import read_images
from normlab.data.images.parts import parts_of, role_of
from normlab.errors import BadData
from normlab.spec.data import Data

from .files import class_folders, picture

TRAINS = (
    *("train", "Train", "TRAINING", "training_set", "train_set", "trainset", "train1"),
    *("train_images", "train-images", "Training_Data", "trainval", "train_val"),
    *("trainval2", "images_train", "pets-training", "trainingData", "train split"),
)
TESTS = (
    *("test", "Test", "TESTING", "test_set", "testset", "test_images", "test-images"),
    *("Testing_Data", "test1", "images_test", "holdout", "hold-out-test"),
)
VALIDATIONS = (
    *("val", "valid", "Validation", "val_images", "dev", "dev_set", "eval"),
    *("evaluation", "valset", "images.val"),
)
NEITHER = (
    *("trains", "strain", "contest", "latest", "interval", "festival", "devices"),
    *("medieval", "fold1", "cat", "a", "1", "", "background", "retrain", "attest"),
)


@pytest.mark.parametrize(
    ("names", "role"),
    [(TRAINS, "train"), (TESTS, "test"), (VALIDATIONS, "validation"), (NEITHER, None)],
    ids=["train", "test", "validation", "neither"],
)
def test_a_name_tells_the_part_by_its_ends(names: tuple[str, ...], role: str) -> None:
    assert {name: role_of(name) for name in names} == dict.fromkeys(names, role)


@pytest.mark.parametrize("train", TRAINS)
def test_a_training_and_a_test_folder_are_parts(tmp_path: Path, train: str) -> None:
    for test in (*TESTS, *VALIDATIONS):
        top = tmp_path / test
        for name in (train, test):
            (top / name / "cat").mkdir(parents=True)
            (top / name / "dog").mkdir()
        assert parts_of(top, Data()) == {"train": top / train, "test": top / test}


@pytest.mark.parametrize(
    "names",
    [
        ("fold1", "fold2", "fold3"),
        ("images_background", "images_evaluation"),
        ("test", "val"),
        ("a", "b"),
        ("2019", "2020"),
    ],
)
def test_folders_of_the_same_folders_are_refused_with_both_readings(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    for name in names:
        class_folders(tmp_path / name, each=2)
    with pytest.raises(
        BadData, match=r"parts, name .*train/.*classes: --set data\.folders="
    ):
        read_images(tmp_path, Data())
    source = read_images(tmp_path, Data(folders="classes"))
    assert source.classes == tuple(sorted(names))


def test_parts_of_different_classes_are_refused_whatever_their_names(
    tmp_path: Path,
) -> None:
    """Such as the alphabets of Omniglot."""
    picture(tmp_path / "images_background" / "Greek" / "1.png")
    picture(tmp_path / "images_evaluation" / "Tibetan" / "1.png")
    with pytest.raises(
        BadData, match=r"images_evaluation/ holds folders alone, so its"
    ):
        read_images(tmp_path, Data())


@pytest.mark.parametrize("beside", ["unlabelled", "extra"])
def test_a_training_folder_without_a_test_is_refused(
    tmp_path: Path, beside: str
) -> None:
    class_folders(tmp_path / "train", each=2)
    picture(tmp_path / beside / "1.png")
    with pytest.raises(
        BadData, match=r"train/ holds folders alone, so its folders are"
    ):
        read_images(tmp_path, Data())


@pytest.mark.parametrize(
    "beside", [["test"], ["val"], ["validation set"], ["sample", "test"]]
)
def test_folders_named_so_without_classes_are_refused(
    tmp_path: Path, beside: list[str]
) -> None:
    for name in ("train", *beside):
        picture(tmp_path / name / "1.png")
    with pytest.raises(BadData, match=r"train holds no folders, so its images have no"):
        read_images(tmp_path, Data())


def test_a_test_folder_without_classes_is_refused(tmp_path: Path) -> None:
    class_folders(tmp_path / "train")
    picture(tmp_path / "test" / "1.png")
    with pytest.raises(BadData, match=r"test holds no folders, so its images have no"):
        read_images(tmp_path, Data())


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("bus", "car", "train"):
        picture(tmp_path / name / "1.png")
    picture(tmp_path / "train" / "steam" / "1.png")
    assert read_images(tmp_path, Data()).classes == ("bus", "car", "train")


def test_classes_may_hold_folders_of_the_same_name_beside_images(
    tmp_path: Path,
) -> None:
    class_folders(tmp_path)
    for name in ("cat", "dog"):
        picture(tmp_path / name / "more" / "1.png")
    assert read_images(tmp_path, Data()).classes == ("cat", "dog")


def test_the_parts_are_said_and_what_is_beside_them(tmp_path: Path) -> None:
    for name in ("test_set", "training_set", "dev"):
        class_folders(tmp_path / name, each=1)
    picture(tmp_path / "unlabelled" / "1.png")
    notes = read_images(tmp_path, Data()).notes
    assert notes[:2] == (
        "training_set/ trains, dev/ validates, test_set/ tests",
        "passed over unlabelled/ beside the parts",
    )


def test_two_folders_for_one_part_are_refused(tmp_path: Path) -> None:
    for name in ("train", "test1", "test2"):
        class_folders(tmp_path / name, each=1)
    with pytest.raises(BadData, match=r"two folders for one part, test1/ and test2/\."):
        read_images(tmp_path, Data())


def test_a_folder_that_holds_nothing_but_another_names_it(tmp_path: Path) -> None:
    class_folders(tmp_path / "archive")
    with pytest.raises(BadData, match=r"nothing but archive/\. Give .*archive itself"):
        read_images(tmp_path, Data())
