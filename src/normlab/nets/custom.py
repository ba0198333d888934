"""A user's own network: a factory in a Python file.

The file is kept as text. Every process executes that text for itself, once and at
an address of its own (`base.streams`), so a worker needs neither the file nor an
importable module, a study can store exactly what ran, nothing stays behind in
`sys.modules`, and what the file draws, seeds or sets shifts nobody's numbers.
"""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from torch import nn

from normlab.base.slots import NormMaker
from normlab.base.streams import seeded
from normlab.disk.opening import content
from normlab.disk.remedy import remedy
from normlab.errors import BadModel, described
from normlab.nets.neighbours import MAX_BYTES, file_digests, imported
from normlab.user_code import refusing

_OFFERED = ("shape", "classes", "num_classes")
_MODULE = "normlab_model_file"  # the user's `__name__`; never importable


if TYPE_CHECKING:
    from normlab.nets.own_norm import OwnNorm


class _Executed(NamedTuple):
    """A model file that was executed."""

    module: ModuleType
    before: frozenset[str]  # names of the modules that were imported before


@dataclass(frozen=True)
class Factory:
    """A function of a user's file that builds a network around a norm.

    Attributes:
        path: The file, as an absolute path.
        name: The function (or class) in it.
        source: The text of the file.
        norms: Norms of the user's own that it may be called with, by arm.
    """

    path: str
    name: str
    source: str
    norms: Mapping[str, OwnNorm] = field(default_factory=dict, hash=False)

    @property
    def sha256(self) -> str:
        """SHA-256 of the file, as `sha256sum` prints it."""
        return sha256(self.source.encode()).hexdigest()

    @property
    def takes_norm(self) -> bool:
        """Whether it is to be called with a norm, see the function of this name.

        Raises:
            BadModel: As `load` does.
        """
        return takes_norm(self.load())

    def build(
        self, norm: NormMaker | None, shape: tuple[int, ...], classes: int
    ) -> nn.Module:
        """Call the user's factory: `factory(norm)`, or with `shape` and `classes`.

        Parameters called `norm`, `shape` (of one example) and `classes` are passed
        by name; where none is called `norm`, it is the first one.

        Args:
            norm: Makes the norm of a slot: `norm(features)` for vectors,
                `norm(channels, dims=2)` for images. None calls it without one.
            shape: Of one example, without the batch.
            classes: Number of outputs.

        Raises:
            BadModel: If the file cannot be executed, has no such factory, or the
                factory fails or returns something else than a module.
        """
        call = self.load()
        try:
            given = arguments(call, self.name, **offered(norm, shape, classes))
        except BadModel as misfit:
            raise BadModel(f"{self}: {misfit}") from None
        called = f"{self.name}({'' if norm is None else _bound_to(given)})"
        with _beside(self.path), _told(self, called):
            model = call(*given.args, **given.kwargs)
        if not isinstance(model, nn.Module):
            raise BadModel(
                f"{self}: the factory returned {_kind(model)} where a "
                f"torch.nn.Module was expected. Return the network itself."
            )
        return model

    def load(self) -> Callable[..., object]:
        """Execute the file's text, once in each process, and pick the factory.

        Raises:
            BadModel: If the text cannot be executed or has no such factory.
        """
        names = vars(self._executed.module)
        found = names.get(self.name)
        if callable(found):
            return found
        own = [name for name, value in names.items() if _is_own(value)]
        raise BadModel(
            f"{self.path} defines no '{self.name}'. "
            f"It defines: {', '.join(own) or 'no function or class'}."
        )

    def neighbours(self) -> dict[str, str]:
        """SHA-256 of each file in its folder that it imports from, by its path there.

        Ask when the network has been built: a function may import something too.
        """
        folder, (module, before) = Path(self.path).parent, self._executed
        return file_digests(folder, imported(module, folder, before))

    @property
    def _executed(self) -> _Executed:
        with _told(self, "its import"):
            return _execute(self.path, self.source)

    def __str__(self) -> str:
        return f"{self.path}:{self.name}"


def _bound_to(given: inspect.BoundArguments) -> str:
    """The norm as it was handed over; where no parameter is called so, to which."""
    if "norm" in given.arguments:
        return "norm"
    return f"{next(iter(given.arguments))}=norm"


