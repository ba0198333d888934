"""Tables of names and classes: which column is which, and what they name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from normlab.data.assemble import Found
from normlab.data.formats.listing import names_images, read_table
from normlab.data.images.folder import read_images
from normlab.data.load import load
from normlab.errors import BadData
from normlab.spec.data import Data

from .files import class_folders, picture

LABELS = ("cat", "dog", "cat", "dog", "dog", "cat")


def images(folder: Path, *, suffix: str = ".png") -> list[str]:
    """Six images, each of a grey of its own; their names."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(6):
        grey = np.full((4, 6), 10 * number, np.uint8)
        grey[0, 0] = 255
        Image.fromarray(grey).save(folder / f"{number}{suffix}")
    return [f"{number}{suffix}" for number in range(6)]


def table(path: Path, *rows: tuple[object, ...], mark: str = ",") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(mark.join(map(str, row)) for row in rows))
    return path


def pairs(source: Found, part: str = "train") -> list[tuple[int, str]]:
    """The grey of each image, and its class."""
    assert source.classes is not None
    pair = getattr(source, part)
    greys = pair.images[:, 0, -1, -1] // 10
    return [
        (int(grey), source.classes[label])
        for grey, label in zip(greys, pair.labels, strict=True)
    ]


WANTED = list(enumerate(LABELS))


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (("file_name", "label"), "images from file_name, classes from label"),
        (("Image Path", "Breed"), "images from Image Path, classes from Breed"),
        (("whatever", "something"), "images from whatever, classes from something"),
        ((), "images from column 1, classes from column 2"),
    ],
)
@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("given", ["folder", "table"])
def test_the_columns_are_found_and_said(
    tmp_path: Path, head: tuple[str, ...], said: str, mark: str, given: str
) -> None:
    rows = list(zip(images(tmp_path), LABELS, strict=True))
    path = table(tmp_path / "labels.csv", *([head] if head else []), *rows, mark=mark)
    source = (
        read_images(tmp_path, Data()) if given == "folder" else read_table(path, Data())
    )
    assert source.classes == ("cat", "dog")
    assert source.name == tmp_path.name
    assert pairs(source) == WANTED
    assert source.notes == (f"labels.csv: {said}",)


def test_the_label_is_found_among_other_columns(tmp_path: Path) -> None:
    rows = [
        (number, label, name, number * 1.5)
        for number, (name, label) in enumerate(
            zip(images(tmp_path), LABELS, strict=True)
        )
    ]
    table(tmp_path / "metadata.csv", ("", "class", "filename", "weight"), *rows)
    assert pairs(read_images(tmp_path, Data())) == WANTED


def test_columns_that_may_all_be_the_label_are_refused(tmp_path: Path) -> None:
    rows = [(name, 1, 2) for name in images(tmp_path)]
    path = table(tmp_path / "a.csv", ("file", "dx", "sex"), *rows)
    with pytest.raises(
        BadData, match=r"has the columns file, dx, sex; none is called la"
    ):
        read_table(path, Data())


@pytest.mark.parametrize("place", ["", "pictures", "a/b"])
@pytest.mark.parametrize("name", ["path", "file", "stem", "windows"])
def test_images_are_found_beside_the_table_and_in_folders_near_it(
    tmp_path: Path, place: str, name: str
) -> None:
    names = images(tmp_path / place, suffix=".jpg")
    cells = {
        "path": [str(Path(place) / file) for file in names],
        "windows": [str(Path(place) / file).replace("/", "\\") for file in names],
        "file": names,
        "stem": [Path(file).stem for file in names],
    }
    rows = zip(cells[name], LABELS, strict=True)
    table(tmp_path / "labels.csv", ("id", "species"), *rows)
    found = [label for _, label in pairs(read_images(tmp_path, Data()))]
    assert found == list(LABELS)


def test_a_column_tells_the_parts(tmp_path: Path) -> None:
    parts = ("train", "train", "test", "test", "val", "val")
    rows = zip(images(tmp_path), LABELS, parts, strict=True)
    path = table(tmp_path / "x.csv", ("file", "label", "Split"), *rows)
    source = read_table(path, Data())
    assert pairs(source) == WANTED[:2]
    assert pairs(source, "test") == WANTED[2:4]
    assert pairs(source, "validation") == WANTED[4:]
    assert source.notes[0].endswith("classes from label, parts from Split")


def test_a_table_for_each_part(tmp_path: Path) -> None:
    """Of a competition: the same ids in both folders, the test without classes."""
    for part in ("train", "test"):
        images(tmp_path / part)
    table(tmp_path / "train.csv", ("id", "label"), *zip(range(6), LABELS, strict=True))
    table(
        tmp_path / "sample_submission.csv",
        ("id", "label"),
        *[(n, "cat") for n in range(6)],
    )
    source = read_images(tmp_path, Data())
    assert pairs(source) == WANTED
    assert source.test is None
    table(tmp_path / "test.csv", ("id", "label"), (0, "dog"), (5, "cat"))
    source = read_images(tmp_path, Data())
    assert source.test is not None
    assert pairs(source, "test") == [(0, "dog"), (5, "cat")]


