"""A user's own network: a factory in a Python file or module."""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from normlab.base.slots import NormMaker
from normlab.errors import BadModel, described
from normlab.nets.beside import Beside
from normlab.nets.code import MODULE, Code, code_in_file, code_in_module
from normlab.user_code import refusing

_OFFERED = ("shape", "classes", "num_classes")
_NORMS = ("norm", "norm_layer")
_ADDRESS = re.compile(r"(?P<where>.+):(?P<name>[A-Za-z_]\w*)")


@dataclass(frozen=True)
class Factory(Beside):
    """A function of a user's code that builds a network, around a norm or without.

    Attributes:
        code: Where it is.
        name: The function (or class) in it.
        options: Keywords to call it with.
    """

    code: Code
    name: str
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def takes_norm(self) -> bool:
        """Whether it is to be called with a norm, see the function of this name.

        Raises:
            BadModel: As `load` does.
        """
        return takes_norm(self.load(), self.options)

    @property
    def has_own_norms(self) -> bool:
        """Whether it builds norms where it is given none, see `has_own_norms`.

        Raises:
            BadModel: As `load` does.
        """
        return has_own_norms(self.load(), self.options)

    def build(
        self, norm: NormMaker | None, shape: tuple[int, ...], classes: int
    ) -> nn.Module:
        """Call the user's factory with what it asks for by name, see `arguments`.

        Args:
            norm: Makes the norm of a slot: `norm(features)` for vectors,
                `norm(channels, dims=2)` for images. None calls it without one.
            shape: Of one example, without the batch.
            classes: Number of outputs.

        Raises:
            BadModel: If the code cannot be executed, has no such factory, or the
                factory fails or returns something else than a module.
        """
        call = self.load()
        try:
            known = offered(norm, shape, classes)
            given = arguments(call, self.name, self.options, **known)
        except BadModel as misfit:
            raise BadModel(f"{self}: {misfit}") from None
        called = f"{self.name}({'' if norm is None else _bound_to(given)})"
        with self.code.beside(), _told(self, called):
            model = call(*given.args, **given.kwargs)
        if not isinstance(model, nn.Module):
            raise BadModel(
                f"{self}: the factory returned {_kind(model)} where a "
                f"torch.nn.Module was expected. Return the network itself."
            )
        return model

    def load(self) -> Callable[..., object]:
        """Execute the code, once in each process, and pick the factory.

        Raises:
            BadModel: If it cannot be executed or has no such factory.
        """
        with _told(self, "its import"):
            names = vars(self.code.execute().module)
        found = names.get(self.name)
        if isinstance(found, nn.Module):
            raise BadModel(
                f"{self} is a network that was built already, so every arm would be "
                "the same one. Give its class, or a function that builds it."
            )
        if callable(found):
            return found
        home = self.code.module or MODULE
        own = [name for name, value in names.items() if _is_own(value, home)]
        raise BadModel(
            f"{self.code.module or self.code.path} defines no '{self.name}'. "
            f"It defines: {', '.join(own) or 'no function or class'}."
        )

    def __str__(self) -> str:
        return f"{self.code.module or self.code.path}:{self.name}"


def _bound_to(given: inspect.BoundArguments) -> str:
    """The norm as it was handed over; where no parameter is called so, to which."""
    if "norm" in given.arguments:
        return "norm"
    asked = _norm_asked(given.signature.parameters)
    return f"{asked or next(iter(given.arguments))}=norm"


def offered(
    norm: NormMaker | None, shape: tuple[int, ...], classes: int
) -> dict[str, object]:
    """What a factory may ask for by name."""
    known = {"shape": shape, "classes": classes, "num_classes": classes}
    return known if norm is None else {"norm": norm, **known}


def takes_norm(
    call: Callable[..., object], options: Mapping[str, Any] | None = None
) -> bool:
    """Whether a factory is to be called with a norm.

    So it is where a parameter is called `norm`, or `norm_layer` without a norm of its
    own for default; or one has no default that is none of `shape`, `classes` and
    `num_classes`, nor given as an option.

    Example:
        >>> takes_norm(lambda make: 0), takes_norm(lambda num_classes, depth=3: 0)
        (True, False)
    """
    try:
        parameters = inspect.signature(call).parameters
    except (TypeError, ValueError):
        return True
    asked = _norm_asked(parameters)
    if asked is not None:
        return asked not in (options or {})
    return any(
        one.default is one.empty
        and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
        for name, one in parameters.items()
        if name not in (*_OFFERED, *_NORMS, *(options or {}))
    )


