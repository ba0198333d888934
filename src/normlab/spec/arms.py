"""One variant of the network in a comparison."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import field_validator, model_validator

from normlab.spec._frozen import Frozen
from normlab.spec._text import Name
from normlab.spec.names import NORMS, known

__all__ = ["NORMS", "Arm"]


class Arm(Frozen):
    """One `[[arms]]` table of study.toml; the name of a norm alone will do.

    Example:
        >>> Arm(norm="batch")
        Arm(name='batch', norm='batch')
    """

    section: ClassVar[str] = "arms"

    name: Name
    """How tables and files call this arm."""
    norm: str
    """none, batch, layer, group, instance or rms."""

    @model_validator(mode="before")
    @classmethod
    def _named_after_its_norm(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "name" in values or "norm" not in values:
            return values
        norm = values["norm"]
        # of an unknown norm, the norm and not the name must be complained about
        return {"name": norm if norm in NORMS else "arm", **values}

    @field_validator("norm")
    @classmethod
    def _is_known(cls, norm: str) -> str:
        if norm not in NORMS:
            raise ValueError(f"is unknown. {known(NORMS, instead_of=norm)}")
        return norm