def test_a_table_in_the_folder_of_each_part(tmp_path: Path) -> None:
    for part in ("train", "test"):
        rows = zip(images(tmp_path / part), LABELS, strict=True)
        table(tmp_path / part / "metadata.csv", ("file_name", "label"), *rows)
    source = read_images(tmp_path, Data())
    assert pairs(source) == pairs(source, "test") == WANTED


def test_whole_numbers_are_sorted_as_such(tmp_path: Path) -> None:
    rows = zip(images(tmp_path), (10, 9, 2, 10, 9, 2), strict=True)
    table(tmp_path / "labels.csv", ("file", "label"), *rows)
    assert read_images(tmp_path, Data()).classes == ("2", "9", "10")


def test_what_is_missing_or_left_over_is_said(tmp_path: Path) -> None:
    names = images(tmp_path)
    rows = [*zip(names[:4], LABELS, strict=False), (names[0], "cat"), (names[1], "dog")]
    rows += [("gone.png", "cat"), ("lost.png", "dog"), (names[4], "")]
    table(tmp_path / "labels.csv", ("file", "label"), *rows)
    with pytest.raises(
        BadData,
        match=r"2 of 9 images that .*labels\.csv names are not there: gone\.png, l",
    ):
        read_images(tmp_path, Data())
    source = read_images(tmp_path, Data(skip_unreadable=True))
    assert pairs(source) == WANTED[:4]
    assert source.notes[1:] == (
        "left out 2 missing images: gone.png, lost.png",
        "passed over 2 rows that come again",
        "passed over 1 row without a class",
        "passed over 2 images in no row: 4.png, 5.png",
    )


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [("0.png", "cat"), ("0.png", "dog")],
            r"gives 0\.png two classes, 'cat' and 'dog'",
        ),
        (
            [("0.png", "cat"), ("1.png", "dog", "x")],
            r"has 3 cells in row 3 and 2 in row 1",
        ),
        (
            [("0.png", "cat"), ("1.png", "cat")],
            r"1 class \(cat\); there is nothing to tell",
        ),
        ([], r"names no training image"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(
    tmp_path: Path, rows: list[tuple[str, ...]], said: str
) -> None:
    images(tmp_path)
    path = table(tmp_path / "t.csv", ("file", "label"), *rows)
    with pytest.raises(BadData, match=said):
        read_table(path, Data())


def test_a_class_of_the_test_part_alone_is_refused(tmp_path: Path) -> None:
    parts = ("train", "train", "train", "train", "test", "test")
    rows = zip(images(tmp_path), "abacde", parts, strict=True)
    path = table(tmp_path / "t.csv", ("file", "label", "split"), *rows)
    with pytest.raises(BadData, match=r"the class 'd' is in the test part, but no tr"):
        read_table(path, Data())


def test_a_table_in_another_script_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes("file,label\nx.png,Bär".encode("latin-1"))
    with pytest.raises(BadData, match=r"latin\.csv is no table .* \(not in UTF-8\)"):
        read_table(path, Data())


def test_a_table_of_pixels_is_none_of_names(tmp_path: Path) -> None:
    images(tmp_path)
    assert not names_images(
        table(tmp_path / "x.csv", ("label", "pixel0"), (1, 2), (3, 4))
    )
    wide = ("label", *(f"pixel{n}" for n in range(784)))
    assert not names_images(table(tmp_path / "y.csv", wide, (1,) * 785))


def test_class_folders_come_first_where_the_table_agrees(tmp_path: Path) -> None:
    class_folders(tmp_path)
    rows = [(f"{name}/0.png", name) for name in ("cat", "dog")]
    table(tmp_path / "labels.csv", ("file", "label"), *rows)
    source = read_images(tmp_path, Data())
    assert len(source.train.images) == 10
    assert "passed over 1 file (1 .csv)" in source.notes


def test_class_folders_against_a_table_are_refused(tmp_path: Path) -> None:
    class_folders(tmp_path)
    rows = [(f"{name}/0.png", "old") for name in ("cat", "dog")]
    table(tmp_path / "labels.csv", ("file", "label"), *rows)
    with pytest.raises(
        BadData, match=r"If the table says the classes, give .*labels\.csv"
    ):
        read_images(tmp_path, Data())
    chosen = read_images(tmp_path, Data(folders="classes"))
    assert chosen.classes == ("cat", "dog")


def test_a_table_is_loaded_by_its_path(tmp_path: Path) -> None:
    rows = zip(images(tmp_path / "in"), LABELS, strict=True)
    table(tmp_path / "mine.csv", ("file", "label"), *rows)
    data = load(Data(source="mine.csv", image_size=3), root=tmp_path)
    assert (data.shape, len(data.train), len(data.test)) == ((1, 3, 3), 4, 2)


def test_an_image_of_a_table_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    names = images(tmp_path)
    (tmp_path / names[0]).write_bytes(b"")
    path = table(tmp_path / "t.csv", *zip(names, LABELS, strict=True))
    with pytest.raises(
        BadData, match=r"cannot read the image .*0\.png \(an empty file\)"
    ):
        read_table(path, Data())
    assert len(read_table(path, Data(skip_unreadable=True)).train.images) == 5


def test_a_long_cell_is_no_name(tmp_path: Path) -> None:
    picture(tmp_path / "0.png")
    assert not names_images(
        table(tmp_path / "t.csv", ("text", "word"), ("a" * 999, "b\0"))
    )
