"""What a study learns and is tested on: images in memory, or mapped from files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from math import prod
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from normlab.base.digest import digest
from normlab.disk.opening import content, refuse_links
from normlab.disk.remedy import refuse_want, remedy
from normlab.errors import BadData, BadFolder

_MOST = 64 << 20  # bytes of names and notes
PARTS = ("train", "test", "validation")
_TYPES = (np.uint8, np.float32, np.float64, np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Images and their labels, image i with label i.

    Raises:
        BadData: If the counts differ, there are none, or an element type is wrong.

    Example:
        >>> images = np.zeros((4, 1, 2, 2), np.uint8)
        >>> len(Part(images=images, labels=np.array([0, 1, 0, 1])))
        4
    """

    images: NDArray[Any]
    """(n, channels, ...) or (n, features): uint8 pixels, floats, or int64."""
    labels: NDArray[np.int64]
    """(n,), from 0 to classes - 1."""

    def __post_init__(self) -> None:
        if self.images.dtype not in _TYPES:
            raise BadData(
                f"images are {self.images.dtype}; use uint8, float32, float64 or int64."
            )
        if self.labels.dtype != np.int64 or self.labels.ndim != 1:
            raise BadData(
                f"labels are {self.labels.dtype} of shape {self.labels.shape}; "
                "use int64 of shape (images,)."
            )
        if len(self.images) != len(self.labels):
            raise BadData(
                f"{len(self.images)} images but {len(self.labels)} labels; "
                "give one label per image."
            )
        if not len(self.labels):
            raise BadData("a part without images; give at least one.")

    def __len__(self) -> int:
        return len(self.labels)

    def chosen(self, indices: NDArray[np.int64]) -> Part:
        """A new part of the images at `indices`, in that order."""
        return Part(images=self.images[indices], labels=self.labels[indices])


class Reread(Protocol):
    """Training images that differ from epoch to epoch."""

    def epoch(self, seed: int, epoch: int) -> Part:
        """What is learnt in `epoch`; no arm is asked for, so twins see the same."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """All images of a study, with what is needed to feed them to a network.

    A network sees `(x - mean) / std`, channel by channel, where a uint8 image is
    divided by 255 first; int64 numbers it sees as they are. `mean` and `std` hold one
    number for all, or one per channel (the first axis of a sample).
    """

    name: str
    train: Part
    test: Part
    validation: Part | None  # held out of the training part, to choose by
    classes: tuple[str, ...]  # the name of label 0, 1, ...
    mean: tuple[float, ...]
    std: tuple[float, ...]
    live: Reread | None = None  # then `train` is one reading of it
    notes: tuple[str, ...] = ()
    """What was decided, left out, split off or passed over; not part of the digest."""
    looks: str = ""
    """What an example is, in words; if empty, its shape and type say it."""

    @property
    def parts(self) -> Mapping[str, Part]:
        """The parts that there are, by name."""
        found = {name: getattr(self, name) for name in PARTS}
        return {name: part for name, part in found.items() if part is not None}

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample, for images (channels, height, width)."""
        return self.train.images.shape[1:]

    @property
    def inputs(self) -> int:
        """Numbers in one sample, as a network without convolutions sees it."""
        return prod(self.shape)

    @cached_property
    def digest(self) -> str:
        """What the parts, classes, mean and std are, as 32 hexadecimal digits."""
        held = [digest(array) for array in self._arrays().values()]
        rest = (self.classes, self.mean, self.std, held)
        return blake2b(repr(rest).encode(), digest_size=16).hexdigest()

    def noted(self, *notes: str) -> Dataset:
        """The same with these notes too, each once."""
        return replace(self, notes=tuple(dict.fromkeys((*self.notes, *notes))))

    def save(self, folder: Path) -> None:
        """Write the parts as .npy files that `open_dataset` maps; not `live`.

        Raises:
            BadFolder: If the folder cannot be written, or the disk is full.
        """
        about = {
            "name": self.name,
            "classes": self.classes,
            "mean": self.mean,
            "std": self.std,
            "live": self.live is not None,
            "notes": self.notes,
            "looks": self.looks,
            "parts": list(self.parts),
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, array in self._arrays().items():
                np.save(folder / f"{name}.npy", array, allow_pickle=False)
            # last: a folder that holds it is complete
            (folder / "dataset.json").write_text(json.dumps(about), encoding="utf-8")
        except OSError as error:
            reason = error.strerror or error
            raise BadFolder(
                f"cannot write the data to {folder}: {reason}. "
                f"{remedy(error, otherwise='Choose another folder.')}"
            ) from error

    def apart(self) -> Dataset:
        """The same in memory of its own, not mapped from files that may go."""
        copied = {
            name: Part(images=np.array(part.images), labels=np.array(part.labels))
            for name, part in self.parts.items()
        }
        return replace(self, **copied)

    def _arrays(self) -> Mapping[str, NDArray[Any]]:
        return {
            f"{name}-{kind}": getattr(part, kind)
            for name, part in self.parts.items()
            for kind in ("images", "labels")
        }


def open_dataset(folder: Path, *, live: Reread | None = None) -> Dataset:
    """Map what `Dataset.save` wrote; processes that do so share one copy.

    The files are mapped copy-on-write: who writes to an array changes a private
    copy of that page, never the file.

    Args:
        folder: Where it was saved.
        live: The source of augmented images, which files cannot hold.

    Raises:
        BadData: If files are missing or damaged, or `live` is missing.
    """
    try:
        about = json.loads(content(folder / "dataset.json", most=_MOST, within=folder))
        parts = {name: _mapped(folder, name) for name in about["parts"]}
        found = Dataset(
            name=about["name"],
            train=parts["train"],
            test=parts["test"],
            validation=parts.get("validation"),
            classes=tuple(about["classes"]),
            mean=tuple(about["mean"]),
            std=tuple(about["std"]),
            live=live,
            notes=tuple(about.get("notes", ())),
            looks=about.get("looks", ""),
        )
        augmented = about["live"]
    except Exception as error:  # whatever damage makes of the reading
        refuse_want(error)
        raise BadData(
            f"{folder} holds no complete saved dataset ({error}). Save it again."
        ) from error
    if augmented and live is None:
        raise BadData(
            f"{folder} holds one reading of an augmented dataset; give the dataset "
            "itself as live."
        )
    return found


def _mapped(folder: Path, part: str) -> Part:
    images, labels = (folder / f"{part}-{kind}.npy" for kind in ("images", "labels"))
    for path in (images, labels):
        refuse_links(path, folder)
        if not path.is_file():  # a pipe would be waited for
            raise FileNotFoundError(f"no file {path.name}")
    # "c": torch.from_numpy warns of arrays that it may not write to
    return Part(
        images=np.load(images, mmap_mode="c"), labels=np.load(labels, mmap_mode="c")
    )
