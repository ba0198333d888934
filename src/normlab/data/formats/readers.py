"""Which reader suits a file of arrays, or a folder that holds such files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from normlab.data.assemble import Found, LabeledImages
from normlab.data.formats import cifar, idx, packaged
from normlab.data.formats.cells import SUFFIXES
from normlab.data.formats.columns import is_wide, read_columns
from normlab.data.formats.listing import names_images
from normlab.data.formats.mat import read_mat
from normlab.data.formats.names import part_of
from normlab.data.formats.npz import read_npz
from normlab.data.formats.saved import read_saved
from normlab.errors import BadData

READERS: Mapping[str, Callable[[Path], Found]] = {
    ".npz": read_npz,
    ".mat": read_mat,
    ".pt": read_saved,
    ".pth": read_saved,
}
"""Suffix to reader of files that hold whole arrays."""
_SHARDS = (".parquet", ".arrow", ".tar")  # a folder of these holds nothing else
_INSIDE = ("raw", "*/raw", "cifar-10-batches-bin", "cifar-100-binary")


def of_folder(path: Path) -> Callable[[], Found] | None:
    """What reads the arrays below a folder; None if there are none.

    Args:
        path: With IDX files, with CIFAR's binary files, or with one file for each part
            (train.npz, test.npz); these may lie in raw/ as torchvision puts them. Or
            the name of one of several sets of IDX files below its parent.
    """
    if not path.exists():
        several = path.parent.is_dir() and idx.is_folder(path.parent, of=path.name)
        return partial(idx.read_folder, path.parent, of=path.name) if several else None
    for folder in _places(path):
        if idx.is_folder(folder):
            raw = folder.name == "raw"
            name = folder.resolve().parent.name if raw else None
            return partial(idx.read_folder, folder, name=name)
        if cifar.is_folder(folder):
            return partial(cifar.read_folder, folder)
    parts = _by_part(path)
    if parts:
        return partial(of_parts, parts, name=path.resolve().name)
    _refuse_pickles(path)
    return None


def of_parts(parts: Mapping[str, Sequence[Path]], *, name: str) -> Found:
    """One file for each part; the training file may bring a test part itself.

    Raises:
        BadData: If a file cannot be read.
    """
    if parts["train"][0].suffix.lower() in packaged.LOADERS:
        return packaged.read_packaged(parts, name=name)
    found = {part: _read(files[0]) for part, files in parts.items()}
    whole = found["train"]

    def pair(part: str) -> LabeledImages | None:
        return found[part].train if part in found else getattr(whole, part)

    return Found(
        name=name,
        train=whole.train,
        test=pair("test"),
        validation=pair("validation"),
        classes=whole.classes,
        axes=whole.axes,
        notes=tuple(dict.fromkeys(n for one in found.values() for n in one.notes)),
    )


def _read(path: Path) -> Found:
    suffix = path.suffix.lower()
    return read_columns(path) if suffix in SUFFIXES else READERS[suffix](path)


def _places(path: Path) -> Iterator[Path]:
    yield path
    for pattern in _INSIDE:
        yield from sorted(p for p in path.glob(pattern) if p.is_dir())


def _by_part(folder: Path) -> dict[str, list[Path]]:
    """The files of arrays in a folder by part, all of one kind; maybe none."""
    for home in (folder, folder / "data"):
        entries = list(home.iterdir()) if home.is_dir() else []
        bare = not any(path.is_dir() for path in entries)
        for suffix in (*READERS, *packaged.LOADERS, *SUFFIXES):
            files = [path for path in entries if path.suffix.lower() == suffix]
            parts = packaged.parts_of(files)
            named = any(part_of(path.stem) == "train" for path in files)
            if suffix in packaged.LOADERS:
                # other files of these kinds lie beside images
                found = named or (bare and suffix in _SHARDS and bool(files))
            else:
                single = all(len(found) == 1 for found in parts.values())
                found = named and single and len(parts) > 1
            if found and not (suffix in SUFFIXES and _name_images(files)):
                return parts
    return {}


def _name_images(tables: Sequence[Path]) -> bool:
    return any(not is_wide(p) and names_images(p) for p in tables)


def _refuse_pickles(folder: Path) -> None:
    batches = folder / "cifar-10-batches-py"
    home = batches if batches.is_dir() else folder
    if all((home / name).is_file() for name in ("batches.meta", "data_batch_1")):
        raise BadData(
            f"{home} holds CIFAR's version for Python, which is made of pickles, and "
            "these are programs. Give its binary version (cifar-10-binary.tar.gz)."
        )
