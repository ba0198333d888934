"""What can change about a network or an optimizer beside parameters and buffers.

Counters, plain tensors, lists of them, generators, objects of a user's own: whatever
hangs on a module, its hooks or its class, or on what its methods close over or read
globally.
"""

from __future__ import annotations

import random
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import partial
from types import CellType, FunctionType, MethodType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from normlab.base.digest import digest

PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic)
GENERATORS = (
    torch.Generator,
    np.random.Generator,
    np.random.RandomState,
    random.Random,
)
CONTAINERS = (dict, list, tuple, deque)
_DATA = (*PLAIN, *GENERATORS, *CONTAINERS, set, Tensor, np.ndarray)

# Theirs is not followed: it is large, and says nothing of what a user's network did.
_LIBRARIES = frozenset({*sys.stdlib_module_names, "torch", "numpy", "normlab"})
_OWN_TO_MODULES = dict.fromkeys(n for n in vars(nn.Module()) if n != "training")
_REGISTERED = ("_parameters", "_buffers", "_modules")
_HOOKS = [name for name in _OWN_TO_MODULES if name.endswith("_hooks")]
_DEEPEST = 12  # objects in objects


class Spot(NamedTuple):
    """One thing that a network holds, and where."""

    path: str
    value: object
    reached: bool = True
    """Whether it hangs on the network itself, not on a class or a function."""


def spots(root: object, known: Iterable[object] = ()) -> Iterator[Spot]:
    """Everything of that kind, each object once, plain values at each place.

    Args:
        root: A module, whose parameters and persistent buffers are left out, or an
            optimizer.
        known: Objects to leave out, with what they hold.
    """
    seen = {id(one): one for one in known}
    owners = owners_in(root)
    seen |= {id(owner): owner for owner in owners.values()}
    if isinstance(root, nn.Module):
        passing = {id(b) for m in root.modules() for b in _passing(m).values()}
        kept = (buffer for buffer in root.buffers() if id(buffer) not in passing)
        seen |= {id(tensor): tensor for tensor in (*root.parameters(), *kept)}
    for path, owner in owners.items():
        for name, value in fields(owner).items():
            place = Spot(f"{path}.{name}" if path else name, value)
            if isinstance(value, PLAIN):  # most of them are, and this is a hot path
                yield place
            else:
                yield from _below(place, seen, 0)
        for place in _hooks(path, owner):
            yield from _below(place, seen, 0)
        kind = type(owner)
        if is_own(kind):
            place = Spot(f"class {kind.__name__}", kind, reached=False)
            yield from _below(place, seen, 0)


def entries(mapping: dict[Any, Any]) -> dict[Any, Any]:
    """What a dict holds, also one of a class that gives out something else.

    Example:
        >>> class Made(dict):
        ...     def __getitem__(self, key): return super().__getitem__(key)()
        >>> entries(Made(a=list)) == {"a": list}
        True
    """
    if type(mapping) is dict:
        return dict(mapping)
    return {key: dict.__getitem__(mapping, key) for key in mapping}


def owners_in(root: object) -> dict[str, object]:
    """Whose attributes are looked at, by path: all modules, or the object itself."""
    return dict(root.named_modules()) if isinstance(root, nn.Module) else {"": root}


def fields(value: object) -> dict[str, Any]:
    """The attributes of one object; of a module, also its non-persistent buffers."""
    named = getattr(value, "__dict__", {})
    if isinstance(value, nn.Module):
        own = {n: v for n, v in named.items() if n not in _OWN_TO_MODULES}
        return own | _passing(value)
    return {**named, **{n: getattr(value, n) for n in slots(value)}}


def _hooks(path: str, owner: object) -> Iterator[Spot]:
    """What is called whenever a module is, by the name of the function."""
    for hook in (one for n in _HOOKS for one in getattr(owner, n, {}).values()):
        name = getattr(hook, "__name__", type(hook).__name__)
        where = f"{path}, hook {name}" if path else f"hook {name}"
        yield Spot(where, hook, reached=False)


def _passing(module: nn.Module) -> dict[str, Tensor | None]:
    """Its non-persistent buffers, which no state_dict has."""
    buffers = module._buffers.items()
    return {n: b for n, b in buffers if n in module._non_persistent_buffers_set}


def slots(value: object) -> list[str]:
    """Names of the attributes that an object has no dictionary for."""
    found: list[str] = []
    for kind in type(value).__mro__:
        named = vars(kind).get("__slots__", ())
        found += [named] if isinstance(named, str) else named
    return [n for n in found if not n.startswith("__") and hasattr(value, n)]