def has_own_norms(
    call: Callable[..., object], options: Mapping[str, Any] | None = None
) -> bool:
    """Whether a factory may be called without a norm, and then takes its own.

    Example:
        >>> has_own_norms(lambda norm_layer=None: 0), has_own_norms(lambda norm: 0)
        (True, False)
    """
    if not takes_norm(call, options):
        return True
    try:
        parameters = inspect.signature(call).parameters
    except (TypeError, ValueError):
        return False
    asked = _norm_asked(parameters)
    return (
        asked is not None and parameters[asked].default is not inspect.Parameter.empty
    )


def _norm_asked(parameters: Mapping[str, inspect.Parameter]) -> str | None:
    """Which parameter is called for a norm; one that has a norm already is not."""
    if "norm" in parameters:
        return "norm"
    layer = parameters.get("norm_layer")
    if layer is not None and layer.default in (layer.empty, None):
        return "norm_layer"
    return None


def arguments(
    call: Callable[..., object],
    name: str,
    options: Mapping[str, Any] | None = None,
    **offered: object,
) -> inspect.BoundArguments:
    """What a factory is called with: the norm, options, and what it asks for by name.

    Args:
        call: The factory. Where no parameter is called `norm` or `norm_layer`, the norm
            is the first one.
        name: Of the factory, as the user knows it.
        options: Keywords that a user gave; they win.
        offered: `norm` if there is one, and what a factory may ask for.

    Raises:
        BadModel: If it has other parameters without a default, or none, or an option
            is no parameter of it.

    Example:
        >>> arguments(lambda make, classes: 0, "make", norm=1, classes=3).args
        (1, 3)
        >>> arguments(lambda norm, depth: 0, "make", {"depth": 5}, norm=1).args
        (1, 5)
    """
    try:
        signature = inspect.signature(call)
    except (TypeError, ValueError) as misfit:
        raise BadModel(f"called as {name}(norm), but {misfit}.") from None
    parameters = signature.parameters
    given = dict(options or {})
    open_ended = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    for option in given:
        if option not in parameters and not open_ended:
            raise BadModel(
                f"{name} has no parameter '{option}', which is set in model.options. "
                f"It has: {', '.join(parameters) or 'none'}."
            )
    known = {n: offered[n] for n in _OFFERED if n in parameters and n in offered}
    asked = _norm_asked(parameters)
    first = []
    if "norm" in offered and asked is not None:
        known[asked] = offered["norm"]
        if asked == "norm_layer":
            known[asked] = _by_width(offered["norm"], offered.get("shape", ()))
    elif "norm" in offered:
        first = [offered["norm"]]
    try:
        return signature.bind(*first, **{**known, **given})
    except TypeError as misfit:
        raise BadModel(
            f"called as {name}(norm) or {name}(norm, shape, classes), but {misfit}. "
            f"Give other parameters a default, or a value: --model-option KEY=VALUE."
        ) from None


def _by_width(norm: Any, shape: Any) -> Callable[..., nn.Module]:
    """A norm as a `norm_layer` is called, by its width: of values like an example."""

    def norm_layer(features: int, dims: int = len(shape) - 1, **settings: Any) -> Any:
        return norm(features, dims, **settings)

    return norm_layer


def from_address(address: str, options: Mapping[str, Any] | None = None) -> Factory:
    """A user's factory at `FILE.py:factory` or `package.module:factory`.

    Nothing is executed.

    Args:
        address: Where it is.
        options: Keywords to call it with.

    Raises:
        BadModel: If the address has another form or the code cannot be read.
    """
    match = _ADDRESS.fullmatch(address)
    where = match["where"] if match else ""
    if match and where.endswith(".py"):
        return Factory(code_in_file(where), match["name"], options or {})
    if match and all(part.isidentifier() for part in where.split(".")):
        return Factory(code_in_module(where), match["name"], options or {})
    raise BadModel(
        f"model '{address}' is not of the form FILE.py:factory or "
        f"package.module:factory, e.g. my_net.py:make."
    )


@contextmanager
def _told(factory: Factory, doing: str) -> Iterator[None]:
    """Say an error of the user's code in one line, with its place in the file."""

    def told(error: BaseException) -> BadModel:
        if isinstance(error, BadModel):
            return BadModel(f"{factory}: {error}")
        path = factory.code.path
        line = _line(error, path)
        where = f"{path}, line {line}" if line else path
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


def _is_own(value: object, home: str) -> bool:
    return callable(value) and getattr(value, "__module__", None) == home


def _kind(value: object) -> str:
    return "nothing (None)" if value is None else f"a {type(value).__name__}"
