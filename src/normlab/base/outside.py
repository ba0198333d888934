"""What moves in a network or an optimizer outside of parameters and buffers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from torch import Tensor, nn

from normlab.base.packing import Packed, Packer, Unpacker, can_be_made, missing
from normlab.base.state import (
    GENERATORS,
    Spot,
    contents,
    fields,
    followed,
    owners_in,
    spots,
)


class Outside:
    """Follows what moves in a network or an optimizer, parameters and buffers aside.

    Args:
        root: As it is before anything moves it.
        known: Objects that are kept otherwise, such as an optimizer's parameters.

    Example:
        >>> import torch
        >>> net = nn.Linear(2, 2)
        >>> net.calls, net.seen = 0, []
        >>> outside = Outside(net)
        >>> net.calls, net.seen = 3, [torch.ones(2)]
        >>> packed = outside.packed()
        >>> sorted(packed.values), outside.lost()
        (['calls', 'seen'], [])
        >>> net.calls, net.seen = 0, []
        >>> outside.put(packed)
        >>> net.calls, net.seen
        (3, [tensor([1., 1.])])
    """

    def __init__(self, root: object, known: Iterable[Tensor] = ()) -> None:
        self._root, self._known = root, tuple(known)
        self._before = contents(root, self._known)

    def moved(self) -> set[str]:
        """Paths of what is not as it was."""
        now, before = contents(self._root, self._known), self._before
        return {p for p in now.keys() | before.keys() if now.get(p) != before.get(p)}

    def lost(self) -> list[str]:
        """Paths of what has moved, or may have, and cannot be packed."""
        moved = self.moved()
        found = [
            spot.path
            for spot in spots(self._root, self._known)
            if _unseen(spot.value) or (spot.path in moved and not self._packs(spot))
        ]
        return list(dict.fromkeys(found))

    def _packs(self, spot: Spot) -> bool:
        there = isinstance(spot.value, GENERATORS) and spot.path in self._before
        return spot.reached and (there or can_be_made(spot.value))

    def packed(self) -> Packed:
        """Every attribute in which something has moved."""
        moved, made = self.moved(), Packer(self._known)
        values: dict[str, Any] = {}
        for path, (owner, name) in self._attributes().items():
            inside = (path, f"{path}[", f"{path}.")
            if any(p == path or p.startswith(inside[1:]) for p in moved):
                values[path] = made.pack(fields(owner)[name], path)
        return Packed(values, made.tensors)

    def put(self, packed: Packed) -> None:
        """Take back what `packed` gave, in place wherever something is there.

        Raises:
            RunFailed: If an object is missing, or of another kind.
        """
        attributes = self._attributes()
        for path, one in packed.values.items():
            owner, name = attributes.get(path) or self._new(path)
            made = Unpacker(packed.tensors, self._known, path)
            _set(owner, name, made.unpacked(one, fields(owner).get(name)))

    def _attributes(self) -> dict[str, tuple[object, str]]:
        """By path, the object that has an attribute, and its name there."""
        return {
            f"{path}.{name}" if path else name: (owner, name)
            for path, owner in owners_in(self._root).items()
            for name in fields(owner)
        }

    def _new(self, path: str) -> tuple[object, str]:
        """The same of an attribute that is not there yet."""
        where, _, name = path.rpartition(".")
        owner = owners_in(self._root).get(where)
        if owner is None:
            raise missing(path)
        return owner, name


def _unseen(value: object) -> bool:
    """Whether it has a state that nobody can read, as an iterator's position."""
    return hasattr(value, "__next__") and not followed(value)


def _set(owner: object, name: str, value: object) -> None:
    if isinstance(owner, nn.Module) and name in owner._buffers:
        owner._buffers[name] = cast(Tensor, value)
    else:
        object.__setattr__(owner, name, value)
