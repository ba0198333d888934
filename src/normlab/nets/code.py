"""Python code of a user's: a file that is executed as text, or an importable module.

The text of a file is kept. Every process executes that text for itself, once and at
an address of its own (`base.streams`), so a worker needs neither the file nor an
importable module, a study can store exactly what ran, nothing stays behind in
`sys.modules`, and what the file draws, seeds or sets shifts nobody's numbers. A module
is imported as Python imports it; its text is kept as well.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib import import_module
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from normlab.base.streams import seeded
from normlab.disk.opening import content
from normlab.disk.remedy import remedy
from normlab.errors import BadModel
from normlab.nets.neighbours import MAX_BYTES, file_digests, imported, of_package

MODULE = "normlab_model_file"
"""What `__name__` is in an executed file; never importable."""


class _Executed(NamedTuple):
    """Code that was executed."""

    module: ModuleType
    before: frozenset[str]  # names of the modules that were imported before


@dataclass(frozen=True)
class Code:
    """A file's text, or a module's.

    Attributes:
        path: The file, as an absolute path.
        source: Its text.
        module: Its name, if it is imported; empty if its text is executed.
    """

    path: str
    source: str
    module: str = ""

    @property
    def sha256(self) -> str:
        """SHA-256 of the file, as `sha256sum` prints it."""
        return sha256(self.source.encode()).hexdigest()

    @property
    def root(self) -> Path:
        """The folder that imports start from: above the package, if it is in one."""
        return _root(Path(self.path))

    def execute(self) -> _Executed:
        """Once in each process."""
        return _executed(self)

    def neighbours(self) -> dict[str, str]:
        """SHA-256 of each file that it imports from, by its path from `root`.

        Those of its own project; of an installed package those of the package. Ask when
        the network has been built: a function may import something too.
        """
        module, before = self.execute()
        files = imported(module, self.root, before)
        if self.module:
            files = sorted({*files, *of_package(self.module.partition(".")[0])})
        own = Path(self.path).relative_to(self.root).as_posix()
        return file_digests(self.root, [name for name in files if name != own])

    @contextmanager
    def beside(self, module: ModuleType | None = None) -> Iterator[None]:
        """Let the code import its neighbours, and find itself while it is executed.

        Dataclasses look their module up in `sys.modules` while a class is made.
        """
        folders = list(dict.fromkeys((str(Path(self.path).parent), str(self.root))))
        if self.module:
            folders = folders[-1:]  # its own folder would make sub-modules top ones
        sys.path[:0] = folders
        if module is not None:
            sys.modules[MODULE] = module
        try:
            yield
        finally:
            sys.modules.pop(MODULE, None)
            for folder in folders:
                if folder in sys.path:
                    sys.path.remove(folder)


@lru_cache(maxsize=8)
def _executed(code: Code) -> _Executed:
    before = frozenset(sys.modules)
    if code.module:
        with code.beside(), seeded("model file"):
            return _Executed(import_module(code.module), before)
    module = ModuleType(MODULE)
    module.__file__ = code.path
    folder = Path(code.path).parent
    # relative imports mean the package that it lies in, or the folder as one
    module.__package__ = ".".join(folder.relative_to(_above(folder)).parts)
    with code.beside(module), seeded("model file"):
        exec(compile(code.source.encode(), code.path, "exec"), vars(module))
    return _Executed(module, before)


def _root(path: Path) -> Path:
    folder = path.parent
    return _above(folder) if (folder / "__init__.py").is_file() else folder


def _above(folder: Path) -> Path:
    """The folder that holds a package, or what may pass for one."""
    while (folder / "__init__.py").is_file() and folder != folder.parent:
        folder = folder.parent
    return folder


def code_in_file(file: str) -> Code:
    """The text of a model file, without executing anything.

    Raises:
        BadModel: If it cannot be read.
    """
    path = Path(file).expanduser().absolute()
    return Code(str(path), _text(path))


def code_in_module(name: str) -> Code:
    """The text of a module, found where Python would import it, without doing so.

    Raises:
        BadModel: If there is none, or it is not written in Python.
    """
    where, origin = [str(Path.cwd()), *sys.path], None
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names:
        raise BadModel(f"model module '{name}' is Python's own and holds no network.")
    parts = name.split(".")
    for level in range(1, len(parts) + 1):
        spec = PathFinder.find_spec(".".join(parts[:level]), where)
        if spec is None or (level < len(parts) and not spec.submodule_search_locations):
            raise BadModel(
                f"there is no module '{'.'.join(parts[:level])}' here. Start in the "
                "folder that holds it, install it, or give FILE.py:factory."
            )
        where, origin = list(spec.submodule_search_locations or ()), spec.origin
    if origin is None or not origin.endswith(".py"):
        raise BadModel(
            f"module '{name}' is no file of Python ({origin or 'a folder'}). Name the "
            "module that defines the network."
        )
    path = Path(origin).absolute()
    return Code(str(path), _text(path), name)


def _text(path: Path) -> str:
    try:
        return content(path, most=MAX_BYTES).decode()
    except FileNotFoundError:
        raise BadModel(f"model file {path} does not exist.") from None
    except OSError as unreadable:
        raise BadModel(
            f"model file {path} cannot be read: {unreadable.strerror}. "
            f"{remedy(unreadable, otherwise='Give a file that can be read.')}"
        ) from None
    except UnicodeDecodeError as garbled:
        raise BadModel(
            f"model file {path} is not UTF-8 text (byte {garbled.start}). Save it so."
        ) from None
