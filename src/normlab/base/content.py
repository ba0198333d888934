"""What an object of a user's holds, as a text that two equal objects have in common."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from types import CellType, CodeType, FunctionType, MethodType, ModuleType

import numpy as np
from torch import Tensor, nn

from normlab.base.digest import digest

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...))
_READ = (bool, int, float, complex, str)  # of global names
_DEEPEST = 6  # objects in objects; deeper ones count by their type


def content_digest(given: object) -> str:
    """SHA-256 of what a function, a class or an object computes with.

    Of a function its compiled code, defaults, what it closes over and the plain values
    that it reads by a global name, wherever its text stands; of a partial its parts; of
    a module and of any other object its class with its methods, its tensors, and its
    attributes that are plain values. Functions with a global name are not followed.

    Example:
        >>> def one(rate): return lambda x: rate * x
        >>> content_digest(one(0.1)) == content_digest(one(0.1))
        True
        >>> content_digest(one(0.1)) == content_digest(one(0.2))
        False
    """
    return sha256(repr(_content(given, ())).encode()).hexdigest()


def module_content(model: nn.Module) -> list[object]:
    """Of every module in order: its path, its class, its plain attributes."""
    return [
        (path, _name(type(module)), _attributes(module, (id(module),)))
        for path, module in model.named_modules()
    ]


def _content(value: object, above: tuple[int, ...]) -> object:
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, Tensor | np.ndarray | np.generic):
        return digest(value if isinstance(value, Tensor) else np.asarray(value))
    if isinstance(value, ModuleType):
        return value.__name__
    if id(value) in above or len(above) > _DEEPEST:
        return _name(type(value))
    inside = (*above, id(value))
    if isinstance(value, tuple | list):
        return [_content(one, inside) for one in value]
    if isinstance(value, set | frozenset):
        return sorted(repr(_content(one, inside)) for one in value)
    if isinstance(value, Mapping):
        return [(repr(key), _content(one, inside)) for key, one in value.items()]
    if isinstance(value, CodeType):
        return _code(value, inside)
    if isinstance(value, FunctionType):
        return _function(value, inside)
    if isinstance(value, MethodType):
        return [_function(value.__func__, inside), _content(value.__self__, inside)]
    if isinstance(value, partial):
        parts = value.func, value.args, value.keywords
        return [_content(part, inside) for part in parts]
    if isinstance(value, type):
        return [_name(value), _methods(value, inside)]
    return [_content(type(value), inside), *_object(value, inside)]


def _code(code: CodeType, above: tuple[int, ...]) -> object:
    # neither where it stands nor what it says of itself
    constants = [c for c in code.co_consts if c != _doc(code)]
    return [code.co_code.hex(), code.co_names, _content(constants, above)]


def _doc(code: CodeType) -> object:
    first = code.co_consts[0] if code.co_consts else None
    return first if isinstance(first, str) else None


def _function(given: FunctionType, above: tuple[int, ...]) -> object:
    closed_over = [_held(cell) for cell in given.__closure__ or ()]
    code, known = given.__code__, given.__globals__
    read = [(n, known[n]) for n in code.co_names if isinstance(known.get(n), _READ)]
    parts = code, given.__defaults__, given.__kwdefaults__, closed_over, read
    return [_content(part, above) for part in parts]


def _held(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # nothing was put into it yet
        return None


def _methods(given: type, above: tuple[int, ...]) -> object:
    found = sorted(vars(given).items())
    return [(n, _content(v, above)) for n, v in found if isinstance(v, FunctionType)]


def _object(value: object, above: tuple[int, ...]) -> list[object]:
    if isinstance(value, nn.Module):
        tensors = [(name, digest(t)) for name, t in value.state_dict().items()]
        return [tensors, module_content(value)]
    return [_attributes(value, above)]


def _attributes(value: object, above: tuple[int, ...]) -> list[object]:
    own = sorted(getattr(value, "__dict__", {}).items())
    return [(n, _content(v, above)) for n, v in own if _counts(n, v)]


def _counts(name: str, value: object) -> bool:
    kinds = (*_PLAIN, tuple, list, set, frozenset, dict, Tensor, np.ndarray)
    return not name.startswith("_") and isinstance(value, kinds)


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
