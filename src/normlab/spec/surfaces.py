"""Which loss surfaces a study measures, and how closely."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from normlab.spec._frozen import Frozen, Whole

PlaneKind = Literal["common", "path", "random"]
Statistics = Literal["batch", "full", "recalibrated", "running"]


class Surfaces(Frozen):
    """The `[surfaces]` table of study.toml; surfaces are part of `measure = "full"`.

    Example:
        >>> Surfaces(statistics=("batch", "full"), points=25).planes
        ('common', 'path')
    """

    section: ClassVar[str] = "surfaces"

    planes: Annotated[tuple[PlaneKind, ...], Field(min_length=1)] = ("common", "path")
    """common (both twins on one), path (each run's own), random (about its end)."""
    statistics: Annotated[tuple[Statistics, ...], Field(min_length=1)] = ("batch",)
    """batch, full, recalibrated, running; others are compared with the first."""
    seeds: Whole = Field(default=1, ge=0)
    """How many seeds have surfaces, from the first on."""
    points: Whole = Field(default=49, ge=3, le=1001)
    """Points per axis, odd."""
    examples: Whole = Field(default=2_048, ge=1)
    """Training images that a loss is the mean over: whole batches, at least one."""
    exact: bool = False
    """Whether every point is computed, none interpolated."""

    @field_validator("points")
    @classmethod
    def _odd(cls, points: int) -> int:
        if points % 2 == 0:
            raise ValueError(
                f"is even, so that no point falls on the network itself. Use "
                f"{points + 1}."
            )
        return points

    @field_validator("planes", "statistics")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"names {name} twice; give each once.")
        return names
