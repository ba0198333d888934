"""What is swept beside the rates: settings that take several values in one study."""

from __future__ import annotations

from collections import Counter
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import field_validator, model_serializer, model_validator

from normlab.errors import BadSetting
from normlab.spec._frozen import Frozen
from normlab.spec._wording import shown
from normlab.spec.model import Model
from normlab.spec.names import known
from normlab.spec.nets import NETS
from normlab.spec.point import SweepPoint, Value
from normlab.spec.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_AXES = 2
MAX_POINTS = 10_000
TABLES: Mapping[str, type[Frozen]] = {"recipe": Recipe, "model": Model}
"""The tables of study.toml whose keys can be swept."""
# the rates are an axis of their own; runs of unequal length share no moments
_NOT_SWEPT = ("recipe.rates", "recipe.epochs", "recipe.refine")
_NOT_SWEPT += ("model.weights", "model.output")


class Axis(Frozen):
    """A key of study.toml and the values that it takes."""

    section: ClassVar[str] = "sweep"

    key: str
    """With dots, e.g. recipe.batch_size."""
    values: tuple[Value, ...]
    """At least two, each once."""

    @model_validator(mode="before")
    @classmethod
    def _as_the_key_has_them(cls, given: Any) -> Any:
        # raised here, a refusal can name the swept key itself
        if not isinstance(given, dict) or not isinstance(given.get("key"), str):
            raise BadSetting(
                f"sweep={shown(given)} must be a table of keys with their values."
            )
        key, values = given["key"], given.get("values")
        table, field = _field(key)
        if not isinstance(values, list | tuple) or len(values) < 2:
            raise BadSetting(
                f"sweep.{key}={shown(values)} must be a list of two values or more; "
                f"a single one belongs to {key}."
            )
        if key == "model.name" and not all(value in tuple(NETS) for value in values):
            # a file is executed, kept and checked when resumed: one per study
            raise BadSetting(
                f"sweep.model.name={shown(values)} takes built-in networks alone: "
                f"{', '.join(NETS)}. Compare your own in a study for each."
            )
        taken = [getattr(table(**{field: value}), field) for value in values]
        for value, times in Counter(taken).items():
            if times > 1:
                raise BadSetting(
                    f"sweep.{key} names {value!r} twice; give each value once."
                )
        return {"key": key, "values": tuple(taken)}


class Sweep(Frozen):
    """The `[sweep]` table of study.toml: keys with dots, each with its values.

    Example:
        >>> Sweep(**{"recipe.batch_size": [8, 64]}).points
        ((('recipe.batch_size', 8),), (('recipe.batch_size', 64),))
    """

    section: ClassVar[str] = "sweep"

    axes: tuple[Axis, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _by_key(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "axes" in values:
            return values
        # unquoted in TOML, the dots of a key nest tables
        flat = _flattened(values)
        _refuse_too_many(flat)
        return {"axes": [{"key": key, "values": flat[key]} for key in flat]}

    @field_validator("axes")
    @classmethod
    def _few(cls, axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
        if len(axes) > MAX_AXES:
            names = ", ".join(axis.key for axis in axes)
            raise BadSetting(
                f"sweep has {len(axes)} axes ({names}); {MAX_AXES} at most can be "
                "shown. Split it into several studies."
            )
        return axes

    @model_serializer
    def _as_table(self) -> dict[str, tuple[Value, ...]]:
        return {axis.key: axis.values for axis in self.axes}

    @property
    def points(self) -> tuple[SweepPoint, ...]:
        """Every combination, the last axis fastest; one empty point without axes."""
        keys = [axis.key for axis in self.axes]
        return tuple(
            tuple(zip(keys, values, strict=True))
            for values in product(*(axis.values for axis in self.axes))
        )


def _refuse_too_many(axes: Mapping[str, Any]) -> None:
    """Count points before any is made: a product grows quickly from little."""
    sizes = [len(v) for v in axes.values() if isinstance(v, list | tuple)]
    if len(axes) <= MAX_AXES and prod(sizes) > MAX_POINTS:
        product = " x ".join(f"{size:,}" for size in sizes)
        total = f" = {prod(sizes):,}" if len(sizes) > 1 else ""
        raise BadSetting(
            f"sweep has {product}{total} points; {MAX_POINTS:,} at most can be "
            "compared. Give fewer values."
        )


def _field(key: str) -> tuple[type[Frozen], str]:
    sweepable = [
        f"{name}.{field}"
        for name, table in TABLES.items()
        for field in table.model_fields
        if f"{name}.{field}" not in _NOT_SWEPT
    ]
    if key == "recipe.rates":
        raise BadSetting(
            "sweep.recipe.rates: several rates are an axis already. "
            "Give them as recipe.rates, or with --lr."
        )
    if key not in sweepable:
        raise BadSetting(
            f"sweep.{key} cannot be swept. {known(sweepable, instead_of=key)}"
        )
    name, _, field = key.partition(".")
    return TABLES[name], field


def _flattened(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flattened(value, f"{above}{name}.")
        else:
            flat[f"{above}{name}"] = value
    return flat
