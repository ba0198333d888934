"""What lies below a folder: images, and what is passed over."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from normlab.data.images.picture import suffixes
from normlab.data.words import counted, few

# of file managers, network drives, waste baskets, file systems
_SERVICE = frozenset(
    ("@eadir", "#recycle", "$recycle.bin", "lost+found", "system volume information")
)
_NEAR = 3  # levels of folders
_DEEP = 100  # levels of folders at most: more would be a mishap, or made to harm


class PassedOver:
    """Counts what is not read, to be said in one line."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.files: Counter[str] = Counter()
        self.folders: list[str] = []
        self.links: list[str] = []
        self.locked: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """A phrase for each kind.

        Example:
            >>> passed = PassedOver()
            >>> passed.files.update((".txt", ".heic", ".txt"))
            >>> passed.notes
            ('passed over 3 files (2 .txt, 1 .heic)',)
        """
        kinds = ", ".join(f"{n} {kind}" for kind, n in self.files.most_common())
        files = [f"passed over {counted(self.files.total(), 'file')} ({kinds})"]
        return (
            *(files if self.files else ()),
            *_said("passed over", "hidden or service folder", self.folders),
            *_said("passed over", "linked folder", self.links),
            *_said("could not look into", "folder", self.locked),
        )


def _said(verb: str, kind: str, names: list[str]) -> list[str]:
    some = f"{verb} {counted(len(names), kind)}: {few(sorted(names))}"
    return [some] if names else []


def is_service(name: str) -> bool:
    """Whether a file or folder is hidden, or a program's own.

    Example:
        >>> [is_service(n) for n in (".git", "__MACOSX", "@eaDir", "cat")]
        [True, True, True, False]
    """
    return name.startswith((".", "__")) or name.lower() in _SERVICE


def is_image(path: Path) -> bool:
    """Whether a file is shown, and named like an image that can be read."""
    shown = not path.name.startswith(".")
    # Path's own fails where a path is too long
    return shown and path.suffix.lower() in suffixes() and os.path.isfile(path)  # noqa: PTH113


def folders_of(folder: Path, passed: PassedOver | None = None) -> list[Path]:
    """The folders directly below, sorted, but for hidden and service ones.

    Linked ones are among them: the top of a data set is often made of links.
    """
    with os.scandir(folder) as entries:
        found = sorted(folder / entry.name for entry in entries if entry.is_dir())
    if passed is not None:
        passed.folders += [path.name for path in found if is_service(path.name)]
    return [path for path in found if not is_service(path.name)]


def files_of(folder: Path) -> list[Path]:
    """The images directly in a folder, sorted."""
    return sorted(path for path in folder.iterdir() if is_image(path))


def images_below(folder: Path, passed: PassedOver) -> list[Path]:
    """The images anywhere below a folder, sorted; links to files are followed.

    Links to folders are not: they may lead in a circle, or to images that are read
    from where they lie.

    Raises:
        OSError: If the folder itself cannot be read.
    """

    def locked(error: OSError) -> None:
        if error.filename == str(folder):
            raise error
        passed.locked.append(_seen(Path(error.filename), folder))

    found: list[Path] = []
    for place, inner, names in os.walk(folder, onerror=locked):
        here = Path(place)
        inner[:] = _entered(here, inner, folder, passed)
        for path in (here / name for name in names):
            if is_image(path):
                found.append(path)
            else:
                passed.files[_kind(path)] += 1
    return sorted(found)


def _entered(
    here: Path, inner: Sequence[str], folder: Path, passed: PassedOver
) -> list[str]:
    """Which folders in `here` are looked into; the others are noted."""
    if inner and len(here.relative_to(folder).parts) == _DEEP:
        passed.locked.append(_seen(here, folder))
        return []
    kept = []
    for name in inner:
        if is_service(name):
            passed.folders.append(_seen(here / name, folder))
            continue
        kept.append(name)
        if os.path.islink(here / name):  # noqa: PTH114
            passed.links.append(_seen(here / name, folder))
    return kept


def images_near(folder: Path) -> list[Path]:
    """The images in a folder and in those up to three levels below it, sorted."""
    found: list[Path] = []
    for place, inner, names in os.walk(folder):
        here = Path(place)
        deep = len(here.relative_to(folder).parts) == _NEAR
        inner[:] = [] if deep else [name for name in inner if not is_service(name)]
        found += [path for path in (here / name for name in names) if is_image(path)]
    return sorted(found)


def loose(folder: Path, passed: PassedOver) -> None:
    """Count the files that lie beside the folders of classes or parts."""
    for path in folder.iterdir():
        if not path.is_dir():
            passed.files[_kind(path)] += 1


def _kind(path: Path) -> str:
    if path.is_symlink() and not path.exists():
        return "broken link"
    return "hidden" if path.name.startswith(".") else path.suffix or "without a suffix"


def _seen(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder.parent))
