"""The whole comparison: data, network, arms, recipe, seeds and where it runs."""

from __future__ import annotations

import re
from collections import Counter
from math import prod
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from normlab.errors import BadSetting
from normlab.spec._frozen import Frozen, Whole
from normlab.spec._text import Line, Name
from normlab.spec.arms import Arm
from normlab.spec.data import Data
from normlab.spec.labels import labels_of
from normlab.spec.model import Model
from normlab.spec.names import known
from normlab.spec.point import SweepPoint
from normlab.spec.recipe import Recipe
from normlab.spec.surfaces import Surfaces
from normlab.spec.sweep import MAX_AXES, Sweep

SCHEMA = 1
MAX_SEEDS = 10_000
MAX_RUNS = 100_000

# --set brings text, which a Literal alone would not take for a number
Schema = Annotated[Literal[1], BeforeValidator(lambda v: 1 if v == "1" else v)]
Seed = Annotated[Whole, Field(ge=0, lt=2**63)]
Arms = Annotated[tuple[Arm, ...], Field(min_length=1, max_length=100)]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1, max_length=MAX_SEEDS)]


class Execution(Frozen):
    """The `[execution]` table of study.toml: where runs are computed, not what."""

    section: ClassVar[str] = "execution"

    workers: Whole | None = Field(default=None, ge=1, le=1024)
    """Runs at the same time; auto: as many as cores."""
    threads: Whole = Field(default=1, ge=1, le=1024)
    """Compute threads of each worker; more of them add up in another order."""
    device: Line = "cpu"
    """cpu, cuda, cuda:N, mps or auto."""
    executor: Literal["local"] = "local"
    """Where runs execute: local processes."""

    @field_validator("device")
    @classmethod
    def _is_known(cls, device: str) -> str:
        if not re.fullmatch(r"cpu|auto|mps|cuda(:\d{1,3})?", device):
            names = ("cpu", "cuda", "cuda:0", "mps", "auto")
            raise ValueError(f"is unknown. {known(names, instead_of=device)}")
        return device


