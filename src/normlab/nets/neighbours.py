"""The files beside a model file that it imports from."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Collection, Iterable
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from normlab.disk.opening import content
from normlab.disk.remedy import refuse_want

MAX_BYTES = 10_000_000
_LIBRARIES = ("stdlib", "platstdlib", "purelib", "platlib")
_INSTALLED = (
    Path(__file__).parents[1],  # normlab's own files
    *(Path(sysconfig.get_path(name)) for name in _LIBRARIES),
)


def file_digests(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of files in a folder, by name; empty for one that cannot be read."""

    def of(name: str) -> str:
        try:
            return sha256(content(folder / name, most=MAX_BYTES)).hexdigest()
        except OSError as error:
            refuse_want(error)
            return ""

    return {name: of(name) for name in names}


def imported(module: ModuleType, folder: Path, before: Collection[str]) -> list[str]:
    """The files of a folder that a module took something from, by their paths there.

    Args:
        module: Is executed.
        folder: Where its own file is.
        before: Names of the modules that were imported before it.
    """
    new = [sys.modules[name] for name in sys.modules.keys() - set(before)]
    found = {name for one in new if (name := _within(folder, one))}
    _add_imported(module, folder, found)
    return sorted(found)


def of_package(name: str) -> list[str]:
    """The files of an imported package, by their paths from where it lies."""
    top = sys.modules.get(name)
    file = getattr(top, "__file__", None) or ""
    folders = list(getattr(top, "__path__", [])) or [file]
    root = Path(folders[0]).parent
    found = (
        Path(str(getattr(module, "__file__", None)))
        for known, module in list(sys.modules.items())
        if known.partition(".")[0] == name
    )
    return sorted(
        one.relative_to(root).as_posix()
        for one in found
        if one.suffix == ".py" and one.is_relative_to(root)
    )


def _within(folder: Path, module: object) -> str | None:
    """The path of a module's file from `folder`; None for one that is not in it.

    What is installed there, as in a project's own environment, is none of it.
    """
    named = getattr(module, "__file__", None)
    if not isinstance(named, str) or not named.endswith(".py"):
        return None
    file = Path(named)
    installed = any(file.is_relative_to(place) for place in _INSTALLED)
    if installed or "site-packages" in file.parts or not file.is_relative_to(folder):
        return None
    return file.relative_to(folder).as_posix()


def _add_imported(module: ModuleType, folder: Path, found: set[str]) -> None:
    """Add files that `module` took names from, if imported before, and theirs."""
    for value in list(vars(module).values()):
        home = str(getattr(value, "__module__", None))
        one = value if isinstance(value, ModuleType) else sys.modules.get(home)
        name = _within(folder, one)
        if one is not None and name is not None and name not in found:
            found.add(name)
            _add_imported(one, folder, found)
