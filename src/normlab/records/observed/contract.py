"""Named arrays with their axes, types, units and meaning; how they are packed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    NamedTuple,
    Self,
    TypeVar,
    dataclass_transform,
)

from numpy.typing import NDArray

from normlab.errors import NotMeasured
from normlab.foreign import brief

Array = NDArray[Any]
T = TypeVar("T")

STEPS = "steps"
"""The axis of a probe's looks."""
_DTYPES = {"float": "f", "int": "iu", "bool": "b", "number": "biufc"}


class Place(NamedTuple):
    """A place in a network: one call of a module, or a weight."""

    number: int
    """In order of first use."""
    path: str
    """The same in every arm."""

    def __str__(self) -> str:
        return f"{self.number:03d}:{self.path}"

    @classmethod
    def of(cls, text: str) -> Place:
        """The place that is written so."""
        number, _, path = text.partition(":")
        return cls(int(number), path)

    @classmethod
    def split(cls, name: str) -> tuple[Place | None, str]:
        """The place that an array belongs to, if any, and what it is there.

        Example:
            >>> Place.split("001:relu1:dead"), Place.split("loss")
            ((Place(number=1, path='relu1'), 'dead'), (None, 'loss'))
        """
        place, _, what = name.rpartition(":")
        number, _, path = place.partition(":")
        return (cls.of(place), what) if path and number.isdecimal() else (None, name)


class Kept(NamedTuple):
    """What is known of an array before there is one; see `kept`."""

    meaning: str
    axes: str
    dtype: str
    unit: str
    unread: str

    def check(self, name: str, array: Array, sizes: dict[str, int]) -> None:
        """Compare an array with this, and note the sizes of its axes.

        Raises:
            ValueError: If it is of another type, or has other axes.
        """
        axes = self.axes.removesuffix("...").split()
        fits = array.dtype.kind in _DTYPES[self.dtype] and array.ndim >= len(axes)
        fits &= array.ndim == len(axes) or self.axes.endswith("...")
        for axis, size in zip(axes, array.shape, strict=False):
            known = int(axis) if axis.isdecimal() else sizes.setdefault(axis, size)
            fits &= known == size
        if not fits:
            wanted = ", ".join(f"{axis} {sizes.get(axis, '')}".strip() for axis in axes)
            found = f"{array.dtype.name} {brief(array.shape)}"
            raise ValueError(f"{name} is {found}, not {self.dtype} ({wanted})")


def kept(
    meaning: str,
    axes: str = STEPS,
    *,
    dtype: str = "float",
    unit: str = "",
    unread: str = "",
    default: Any = MISSING,
) -> Any:
    """A field that holds an array.

    Args:
        meaning: In words.
        axes: With spaces between. An axis is called like the array that has its
            coordinates, if there is one; a number is its length; `...` stands for any
            further axes.
        dtype: float, int, bool, or number for any of them.
        unit: Of its numbers; empty for pure ones.
        unread: Where nothing in normlab reads it, what it is kept for.
        default: None where a network or a recipe may have no such thing.
    """
    known = Kept(meaning, axes, dtype, unit, unread)
    return field(default=default, metadata={"kept": known})


def places(kind: type[Arrays]) -> Any:
    """A field that maps places, in order of first use, to the arrays of each."""
    return field(default_factory=dict, metadata={"kind": kind})


@dataclass_transform(
    frozen_default=True,
    kw_only_default=True,
    eq_default=False,
    field_specifiers=(kept, places),
)
class Arrays:
    """Arrays that belong together: subclasses are frozen dataclasses.

    Asking for an array that was not kept is NotMeasured.

    Raises:
        ValueError: If an array is not what its field says, or axes do not go together.
    """

    probe: ClassVar[str]
    """What the probe and its file are called."""
    afterwards: ClassVar[bool]
    """Whether it is measured when all runs have ended, and no observer keeps it."""
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __init_subclass__(cls, probe: str = "", *, afterwards: bool = False) -> None:
        cls.probe, cls.afterwards = probe, afterwards
        dataclass(frozen=True, kw_only=True, eq=False, repr=False)(cls)

    def __post_init__(self) -> None:
        self._check({})

    @classmethod
    @cache
    def known(cls) -> Mapping[str, Kept]:
        """What is known of each array, by its name."""
        return cls._fields_with("kept")

    @classmethod
    @cache
    def kinds(cls) -> Mapping[str, type[Arrays]]:
        """Of the fields that map places, what is kept of each."""
        return cls._fields_with("kind")

    @classmethod
    def axes(cls, name: str) -> list[str] | None:
        """Of the array that has this name in a file; None if no field is called so."""
        at, what = Place.split(name)
        for kind in cls.kinds().values() if at else (cls,):
            if what in kind.known():
                return kind.known()[what].axes.split()
        return None

    @classmethod
    def row(cls, at: Place | None = None, **values: T) -> dict[str, T]:
        """Values by the names that they have in a file.

        Raises:
            KeyError: If one is no array of this kind.
        """
        if strange := values.keys() - cls.known().keys():
            raise KeyError(f"{cls.__name__} has no {', '.join(sorted(strange))}")
        return {f"{at}:{what}" if at else what: value for what, value in values.items()}

    def lacks(self, name: str) -> bool:
        """Whether an array was not kept."""
        return vars(self).get(name) is None

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
            there = [at for at, of in by_place.items() if at and kind._looked(of)]
            values[name] = {at: kind._filled(by_place[at]) for at in sorted(there)}
        made = object.__new__(cls)  # fields of arrays that were not kept stay empty
        vars(made).update(values)
        return made

    @classmethod
    def _looked(cls, names: Iterable[str]) -> bool:
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

    @classmethod
    def _fields_with(cls, what: str) -> dict[str, Any]:
        return {f.name: f.metadata[what] for f in fields(cls) if what in f.metadata}

    if not TYPE_CHECKING:  # to a type checker, names that are no field stay errors

        def __getattr__(self, name: str) -> Any:
            if name not in type(self).known():
                raise AttributeError(name)
            raise NotMeasured(f"“{self.probe}” was recorded without {brief(name)}")


class ProbeArrays(Arrays):
    """Everything that a probe kept of one run: one file."""

    steps: Array = kept("steps taken before each look", dtype="int")