class StudySpec(Frozen):
    """Everything that study.toml says.

    Example:
        >>> spec = StudySpec(arms=("none", "batch"), seeds=(0, 1, 2))
        >>> spec.baseline.name
        'none'
    """

    schema_version: Schema = Field(default=SCHEMA, alias="schema")
    """Version of this file's layout."""
    experiment: Name = "article"
    """The name of this study."""
    seeds: Seeds = (0, 1, 2, 3, 4)
    """Every arm is trained once from each seed, on the same batches."""
    seeds_at_most: Whole | None = Field(default=None, ge=1, le=MAX_SEEDS)
    """So many there may be later on; verdicts allow for every look. auto: none more."""
    measure: Literal["none", "light", "full"] = "full"
    """What is observed while training: none, light or full."""
    data: Data = Data()
    """What is learnt."""
    model: Model = Model()
    """The network that the arms are variants of."""
    recipe: Recipe = Recipe()
    """How every arm is trained."""
    sweep: Sweep = Sweep()
    """More values for up to two keys, e.g. "recipe.batch_size" = [16, 64]."""
    surfaces: Surfaces = Surfaces()
    """Which loss surfaces are measured, where measure is full."""
    execution: Execution = Execution()
    """Results do not depend on workers; threads and device may change the last bits."""
    arms: Arms = (Arm(name="none", norm="none"), Arm(name="batch", norm="batch"))
    """The variants that are compared."""

    @field_validator("arms", mode="before")
    @classmethod
    def _a_norm_is_an_arm(cls, arms: Any) -> Any:
        if not isinstance(arms, list | tuple):
            return arms
        return [{"norm": arm} if isinstance(arm, str) else arm for arm in arms]

    @field_validator("arms")
    @classmethod
    def _no_arm_twice(cls, arms: tuple[Arm, ...]) -> tuple[Arm, ...]:
        names = [arm.name.casefold() for arm in arms]
        for arm in arms:
            if names.count(arm.name.casefold()) > 1:
                raise ValueError(f"names '{arm.name}' twice; name each arm once.")
        return arms

    @field_validator("seeds")
    @classmethod
    def _no_seed_twice(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            twice = next(s for s, count in Counter(seeds).items() if count > 1)
            raise ValueError(f"names seed {twice} twice; name each seed once.")
        return seeds

    @model_validator(mode="after")
    def _not_too_many_runs(self) -> Self:
        numbers = {
            "arms": len(self.arms),
            "rates": len(self.recipe.rates),
            "seeds": len(self.seeds),
            "points": prod(len(axis.values) for axis in self.sweep.axes),
        }
        if (runs := prod(numbers.values())) > MAX_RUNS:
            product = " x ".join(
                f"{n:,} {name}" for name, n in numbers.items() if n > 1
            )
            raise BadSetting(
                f"the study has {product} = {runs:,} runs; {MAX_RUNS:,} at most. "
                "Give fewer, or split it into several studies."
            )
        return self

    @model_validator(mode="after")
    def _not_fewer_than_seeds(self) -> Self:
        if self.declared < len(self.seeds):
            raise BadSetting(
                f"seeds_at_most={self.seeds_at_most} is fewer than the study has seeds "
                f"({len(self.seeds)}). Give that many or more, or leave it out."
            )
        return self

    @model_validator(mode="after")
    def _sweep_fits(self) -> Self:
        axes = [axis.key for axis in self.sweep.axes]
        if len(axes) == MAX_AXES and len(self.recipe.rates) > 1:
            raise BadSetting(
                f"recipe.rates has {len(self.recipe.rates)} values beside a sweep of "
                f"{' and '.join(axes)}: {MAX_AXES} axes at most can be shown. Give "
                "one rate, or sweep one key."
            )
        for point in self.sweep.points:
            there = self.at(point)  # a value may not go with the other settings
            for arm in self.arms:
                arm.variant(there.model)
        return self

    @model_validator(mode="after")
    def _refined_by_held_out_images(self) -> Self:
        if self.recipe.refine and self.data.validation == 0:
            raise BadSetting(
                f"refine={self.recipe.refine} needs images held out of the training "
                "part to choose rates by, and validation=0 holds out none. Leave "
                "--validation out, or give more than 0."
            )
        return self

    @model_validator(mode="after")
    def _as_many_surfaces_as_seeds(self) -> Self:
        if self.surfaces.seeds > len(self.seeds):
            raise BadSetting(
                f"surfaces.seeds={self.surfaces.seeds} is more than the study has "
                f"seeds ({len(self.seeds)}). Give that many at most."
            )
        return self

    def at(self, point: SweepPoint) -> StudySpec:
        """The study as it is at one point of its sweep, without the sweep.

        Raises:
            BadSetting: If the value does not go with the other settings.

        Example:
            >>> StudySpec().at((("recipe.batch_size", 8),)).recipe.batch_size
            8
        """
        if not point:
            return self
        tables: dict[str, Frozen] = {}
        for key, value in point:
            name, field = key.split(".")
            table = tables[name] if name in tables else getattr(self, name)
            tables[name] = type(table)(**{**table.model_dump(), field: value})
        return self.model_copy(update={**tables, "sweep": Sweep()})

    @property
    def declared(self) -> int:
        """How many seeds it was said, before the first verdict, there may be."""
        return self.seeds_at_most or len(self.seeds)

    @property
    def measures_sharpness(self) -> bool:
        """Whether curvature is set beside what the rate can stand: of SGD alone."""
        return self.measure == "full" and self.recipe.optimizer == "sgd"

    @property
    def seeds_with_surfaces(self) -> tuple[int, ...]:
        """The first of its seeds, as many as `surfaces.seeds` says."""
        return self.seeds[: self.surfaces.seeds]

    @property
    def baseline(self) -> Arm:
        """The arm that others are compared with: `none` if present, else the first."""
        return next((arm for arm in self.arms if arm.name == "none"), self.arms[0])

    @property
    def labels(self) -> dict[str, str]:
        """What readers see each arm called, by its name."""
        return labels_of(self.arms)
