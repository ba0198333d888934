"""One variant of the network in a comparison."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from normlab.errors import BadSetting
from normlab.spec._frozen import Frozen
from normlab.spec._text import Name
from normlab.spec.model import Model, Shape
from normlab.spec.names import NORMS, PYTHON, known
from normlab.spec.options import Options, name_of, options_of, own_norm, taken_apart

__all__ = ["NORMS", "Arm", "Variation"]


class Variation(Shape):
    """The `[arms.model]` table: what this arm has otherwise than `[model]`."""

    section: ClassVar[str] = "arms.model"
    sparse: ClassVar[bool] = True


class Arm(Frozen):
    """One `[[arms]]` table of study.toml; the name of a norm alone will do.

    A norm's options stand in a table of their own, or behind the norm as on the
    command line.

    Example:
        >>> arm = Arm(name="ghost8", norm="ghost(chunk=8)")
        >>> arm.norm, arm.options.model_dump()
        ('ghost', {'chunk': 8})
    """

    section: ClassVar[str] = "arms"

    name: Name
    """How tables and files call this arm."""
    norm: str = Field(description=f"{', '.join(NORMS[:-1])} or {NORMS[-1]}.")
    options: SerializeAsAny[Options] = Options()
    """What can be set of this norm."""
    model: Variation = Variation()
    """What this arm has otherwise than the [model] of the study."""

    @model_validator(mode="before")
    @classmethod
    def _with_its_options(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "norm" not in values:
            return values
        if not isinstance(values["norm"], str):
            return {"name": "arm", **values}  # the norm must be complained about
        norm, typed = taken_apart(values["norm"])
        given = values.get("options") or None
        if typed and given:
            raise BadSetting(
                f"arms.norm={values['norm']} has options, and so has arms.options. "
                "Give them in one place."
            )
        name = values.get("name", name_of(values["norm"]))
        values = {**values, "name": name, "norm": norm}
        if norm in NORMS or given:
            values["options"] = options_of(norm, typed or given)
        return values

    @field_validator("norm")
    @classmethod
    def _is_known(cls, norm: str) -> str:
        if norm in NORMS or norm == PYTHON or own_norm(norm):
            return norm
        raise ValueError(
            f"is unknown. {known(NORMS, instead_of=norm)} "
            "A norm of your own is FILE.py:Norm."
        )

    @property
    def file(self) -> str | None:
        """The file of a norm of a user's own; None for any other."""
        own = own_norm(self.norm)
        return own[0] if own else None

    @property
    def own(self) -> str | None:
        """What a norm of a user's own is called; None for one of normlab's."""
        own = own_norm(self.norm)
        return self.name if self.norm == PYTHON else own and own[1]

    def variant(self, model: Model) -> Model:
        """The network of this arm, where that of the study is `model`.

        Raises:
            BadSetting: If that network has not got what the arm sets.

        Example:
            >>> arm = Arm(name="x", norm="batch", model=Variation(placement="after"))
            >>> arm.variant(Model(depth=5)).chosen
            {'depth': 5, 'placement': 'after'}
        """
        if not self.model.chosen:
            return model
        try:
            return Model(**{**model.model_dump(), **self.model.chosen})
        except BadSetting as refused:
            raise BadSetting(f"arms '{self.name}': {refused}") from None
