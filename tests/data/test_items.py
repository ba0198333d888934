"""Objects with items: mappings, pictures, tables, datasets that know names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from PIL import Image
from torch.utils.data import DataLoader, Subset, TensorDataset

from normlab.data.arrays import from_given, from_python
from normlab.data.describe import described
from normlab.data.load import load
from normlab.errors import BadData, NormlabError
from normlab.spec.data import Data

from .files import digits
from .test_arrays import Items

IMAGES, NUMBERS = digits(20, classes=2)
WORDS = ["cat", "dog"] * 10
ROWS = [{"image": x, "label": int(y)} for x, y in zip(IMAGES, NUMBERS, strict=True)]


def renamed(image: str, label: str, **more: Any) -> Items:
    return Items(*({image: r["image"], label: r["label"], **more} for r in ROWS))


@pytest.mark.parametrize(
    ("image", "label", "more"),
    [
        ("image", "label", {}),
        ("img", "fine_label", {"coarse_label": 3}),
        ("pixel_values", "labels", {"id": 7}),
        ("X", "Target", {}),
        ("photo", "label", {}),
        ("image", "breed", {}),
        ("data", "class", {"extra": "text"}),
    ],
)
def test_an_image_and_a_label_are_found_in_mappings(
    image: str, label: str, more: dict[str, Any]
) -> None:
    data = from_python(renamed(image, label, **more))
    assert len(data.train) + len(data.test) == 20
    line = described(data)["line"]
    for key in more:
        assert f"{key} passed over" in line


@pytest.mark.parametrize(
    "item",
    [{"a": 1, "b": 2}, {"image": IMAGES[0]}, {"image": IMAGES[0], "a": 1, "b": 2}],
)
def test_mappings_of_which_nothing_is_plain_are_refused(item: dict[str, Any]) -> None:
    with pytest.raises(BadData, match="it is not plain which is the"):
        from_python(Items(item))


def test_datasets_of_hugging_face_are_understood() -> None:
    from datasets import ClassLabel, Dataset, DatasetDict, Features
    from datasets import Image as Picture

    features = Features({"image": Picture(), "label": ClassLabel(names=["cat", "dog"])})
    rows = {
        "image": [Image.fromarray(image) for image in IMAGES],
        "label": [row["label"] for row in ROWS],
    }
    split = Dataset.from_dict(rows, features=features)
    data = from_given(
        DatasetDict({"train": split, "test": split, "unsupervised": split}), spec=Data()
    )
    assert np.array_equal(data.train.images[:, 0], IMAGES)
    assert data.classes == ("cat", "dog")
    assert "unsupervised passed over" in described(data)["line"]


@pytest.mark.parametrize("names", ["classes", "class_names"])
def test_names_that_a_dataset_knows_are_its_classes(names: str) -> None:
    pairs = TensorDataset(torch.tensor(IMAGES), torch.tensor(NUMBERS))
    setattr(pairs, names, ["cat", "dog"])
    for dataset in (pairs, Subset(pairs, range(12))):
        data = from_python(dataset)
        assert data.classes == ("cat", "dog")
        assert "cat: " in described(data)["line"]


@pytest.mark.parametrize("names", [["cat"], ["cat", "cat"], "ab", None])
def test_names_that_do_not_fit_are_not_taken(names: Any) -> None:
    pairs = TensorDataset(torch.tensor(IMAGES), torch.tensor(NUMBERS))
    setattr(pairs, "classes", names)  # noqa: B010
    assert from_python(pairs).classes == ("0", "1")


MODES = ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16", "I"]


def of_mode(mode: str, number: int) -> Image.Image:
    grey = np.random.default_rng(number).integers(0, 256, (9, 7), np.uint8)
    if mode == "I;16":
        return Image.fromarray(grey.astype(np.uint16) * 200)
    if mode == "I":
        return Image.fromarray(grey.astype(np.int32) * 300)
    picture = Image.fromarray(
        np.stack([grey, grey[::-1], grey.T[:7].repeat(2, 0)[:9, :7]], 2)
    )
    return picture.convert("P").convert("PA") if mode == "PA" else picture.convert(mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_picture_at_hand_goes_the_way_a_file_of_it_goes(
    mode: str, tmp_path: Path
) -> None:
    suffix = "tif" if mode in ("I", "CMYK") else "png"
    pictures = [of_mode(mode, number) for number in range(8)]
    for number, picture in enumerate(pictures):
        kept = picture.convert("RGBA") if mode == "PA" else picture
        path = tmp_path / "ab"[number % 2] / f"{number}.{suffix}"
        path.parent.mkdir(exist_ok=True)
        kept.save(path)
    files = load(Data(source=str(tmp_path)))
    items = from_python(Items(*((p, n % 2) for n, p in enumerate(pictures))))

    def bag(data: Any) -> list[bytes]:
        return sorted(x.tobytes() for p in (data.train, data.test) for x in p.images)

    assert bag(items) == bag(files)
    assert items.shape == files.shape


def test_grey_and_coloured_pictures_are_all_coloured() -> None:
    pictures = [of_mode("RGB" if n % 3 else "L", n) for n in range(8)]
    data = from_python(Items(*((p, n % 2) for n, p in enumerate(pictures))))
    assert data.shape == (3, 9, 7)


WORDS_AS = {
    "objects": np.array(WORDS, object),
    "series": pd.Series(WORDS),
    "series of objects": pd.Series(WORDS, dtype=object),
    "category": pd.Series(WORDS, dtype="category"),
    "arrow": pd.Series(WORDS, dtype="string[pyarrow]"),
    "any length": np.array(WORDS, np.dtypes.StringDType()),
    "bytes": np.array(WORDS, "S3"),
    "objects of bytes": np.array([w.encode() for w in WORDS], object),
    "column": pd.DataFrame({"kind": WORDS}),
    "array": np.array(WORDS),
    "list": WORDS,
}


@pytest.mark.parametrize("given", WORDS_AS.values(), ids=WORDS_AS)
def test_words_of_every_kind_are_names_of_classes(given: Any) -> None:
    data = from_given((IMAGES, given), spec=Data())
    assert data.classes == ("cat", "dog")
    assert len(data.train) == 16


@pytest.mark.parametrize("kind", ["int64", "Int64", "int8", "bool", object, "float64"])
def test_numbers_of_pandas_are_labels(kind: Any) -> None:
    labels = pd.Series(NUMBERS.astype(int)).astype(kind)
    assert len(from_given((IMAGES, labels), spec=Data()).classes) == 2


def table(**more: Any) -> pd.DataFrame:
    numbers = np.random.default_rng(0).normal(size=(20, 2))
    return pd.DataFrame(numbers, columns=["a", "b"]).assign(**more)


def test_a_table_of_pandas_is_read_by_its_columns() -> None:
    whole = from_given(table(label=WORDS), spec=Data())
    pair = from_given((table(), WORDS), spec=Data())
    assert whole.digest == pair.digest
    assert from_given(table(species=WORDS), spec=Data()).classes == ("cat", "dog")
    both = from_given((table(label=WORDS), table(label=WORDS)), spec=Data())
    assert (len(both.train), len(both.test)) == (20, 20)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (table(), r"the columns a, b, and it is not plain which holds the labels"),
        (
            table(label=WORDS, c=WORDS),
            r"column 'c' of the table holds \w+, not numbers",
        ),
        (
            DataLoader(Items(*ROWS)),
            r"which makes batches of its own\. Give its dataset",
        ),
        (([[1.0, 2.0, 3.0]] * 3), "item 0 of the train part is a list of 3"),
        ((IMAGES, NUMBERS, IMAGES), "the data is a tuple of 3 arrays. Say which is"),
        ([IMAGES, IMAGES, NUMBERS, NUMBERS], "the data is a list of 4 arrays. Say"),
        (((IMAGES, NUMBERS),) * 3, "the data is a tuple of 3. Say which part is"),
        ({"x_train": IMAGES}, "the mapping has no y_train; it holds x_train"),
        ({"cats": IMAGES, "dogs": IMAGES}, "the data is a mapping with cats, dogs"),
        ("digits", "the train part is a str"),
        ((IMAGES, np.eye(20)), r"labels.argmax\(axis=1\)"),
        ((IMAGES, np.arange(20)), "20 different labels in 20 examples"),
        ((IMAGES, [1.5] * 20), "holds fractions"),
        ((np.ma.masked_equal(IMAGES, 3), WORDS), "a masked array has numbers that are"),
        (
            table(c=pd.Series([1, None] * 10, dtype="Int64"), label=WORDS),
            "holds nan in",
        ),
        ((IMAGES, [None, *WORDS[1:]]), "has no label for example 0"),
        ((IMAGES, [float("nan"), *range(19)]), "its class is unknown"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_remedy(given: Any, text: str) -> None:
    with pytest.raises(NormlabError, match=text) as refused:
        from_given(given, spec=Data())
    assert "\n" not in str(refused.value)


def test_arrays_of_usual_names_and_parts_by_name_are_understood() -> None:
    names = {"data": IMAGES, "target": NUMBERS, "target_names": ["cat", "dog"]}
    bunch = from_given(names, spec=Data())
    assert bunch.classes == ("cat", "dog")
    parts = {"train": (IMAGES, WORDS), "val": (IMAGES[:6], WORDS[:6])}
    data = from_given(parts, spec=Data())
    assert data.validation is not None and len(data.validation) == 6
    parts["test"] = (IMAGES[:4], WORDS[:4])
    assert len(from_given(parts, spec=Data()).test) == 4


def test_lists_of_rows_with_labels_are_a_pair() -> None:
    rows = [[float(i), float(-i)] for i in range(20)]
    assert from_given((rows, WORDS), spec=Data()).shape == (2,)


def test_sparse_matrices_become_whole() -> None:
    numbers = np.random.default_rng(0).normal(size=(20, 5))
    sparse = from_given((scipy.sparse.csr_matrix(numbers), WORDS), spec=Data())
    assert sparse.digest == from_given((numbers, WORDS), spec=Data()).digest


def test_digits_of_scikit_learn_are_images() -> None:
    images = np.random.default_rng(0).integers(0, 17, (20, 8, 8)).astype(float)
    bunch = {"data": images.reshape(20, -1), "target": NUMBERS, "images": images}
    bunch |= {"target_names": np.arange(2), "DESCR": "digits", "frame": None}
    data = from_given(bunch, spec=Data())
    assert data.shape == (1, 8, 8) and data.train.images.dtype == np.uint8
    assert "data, DESCR, frame passed over" in described(data)["line"]


def test_the_axes_of_pictures_are_known() -> None:
    pictures = [of_mode("RGB", n) for n in range(8)]
    items = Items(*((p, n % 2) for n, p in enumerate(pictures)))
    with pytest.raises(NormlabError, match=r"data\.axes=hwc is for arrays"):
        from_python(items, spec=Data(axes="hwc"))
