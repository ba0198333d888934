"""How every arm is trained."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from normlab.spec._frozen import Frozen, Number, Whole

FEWEST_TO_REFINE = 2
REFINED = 4  # further rates per arm where nobody says how many
Rate = Annotated[Number, Field(gt=0, le=1000)]


class Recipe(Frozen):
    """The `[recipe]` table of study.toml; by default the reference one.

    Example:
        >>> Recipe(rates=(0.01, 0.1), epochs=2).optimizer
        'sgd'
    """

    section: ClassVar[str] = "recipe"

    optimizer: Literal["sgd", "adam", "adamw", "python"] = "sgd"
    """sgd, adam or adamw (python: an optimizer given from Python)."""
    rates: Annotated[tuple[Rate, ...], Field(min_length=1, max_length=1000)] = (0.01,)
    """Learning rates; every arm and seed is trained at each."""
    refine: Whole = Field(default=0, ge=0, le=20)
    """Further rates tried per arm, around the best of several: golden section."""
    momentum: Number = Field(default=0.9, ge=0, lt=1)
    """SGD momentum; beta1 for adam and adamw."""
    weight_decay: Number = Field(default=0.0, ge=0, le=1000)
    """Weight decay (L2)."""
    decay_norms: bool = True
    """Whether norm parameters and biases are decayed too."""
    schedule: Literal["constant", "step", "cosine"] = "constant"
    """How the rate changes: constant, step or cosine."""
    step_every: Whole = Field(default=10, ge=1, le=100_000)
    """Epochs between two drops of schedule step."""
    step_factor: Number = Field(default=0.1, gt=0, le=1)
    """What the rate is multiplied by at each drop."""
    warmup: Whole = Field(default=0, ge=0, le=10**9)
    """Steps over which the rate grows linearly from zero."""
    batch_size: Whole = Field(default=64, ge=1, le=10**6)
    """Images per step."""
    last_batch: Literal["keep", "drop"] = "keep"
    """What happens to a short last batch: keep or drop."""
    epochs: Whole = Field(default=5, ge=1, le=100_000)
    """Passes over the training images."""

    @field_validator("rates")
    @classmethod
    def _each_once(cls, rates: tuple[float, ...]) -> tuple[float, ...]:
        for rate, times in Counter(rates).items():
            if times > 1:
                raise ValueError(f"names {rate!r} twice; give each rate once.")
        return rates

    @model_validator(mode="after")
    def _refined_between_rates(self) -> Self:
        if self.refine and len(self.rates) < FEWEST_TO_REFINE:
            raise ValueError(
                f"refine={self.refine} needs {FEWEST_TO_REFINE} rates or more to start "
                f"from, and there is {len(self.rates)}. Give several with --lr."
            )
        return self
