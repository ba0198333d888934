"""Which network the arms are variants of."""

from __future__ import annotations

import re
from typing import ClassVar

from pydantic import field_validator

from normlab.spec._frozen import Frozen
from normlab.spec._text import Line
from normlab.spec.names import NETS, PYTHON, known

_FACTORY = re.compile(r"(?P<file>.+\.py):(?P<factory>[A-Za-z_]\w*)")


class Model(Frozen):
    """The `[model]` table of study.toml.

    Example:
        >>> Model(name="nets/wide.py:build").file
        'nets/wide.py'
    """

    section: ClassVar[str] = "model"

    name: Line = "mlp"
    """mlp, sigmoid, lenet, resnet, or FILE.py:factory."""

    @field_validator("name")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name in NETS or name == PYTHON or _FACTORY.fullmatch(name):
            return name
        raise ValueError(
            f"is unknown. {known(NETS, instead_of=name)} "
            "A network of your own is FILE.py:factory."
        )

    @property
    def file(self) -> str | None:
        """The model file, or None for a built-in network."""
        match = _FACTORY.fullmatch(self.name)
        return match["file"] if match else None

    @property
    def factory(self) -> str | None:
        """The name of the function in the model file, or None."""
        match = _FACTORY.fullmatch(self.name)
        return match["factory"] if match else None
