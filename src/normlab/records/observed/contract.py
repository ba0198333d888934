"""Named arrays with their axes, types, units and meaning; how they are packed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    NamedTuple,
    Self,
    TypeVar,
    get_args,
    get_type_hints,
)

from numpy.typing import NDArray

from normlab.errors import NotMeasured
from normlab.foreign import brief

Array = NDArray[Any]
T = TypeVar("T")

STEPS = "steps"
"""The axis of the steps at which a probe looked."""
_KINDS = {"float": "f", "int": "iu", "bool": "b", "number": "biufc"}


class Place(NamedTuple):
    """A place in a network: one call of a module, or a weight."""

    number: int
    """In order of first use."""
    path: str
    """The same in every arm."""

    def __str__(self) -> str:
        return f"{self.number:03d}:{self.path}"

    @classmethod
    def split(cls, name: str) -> tuple[Place | None, str]:
        """The place that an array belongs to, if any, and what it is there.

        Example:
            >>> Place.split("001:relu1:dead"), Place.split("loss")
            ((Place(number=1, path='relu1'), 'dead'), (None, 'loss'))
        """
        number, _, rest = name.partition(":")
        path, _, what = rest.rpartition(":")
        if not (path and number.isdecimal()):
            return None, name
        return cls(int(number), path), what


@dataclass(frozen=True)
class Kept:
    """What is known of an array before there is one.

    Args:
        meaning: In words.
        axes: With spaces between. An axis is called like the array that has its
            coordinates, if there is one; a number is its length; `...` stands for any
            further axes.
        dtype: float, int, bool, or number for any of them.
        unit: Of its numbers; empty for pure ones.
        unread: Where nothing in normlab reads it, what it is kept for.
    """

    meaning: str
    axes: str = STEPS
    dtype: str = "float"
    unit: str = ""
    unread: str = ""

    def check(self, name: str, array: Array, sizes: dict[str, int]) -> None:
        """Compare an array with this, and note the sizes of its axes.

        Raises:
            ValueError: If it is of another type, or has other axes.
        """
        axes = self.axes.removesuffix("...").split()
        fits = array.dtype.kind in _KINDS[self.dtype] and array.ndim >= len(axes)
        fits &= array.ndim == len(axes) or self.axes.endswith("...")
        for axis, size in zip(axes, array.shape, strict=False):
            known = int(axis) if axis.isdecimal() else size
            fits &= sizes.setdefault(axis, known) == size
        if not fits:
            wanted = [f"{axis} {sizes.get(axis, '')}".strip() for axis in axes]
            raise ValueError(
                f"{name} is {array.dtype.name} {brief(array.shape)}, "
                f"not {self.dtype} ({', '.join(wanted)})"
            )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Arrays:
    """Arrays that belong together; asking for one that was not kept is NotMeasured.

    A field is an array, annotated with what is known of it (`Kept`); its default is
    None where a network or a recipe may have no such thing. Or it maps places, in order
    of first use, to the arrays of one kind of places.

    Raises:
        ValueError: If an array is not what its field says, or axes do not go together.
    """

    probe: ClassVar[str]
    """What the probe and its file are called."""

    def __post_init__(self) -> None:
        self._check({})

    @classmethod
    @cache
    def known(cls) -> Mapping[str, Kept]:
        """What is known of each array, by its name."""
        hints = get_type_hints(cls, include_extras=True)
        return {
            name: hint.__metadata__[0]
            for name, hint in hints.items()
            if isinstance(getattr(hint, "__metadata__", (None,))[0], Kept)
        }

    @classmethod
    @cache
    def kinds(cls) -> Mapping[str, type[Arrays]]:
        """Of the fields that map places, what is kept of each."""
        hints = get_type_hints(cls)
        names = [f.name for f in fields(cls) if f.name not in cls.known()]
        return {name: get_args(hints[name])[1] for name in names}

    @classmethod
    def row(cls, at: Place | None = None, **values: T) -> dict[str, T]:
        """Values by the names that they have in a file.

        Raises:
            KeyError: If one is no array of this kind.
        """
        if strange := values.keys() - cls.known().keys():
            raise KeyError(f"{cls.__name__} has no {', '.join(sorted(strange))}")
        return {f"{at}:{what}" if at else what: value for what, value in values.items()}

    def packed(self, at: Place | None = None) -> dict[str, Array]:
        """Every array by the name that it has in a file."""
        mine = {name: vars(self).get(name) for name in self.known()}
        row = self.row(at, **{n: one for n, one in mine.items() if one is not None})
        for name in self.kinds():
            for place, there in getattr(self, name).items():
                row |= there.packed(place)
        return row

    @classmethod
    def unpacked(cls, arrays: Mapping[str, Array]) -> Self:
        """What `packed` made arrays of; names that are no field's are passed over.

        Raises:
            ValueError: If an array is not what its field says, or axes do not go
                together.
        """
        made = cls._filled(arrays)
        made._check({})
        return made

    @classmethod
    def _filled(cls, arrays: Mapping[str, Array]) -> Self:
        by_place: dict[Place | None, dict[str, Array]] = {}
        for name, found in arrays.items():
            place, what = Place.split(name)
            by_place.setdefault(place, {})[what] = found
        own = by_place.get(None, {})
        values = {f.name: f.default for f in fields(cls) if f.default is not MISSING}
        values |= {name: own[name] for name in cls.known() if name in own}
        for name, kind in cls.kinds().items():
            there = [place for place, of in by_place.items() if place and kind.has(of)]
            values[name] = {at: kind._filled(by_place[at]) for at in sorted(there)}
        made = object.__new__(cls)  # fields of arrays that were not kept stay empty
        vars(made).update(values)
        return made

    @classmethod
    def has(cls, names: Iterable[str]) -> bool:
        """Whether one of these is what a probe sees at such places at every look."""
        known = cls.known()
        return any(STEPS in known[name].axes for name in names if name in known)

    def _check(self, sizes: dict[str, int]) -> None:
        for name, known in self.known().items():
            if (found := vars(self).get(name)) is not None:
                known.check(name, found, sizes)
        for name in self.kinds():
            for there in getattr(self, name).values():
                there._check(dict(sizes))

    if not TYPE_CHECKING:  # to a type checker, names that are no field stay errors

        def __getattr__(self, name: str) -> Any:
            if name not in type(self).known():
                raise AttributeError(name)
            raise NotMeasured(f"“{self.probe}” was recorded without {brief(name)}")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ProbeArrays(Arrays):
    """Everything that a probe kept of one run: one file."""

    steps: Annotated[Array, Kept("steps taken before each look", dtype="int")]

    @classmethod
    def of(cls, observed: Mapping[str, Mapping[str, Array]]) -> Self:
        """What this probe saw in a run, of what all of them did."""
        return cls.unpacked(observed[cls.probe])
