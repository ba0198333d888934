"""The base of every settings object: frozen, complete, and clear when it refuses."""

from __future__ import annotations

import types
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from normlab.errors import BadSetting
from normlab.spec._decimals import faithful
from normlab.spec._wording import in_one_line

AUTO = "auto"
"""How None is written in study.toml and after `--set`: TOML has no null."""


def _no_truth_value(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


Whole = Annotated[int, BeforeValidator(_no_truth_value)]
Number = Annotated[
    float,
    BeforeValidator(faithful),
    BeforeValidator(_no_truth_value),
    Field(allow_inf_nan=False),
]


class Frozen(BaseModel):
    """One table of study.toml: unchangeable, without unknown keys, always valid.

    The description of each field is the comment beside its key in study.toml.

    Raises:
        BadSetting: If a value makes no sense; one line that names the key.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        use_attribute_docstrings=True,
    )

    section: ClassVar[str] = ""
    sparse: ClassVar[bool] = False
    """Whether keys that are left open are left out of study.toml."""

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise BadSetting(in_one_line(error, type(self))) from None

    @model_validator(mode="before")
    @classmethod
    def _auto_is_none(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {
            key: None if value == AUTO and is_optional(cls, key) else value
            for key, value in values.items()
        }


def is_optional(table: type[BaseModel], key: str) -> bool:
    """Whether the setting may be left to normlab (None here, "auto" in TOML)."""
    field = table.model_fields.get(key)
    if field is None:
        return False
    union = get_origin(field.annotation) in (Union, types.UnionType)
    return union and type(None) in get_args(field.annotation)