def offered(
    norm: NormMaker | None, shape: tuple[int, ...], classes: int
) -> dict[str, object]:
    """What a factory may ask for by name."""
    known = {"shape": shape, "classes": classes, "num_classes": classes}
    return known if norm is None else {"norm": norm, **known}


@lru_cache(maxsize=8)
def _execute(path: str, source: str) -> _Executed:
    module, before = ModuleType(_MODULE), frozenset(sys.modules)
    module.__file__ = path
    with _beside(path, module), seeded("model file"):
        exec(compile(source.encode(), path, "exec"), vars(module))
    return _Executed(module, before)


def takes_norm(call: Callable[..., object]) -> bool:
    """Whether a factory is to be called with a norm.

    So it is where a parameter is called `norm`, or one has no default that is none of
    `shape`, `classes` and `num_classes`.

    Example:
        >>> takes_norm(lambda make: 0), takes_norm(lambda num_classes, depth=3: 0)
        (True, False)
    """
    try:
        parameters = inspect.signature(call).parameters
    except (TypeError, ValueError):
        return True
    return "norm" in parameters or any(
        one.default is one.empty
        and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
        for name, one in parameters.items()
        if name not in _OFFERED
    )


def arguments(
    call: Callable[..., object], name: str, **offered: object
) -> inspect.BoundArguments:
    """What a factory is called with: the norm, and what else it asks for by name.

    Args:
        call: The factory. Where no parameter is called `norm`, it is the first one.
        name: Of the factory, as the user knows it.
        offered: `norm` if there is one, and what a factory may ask for.

    Raises:
        BadModel: If it has other parameters without a default, or none.

    Example:
        >>> arguments(lambda make, classes: 0, "make", norm=1, classes=3).args
        (1, 3)
    """
    try:
        signature = inspect.signature(call)
        asked = {n: offered[n] for n in signature.parameters if n in offered}
        norm = [offered["norm"]] if "norm" in offered else []
        first = [] if "norm" in asked else norm
        return signature.bind(*first, **asked)
    except (TypeError, ValueError) as misfit:
        raise BadModel(
            f"called as {name}(norm) or {name}(norm, shape, classes), but {misfit}. "
            f"Give other parameters a default."
        ) from None


def from_file(address: str) -> Factory:
    """Read a user's factory from `FILE.py:factory`, without executing anything.

    Raises:
        BadModel: If the address has another form or the file cannot be read.
    """
    file, _, name = address.rpartition(":")
    if not file.endswith(".py") or not name.isidentifier():
        raise BadModel(
            f"model '{address}' is not of the form FILE.py:factory, e.g. "
            f"my_net.py:make."
        )
    path = Path(file).expanduser().absolute()
    try:
        source = content(path, most=MAX_BYTES).decode()
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
    return Factory(str(path), name, source)


@contextmanager
def _beside(path: str, module: ModuleType | None = None) -> Iterator[None]:
    """Let the file import its neighbours, and find itself while it is executed.

    Dataclasses look their module up in `sys.modules` while a class is made.
    """
    folder = str(Path(path).parent)
    sys.path.insert(0, folder)
    if module is not None:
        sys.modules[_MODULE] = module
    try:
        yield
    finally:
        sys.modules.pop(_MODULE, None)
        if folder in sys.path:
            sys.path.remove(folder)


@contextmanager
def _told(factory: Factory, doing: str) -> Iterator[None]:
    """Say an error of the user's code in one line, with its place in the file."""

    def told(error: BaseException) -> BadModel:
        if isinstance(error, BadModel):
            return BadModel(f"{factory}: {error}")
        line = _line(error, factory.path)
        where = f"{factory.path}, line {line}" if line else factory.path
        return BadModel(f"{where}: {doing} failed with {described(error)}")

    with refusing(told):
        yield


def _line(error: BaseException, path: str) -> int | None:
    """The deepest line of the user's file that was being executed."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == path]
    return lines[-1] if lines else None


def _is_own(value: object) -> bool:
    return callable(value) and getattr(value, "__module__", None) == _MODULE


def _kind(value: object) -> str:
    return "nothing (None)" if value is None else f"a {type(value).__name__}"
