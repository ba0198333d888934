"""From a name or a path to the dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from normlab.data.assemble import Found, assemble
from normlab.data.dataset import Dataset
from normlab.data.download import REMOTES, fetch
from normlab.data.formats import idx, listing, packaged, readers
from normlab.data.formats.cells import SUFFIXES
from normlab.data.formats.columns import is_wide, read_columns
from normlab.data.images.folder import read_images
from normlab.data.mnist import read_mnist
from normlab.disk.remedy import remedy
from normlab.errors import BadData, BadSetting
from normlab.spec.data import Data


def _downloaded(name: str) -> Found:
    remote = REMOTES[name]
    source = idx.read_folder(fetch(name, remote), name=name)
    return replace(source, classes=remote.classes)


NAMED: Mapping[str, Callable[[], Found]] = {
    "mnist": read_mnist,
    **{name: partial(_downloaded, name) for name in REMOTES},
}
"""The built-in sources; a new one is a line here or in `REMOTES`."""


def load(spec: Data, *, root: Path | None = None, spare: int = 0) -> Dataset:
    """Read what `spec.source` names and prepare it as `spec` says.

    A built-in name comes first; write `./mnist` for a folder of that name. A path
    is a file of arrays or a table, a folder with IDX or binary files or with files for
    the parts, a folder of images, or a table of their names and classes.

    Args:
        spec: Found and preparation.
        root: The folder that a relative path starts from; the current one if none.
        spare: Images to hold out where `spec` leaves that open (see `assemble`).

    Raises:
        BadData: If there is no such source, or it cannot be used.
        BadSetting: If `spec` asks for what the source cannot give.

    Example:
        >>> data = load(Data(source="mnist"))
        >>> len(data.train), len(data.test), data.shape, data.classes[3]
        (60000, 10000, (1, 28, 28), '3')
    """
    try:
        source = _source(spec, root)
    except OSError as error:
        place = error.filename or spec.source
        raise BadData(
            f"cannot read {place}: {error.strerror}. "
            f"{remedy(error, otherwise='Give a path that can be read.')}"
        ) from None
    return assemble(source, spec, spare=spare)


def _source(spec: Data, root: Path | None) -> Found:
    if spec.source in NAMED:
        _only_for_images(spec)
        return _built_in(spec.source, root or Path())
    if spec.source == "python":
        raise BadData(
            "this study's data was given from Python. Give it again, from Python."
        )
    if "://" in spec.source:
        raise BadData(
            f"{spec.source} is an address, and data is read from files. Download it, "
            "and give the path to it."
        )
    path = (root or Path()) / Path(spec.source).expanduser()
    if path.is_file():
        return _of_file(path, spec)
    if path.exists() and not path.is_dir():
        raise BadData(f"{path} is neither a file nor a folder. Give one of these.")
    read = readers.of_folder(path)
    if read is None and path.is_dir():
        return read_images(path, spec)
    if read is None:
        raise BadData(_not_found(spec.source, path))
    _only_for_images(spec)
    return read()


def _built_in(name: str, root: Path) -> Found:
    """A source of a name of its own, and a word about a folder that is called so."""
    if not (root / name).exists():
        return NAMED[name]()
    other = f"there is also {root / name}, which is meant by --data ./{name}"
    try:
        source = NAMED[name]()
    except BadData as error:
        raise BadData(f"{error} And {other}.") from None
    return replace(source, notes=(*source.notes, other))


def _of_file(path: Path, spec: Data) -> Found:
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        if not is_wide(path) and listing.names_images(path):
            return listing.read_table(path, spec)
        _only_for_images(spec)
        return read_columns(path)
    if suffix not in readers.READERS and suffix not in packaged.LOADERS:
        known = ", ".join((*readers.READERS, *SUFFIXES, *packaged.LOADERS))
        raise BadData(
            f"{path} is of no known kind. Give a file of one of the kinds {known}, or "
            "a folder of IDX files, of CIFAR's binary files or of images."
        )
    _only_for_images(spec)
    return readers.of_parts({"train": [path]}, name=path.stem)


def _only_for_images(spec: Data) -> None:
    for key in ("image_size", "color", "folders", "skip_unreadable"):
        if getattr(spec, key) != Data.model_fields[key].default:
            raise BadSetting(
                f"data.{key} is for folders and tables of images; {spec.source} holds "
                "its pixels itself. Leave it out."
            )


def _not_found(source: str, path: Path) -> str:
    near = get_close_matches(Path(source).name.lower(), NAMED, n=1)
    meant = f" Did you mean {near[0]}?" if near else ""
    return (
        f"there is no data {source!r}: it is none of {', '.join(NAMED)} and "
        f"{path} does not exist.{meant}"
    )
