"""Examples of an object with `len` and items, such as a torch Dataset, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from normlab.base.streams import seeded
from normlab.data.formats.names import IMAGES, LABELS
from normlab.data.images.picture import ImageHeader, header_of, picture_of, pixels_of
from normlab.data.images.upright import upright
from normlab.errors import BadData, described
from normlab.spec.data import Axes
from normlab.user_code import refusing


class Items(NamedTuple):
    """What was read of a dataset, and what was left out of its items."""

    images: NDArray[Any]
    labels: NDArray[Any]
    axes: Axes | None = None
    notes: tuple[str, ...] = ()


def read_items(
    dataset: Any, indices: NDArray[np.int64], part: str, address: tuple[int | str, ...]
) -> Items:
    """The items at `indices`, drawn at an address where they are drawn.

    Args:
        dataset: With items (image, label), or mappings with one image and one label.
        indices: Which items.
        part: What the dataset is called in an error.
        address: Of the random stream that the default generators follow meanwhile.

    Raises:
        BadData: If an item cannot be read, is of no such kind, or of another size.
    """
    with seeded(*address):
        raw, labels, notes = samples(dataset, indices, part)
    pictures = all(map(_is_picture, raw))
    images = _decoded(raw) if pictures else [as_array(image) for image in raw]
    for index, image in zip(indices, images, strict=True):
        if image.shape != images[0].shape:
            raise BadData(
                f"item {index} of the {part} part has shape {image.shape}, item "
                f"{indices[0]} {images[0].shape}. Give images of one size."
            )
    return Items(np.stack(images), _labels(labels), "chw" if pictures else None, notes)


def samples(
    dataset: Any, indices: NDArray[np.int64], part: str
) -> tuple[list[Any], list[Any], tuple[str, ...]]:
    """Images as they come and labels of some items, and what was passed over."""
    images, labels = [], []
    notes: dict[str, None] = {}
    for index in indices.tolist():
        with refusing(partial(_unreadable, f"item {index} of the {part} part")):
            item = dataset[index]
        image, label, note = _pair(item, index, part)
        notes.update(dict.fromkeys(note))
        images.append(_from_file(image, index, part))
        labels.append(label if isinstance(label, str) else as_array(label)[()])
    return images, labels, tuple(notes)


def length(dataset: Any, part: str) -> int:
    """How many items a dataset says that it has.

    Raises:
        BadData: If it cannot say it.
    """
    with refusing(partial(_unreadable, f"the length of the {part} part")):
        return len(dataset)


def _unreadable(what: str, error: BaseException) -> BadData:
    return BadData(f"{what} cannot be read ({described(error)}).")


def as_array(values: Any) -> NDArray[Any]:
    """An array of arrays, tensors on any device, PIL images, tables, lists, numbers.

    Sparse ones become whole; of a masked one nothing may be missing.

    Raises:
        BadData: If no array can be made of it.
    """
    if _is_picture(values):
        return _decoded([values])[0]
    if hasattr(values, "dtypes") and hasattr(values, "columns"):
        return _of_frame(values)
    if np.ma.is_masked(values):
        raise BadData(
            "a masked array has numbers that are missing. Fill them, or leave these "
            "examples out."
        )
    if hasattr(values, "toarray"):  # sparse
        return np.asarray(values.toarray())
    detach = getattr(values, "detach", None)
    with refusing(
        lambda error: BadData(
            f"cannot make an array of a {type(values).__name__} ({described(error)}). "
            "Give arrays or tensors."
        )
    ):
        if detach is not None:
            plain = detach().cpu()
            # NumPy has no bfloat16, and float32 holds all of it
            kind = str(getattr(plain, "dtype", ""))
            return np.asarray(plain.float() if kind == "torch.bfloat16" else plain)
        return np.asarray(values)


def _from_file(image: Any, index: int, part: str) -> Any:
    """The picture that a cell of a table holds as a file's content; others stay."""
    if not isinstance(image, Mapping) or not image.keys() <= {"bytes", "path"}:
        return image
    if not isinstance(image.get("bytes"), bytes):
        raise BadData(
            f"item {index} of the {part} part names the image {image.get('path')!r} "
            "and does not hold it. Give images, or a folder of them."
        )
    return picture_of(image["bytes"], f"{part} {index}")


def _pair(item: Any, index: int, part: str) -> tuple[Any, Any, tuple[str, ...]]:
    """Image and label of an item, and which of its columns were passed over."""
    if isinstance(item, Mapping):
        image, label = (_key(item, words, index, part) for words in (IMAGES, LABELS))
        others = [str(key) for key in item if key not in (image, label)]
        note = f"items: {image} taken as image and {label} as label"
        left = f"; {', '.join(others)} passed over" if others else ""
        return item[image], item[label], (f"{note}{left}",) if others else ()
    if isinstance(item, tuple | list) and len(item) == 2:
        return item[0], item[1], ()
    size = f" of {len(item)}" if isinstance(item, Sequence | np.ndarray) else ""
    rows = " For rows of a table give (rows, labels)." if size else ""
    raise BadData(
        f"item {index} of the {part} part is a {type(item).__name__}{size}; it must be "
        f"(image, label), or a mapping with one image and one label.{rows}"
    )


def _key(item: Mapping[Any, Any], words: Sequence[str], index: int, part: str) -> Any:
    """The key of an item that is called like one of `words`, the first of them."""
    by_name = {str(key).lower(): key for key in item}
    for word in words:
        if word in by_name:
            return by_name[word]
    other = IMAGES if words is LABELS else LABELS
    rest = [key for name, key in by_name.items() if name not in other]
    if len(item) == 2 and len(rest) == 1:
        return rest[0]
    what = "label" if words is LABELS else "image"
    raise BadData(
        f"item {index} of the {part} part is a {type(item).__name__} with "
        f"{', '.join(map(str, item)) or 'nothing'}, and it is not plain which is the "
        f"{what}. Call it {words[0]}, or give items (image, label)."
    )


def _is_picture(values: Any) -> bool:
    return hasattr(values, "getbands") and hasattr(values, "convert")


def _decoded(pictures: Sequence[Any]) -> list[NDArray[Any]]:
    """Pixels as a folder of these pictures would give them, of one depth and colour."""
    looks = [header_of(picture) for picture in pictures]
    colour, bits = any(look.colour for look in looks), max(look.bits for look in looks)
    return [
        pixels_of(picture, ImageHeader(*upright(picture).size, colour, bits))
        for picture in pictures
    ]


def _of_frame(frame: Any) -> NDArray[Any]:
    """A table of pandas, if its columns are numbers; a single one may be words."""
    if len(frame.columns) == 1:
        return np.asarray(frame.iloc[:, 0])
    for name, kind in frame.dtypes.items():
        if getattr(kind, "kind", "O") not in "buif":
            raise BadData(
                f"column {name!r} of the table holds {kind}, not numbers. Leave it "
                "out, or make numbers of it (pandas.get_dummies)."
            )
    array = np.asarray(frame)
    if array.dtype.hasobject:  # columns of several types, or with missing numbers
        return frame.to_numpy(dtype=np.float64, na_value=np.nan)
    return array


def _labels(labels: list[Any]) -> NDArray[Any]:
    # texts and numbers together would all become texts
    if len({isinstance(label, str) for label in labels}) > 1:
        return np.array(labels, object)
    return np.array(labels)
