"""State of a network or an optimizer as JSON and tensors, and back in place.

Plain values, tensors, arrays, generators; lists, tuples, sets and dictionaries of them;
the attributes of a user's own objects. Nothing is made by executing anything: objects
and generators must be there already, and get their state back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from normlab.base.state import (
    CONTAINERS,
    GENERATORS,
    PLAIN,
    entries,
    fields,
    followed,
    generator_state,
    set_generator_state,
)
from normlab.errors import RunFailed

_JSON = (bool, int, float, str, type(None))


@dataclass(frozen=True)
class Packed:
    """State in a form that safetensors and JSON hold."""

    values: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)


def can_be_made(value: object) -> bool:
    """Whether it can be made from what is packed of it, without one being there."""
    if isinstance(value, np.ndarray):
        return not value.dtype.hasobject
    if isinstance(value, Tensor):
        return value.layout == torch.strided
    if isinstance(value, set | frozenset):
        return all(isinstance(one, _JSON) for one in value)
    if isinstance(value, dict):
        return all(isinstance(key, (*PLAIN, tuple, Tensor)) for key in value)
    return isinstance(value, (*PLAIN, *CONTAINERS))


def missing(path: str) -> RunFailed:
    """What is raised where there is no object to give a state to."""
    return RunFailed(
        f"the checkpoint holds the state of '{path}', and the network or optimizer "
        f"that was built now has no such object. Start a new study."
    )


class Packer:
    """Packs values; of objects that are kept otherwise, their number.

    Args:
        known: These objects.
    """

    def __init__(self, known: Iterable[Tensor]) -> None:
        self._known = {id(tensor): number for number, tensor in enumerate(known)}
        self._open: list[object] = []  # what is being packed, for objects in circles
        self.tensors: dict[str, Tensor] = {}

    def pack(self, value: Any, path: str) -> Any:
        """Plain JSON values stand for themselves; all others are one-entry objects."""
        if id(value) in self._known:
            return {"known": self._known[id(value)]}
        if isinstance(value, _JSON) and not isinstance(value, np.generic):
            return value
        if any(value is one for one in self._open):
            return {"as it is": None}
        self._open.append(value)
        try:
            return self._inside(value, path)
        finally:
            self._open.pop()

    def _inside(self, value: Any, path: str) -> dict[str, Any]:
        def each(items: Iterable[Any]) -> list[Any]:
            return [self.pack(one, f"{path}[{i}]") for i, one in enumerate(items)]

        match value:
            case complex():
                return {"complex": [value.real, value.imag]}
            case bytes():
                return {"bytes": value.hex()}
            case Tensor() if value.layout == torch.strided:
                self.tensors[path] = value.detach()
                return {"tensor": path}
            case np.ndarray() | np.generic() if not value.dtype.hasobject:
                # a copy in this machine's byte order, as torch asks
                plain = np.array(value, value.dtype.newbyteorder("="))
                self.tensors[path] = torch.from_numpy(plain.reshape(-1).view(np.uint8))
                return {"array": [path, value.dtype.str, list(value.shape)]}
            case list() | deque() | tuple() | set() | frozenset():
                return {_kind(value): each(value)}
            case dict():
                keys = [
                    self.pack(key, f"{path} key {i}") for i, key in enumerate(value)
                ]
                pairs = zip(keys, each(value.values()), strict=True)
                return {"dict": [list(pair) for pair in pairs]}
        if isinstance(value, GENERATORS):
            return {"generator": self.pack(generator_state(value), path)}
        if followed(value) and not isinstance(value, nn.Module):
            inside = {n: self.pack(v, f"{path}.{n}") for n, v in fields(value).items()}
            return {"object": inside}
        return {"as it is": None}


class Unpacker:
    """Makes the values of one attribute out of what was packed of it.

    Args:
        tensors: Of the packed state.
        known: Objects that are kept otherwise.
        path: Of the attribute, for messages.
    """

    def __init__(
        self, tensors: Mapping[str, Tensor], known: tuple[Tensor, ...], path: str
    ) -> None:
        self._tensors, self._known, self._path = tensors, known, path

    def unpacked(self, packed: Any, there: Any) -> Any:
        """The value; `there` itself, changed in place, where it can be."""
        if not isinstance(packed, dict):
            return packed
        ((kind, inside),) = packed.items()
        match kind:
            case "as it is":
                return there
            case "known":
                return self._known[inside]
            case "complex":
                return complex(*inside)
            case "bytes":
                return bytes.fromhex(inside)
            case "tensor":
                return _tensor(self._tensors[inside], there)
            case "array":
                name, kind, shape = inside
                return _array(self._tensors[name], kind, shape, there)
            case "generator":
                self._expect(isinstance(there, GENERATORS))
                set_generator_state(there, self.unpacked(inside, None))
                return there
            case "object":
                self._expect(followed(there))
                for name, one in inside.items():
                    value = self.unpacked(one, getattr(there, name, None))
                    object.__setattr__(there, name, value)
                return there
        return self._collection(kind, inside, there)

    def _collection(self, kind: str, inside: list[Any], there: Any) -> Any:
        if kind == "dict":
            return self._mapping(inside, there)
        known = isinstance(there, list | tuple | deque)
        old = [*(there if known else ()), *([None] * len(inside))]
        items = [self.unpacked(p, o) for p, o in zip(inside, old, strict=False)]
        if kind == "tuple":
            return there._make(items) if hasattr(there, "_make") else tuple(items)
        if kind == "frozenset":
            return frozenset(items)
        if _kind(there) != kind:
            return {"list": list, "deque": deque, "set": set}[kind](items)
        there.clear()
        (there.update if kind == "set" else there.extend)(items)
        return there

    def _mapping(self, inside: list[Any], there: Any) -> dict[Any, Any]:
        old = entries(there) if isinstance(there, dict) else {}
        pairs = [(self.unpacked(key, None), one) for key, one in inside]
        made = {key: self.unpacked(one, old.get(key)) for key, one in pairs}
        if not isinstance(there, dict):
            return made
        there.clear()
        there.update(made)
        return there

    def _expect(self, met: bool) -> None:
        if not met:
            raise missing(self._path)


def _tensor(saved: Tensor, there: Any) -> Tensor:
    """In place where one of its shape and type is: others may share its memory."""
    if not isinstance(there, Tensor):
        return saved.clone()
    alike = there.shape == saved.shape and there.dtype == saved.dtype
    if not alike or there.layout != torch.strided:
        return saved.clone().to(there.device)
    there.data.copy_(saved)
    return there


def _array(saved: Tensor, kind: str, shape: list[int], there: Any) -> Any:
    made = np.frombuffer(saved.numpy().tobytes(), np.dtype(kind)).reshape(shape)
    if isinstance(there, np.ndarray) and there.shape == made.shape:
        there[...] = made
        return there
    return made.copy()[()]  # of an array without axes the number


def _kind(value: object) -> str:
    kinds = {list: "list", deque: "deque", tuple: "tuple", set: "set"}
    return next((n for k, n in kinds.items() if isinstance(value, k)), "frozenset")
