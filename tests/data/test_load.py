"""From a name or a path to the right loader."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from normlab.data.load import load
from normlab.errors import BadData, BadSetting
from normlab.spec.data import Data

from .files import class_folders, digits, idx_folder


def test_mnist_needs_nothing_but_its_name() -> None:
    data = load(Data(validation=5000))
    assert data.validation is not None
    assert (len(data.train), len(data.validation)) == (55_000, 5000)
    sizes = np.bincount(data.validation.labels)
    np.testing.assert_allclose(
        sizes, 5000 * np.bincount(data.train.labels) / 55_000, atol=1
    )


def test_a_folder_is_known_by_what_it_holds(tmp_path: Path) -> None:
    idx_folder(tmp_path / "idx")
    class_folders(tmp_path / "photos")
    assert load(Data(source=str(tmp_path / "idx"))).shape == (1, 4, 4)
    assert load(Data(source=str(tmp_path / "photos"))).shape == (3, 4, 6)


def test_a_relative_path_starts_at_the_root(tmp_path: Path) -> None:
    (images, labels) = digits(30)
    np.savez(tmp_path / "mine.npz", x_train=images, y_train=labels)
    assert load(Data(source="mine.npz"), root=tmp_path).name == "mine"


def test_a_name_comes_before_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    idx_folder(tmp_path / "mnist")
    assert len(load(Data(source="./mnist")).train) == 30
    assert len(load(Data(source="mnist")).train) == 60_000


@pytest.mark.parametrize("setting", [{"image_size": 8}, {"color": False}])
def test_settings_of_image_folders_are_refused_elsewhere(
    tmp_path: Path, setting: dict
) -> None:
    np.savez(tmp_path / "mine.npz", x_train=digits(30)[0])
    idx_folder(tmp_path / "idx")
    for source in ("mnist", "mine.npz", "idx"):
        with pytest.raises(
            BadSetting, match=rf"is for folders and tables of images; {source}"
        ):
            load(Data(source=source, **setting), root=tmp_path)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(
        BadData, match=r"'mnits': it is none of mnist, .* Did you mean m"
    ):
        load(Data(source="mnits"))


def test_a_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"there is no data 'no/such': .* does not exist"):
        load(Data(source="no/such"), root=tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="holds no sub-folders and no IDX files"):
        load(Data(source=str(tmp_path)))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("1,2")
    with pytest.raises(BadData, match=r"mine\.txt is of no known kind\. Give a file"):
        load(Data(source="mine.txt"), root=tmp_path)


def test_data_from_python_cannot_be_read_again() -> None:
    with pytest.raises(BadData, match=r"data was given from Python\. Give it again"):
        load(Data(source="python"))


def test_a_path_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    """Root may read everything, but nobody may use a name as long as this."""
    with pytest.raises(BadData, match=r"cannot read .*: File name too long\. Give a"):
        load(Data(source="x" * 300), root=tmp_path)


def test_what_is_neither_file_nor_folder_is_called_so(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(BadData, match=r"pipe\.npz is neither a file nor a folder"):
        load(Data(source=str(tmp_path / "pipe.npz")))