def read_by(function: FunctionType) -> tuple[dict[str, CellType], dict[str, Any]]:
    """What a function closes over, and the data that it reads by a global name."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    found = function.__globals__
    names = (n for n in function.__code__.co_names if n in found)
    return dict(cells), {n: found[n] for n in names if isinstance(found[n], _DATA)}


def data_of(kind: type) -> dict[str, Any]:
    """The data of a class itself, which all its objects share."""
    named = vars(kind).items()
    return {n: v for n, v in named if isinstance(v, _DATA) and not n.startswith("__")}


def told(value: object) -> str:
    """A text that changes when the value does; of a container, its length and keys."""
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, Tensor):
        strided = value.layout == torch.strided
        return digest(value if strided else value.detach().to_dense())
    if isinstance(value, np.ndarray):
        return str(value.shape) if value.dtype.hasobject else digest(value)
    if isinstance(value, GENERATORS):
        return repr(_contents_of(generator_state(value)))
    if isinstance(value, dict):
        return repr([label(key, place) for place, key in enumerate(value)])
    if isinstance(value, list | tuple | deque):
        return f"{type(value).__name__} of {len(value)}"
    if isinstance(value, set | frozenset):
        return repr(sorted(map(repr, value)))
    return repr(value) if isinstance(value, Enum) else type(value).__qualname__


def contents(root: object, known: Iterable[object] = ()) -> dict[str, str]:
    """What is told of every spot, by its path."""
    return {spot.path: told(spot.value) for spot in spots(root, known)}


def generator_state(generator: object) -> Any:
    """Where a random generator stands: a tensor, numbers, arrays."""
    match generator:
        case torch.Generator():
            return generator.get_state()
        case np.random.Generator():
            return generator.bit_generator.state
        case np.random.RandomState():
            return generator.get_state(legacy=False)
        case random.Random():
            return generator.getstate()
    raise TypeError(type(generator).__name__)


def set_generator_state(generator: object, state: Any) -> None:
    """Put a generator where `generator_state` found it."""
    match generator:
        case torch.Generator():
            generator.set_state(state)
        case np.random.Generator():
            generator.bit_generator.state = state
        case np.random.RandomState():
            generator.set_state(state)
        case random.Random():
            generator.setstate(state)


def label(key: object, place: int) -> str:
    """What an entry of a dict is called: its key, where that is short."""
    return repr(key) if isinstance(key, PLAIN) else f"entry {place}"


def followed(value: object) -> bool:
    """Whether an object is a user's own, or an optimizer or what steers one."""
    kind = type(value)
    steers = kind.__module__.startswith("torch.optim")
    return steers or (is_own(kind) and not isinstance(value, Enum))


def is_own(one: type | FunctionType) -> bool:
    """Whether a class or function is a user's, not a library's."""
    return str(one.__module__).partition(".")[0] not in _LIBRARIES


def _below(spot: Spot, seen: dict[int, object], depth: int) -> Iterator[Spot]:
    value = spot.value
    if not isinstance(value, PLAIN):
        if id(value) in seen or depth > _DEEPEST:
            return
        seen[id(value)] = value
    yield spot
    for name, inner, reached in _parts(value):
        place = Spot(spot.path + name, inner, spot.reached and reached)
        yield from _below(place, seen, depth + 1)


_Part = tuple[str, object, bool]


def _parts(value: object) -> Iterable[_Part]:
    """What one object holds: name, value, and whether by itself."""
    match value:
        case str() | bytes() | Tensor() | np.ndarray() | random.Random():
            return ()
        case dict():
            return [
                (f"[{label(k, i)}]", v, True) for i, (k, v) in enumerate(value.items())
            ]
        case list() | tuple() | deque():
            return [(f"[{place}]", one, True) for place, one in enumerate(value)]
        case FunctionType():
            return _parts_of_function(value) if is_own(value) else ()
        case MethodType():
            return [(".self", value.__self__, False), (".body", value.__func__, False)]
        case partial():
            parts = value.func, value.args, value.keywords
            return [(f" part {i}", part, False) for i, part in enumerate(parts)]
        case type():
            return _parts_of_class(value) if is_own(value) else ()
    if isinstance(value, nn.Module):  # hidden, for the others are left out
        held = {n: vars(value)[n] for n in _REGISTERED if n in vars(value)}
        inside = _named({**fields(value), **held}, type(value))
        return [(name, one, False) for name, one, _ in inside]
    return _named(fields(value), type(value)) if followed(value) else ()


def _named(attributes: Mapping[str, object], kind: type) -> list[_Part]:
    found = [(f".{name}", value, True) for name, value in attributes.items()]
    return [*found, (f" of class {kind.__name__}", kind, False)]


def _parts_of_function(value: FunctionType) -> list[_Part]:
    cells, read = read_by(value)
    held = {name: _held(cell) for name, cell in cells.items()}
    return [(f", variable {n}", v, False) for n, v in (held | read).items()]


def _parts_of_class(kind: type) -> list[_Part]:
    parts: list[_Part] = [
        (f".{name}", value, False) for name, value in data_of(kind).items()
    ]
    methods = [v for v in vars(kind).values() if isinstance(v, FunctionType)]
    parts += [(f".{method.__name__}", method, False) for method in methods]
    return parts + [(f", base {b.__name__}", b, False) for b in kind.__bases__]


def _held(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # nothing was put into it yet
        return None


def _contents_of(state: Any) -> Any:
    """A generator's state with digests in place of arrays."""
    if isinstance(state, Tensor | np.ndarray):
        return digest(state)
    if isinstance(state, Mapping):
        return {key: _contents_of(value) for key, value in state.items()}
    return state
