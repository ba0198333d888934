"""Which network the arms are variants of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from normlab.spec._frozen import Frozen, Number, Whole
from normlab.spec._text import Line
from normlab.spec.names import PYTHON, known
from normlab.spec.nets import NETS, by_default

_NAME = r"[A-Za-z_]\w*"
_FACTORY = re.compile(rf"(?P<file>.+\.py):(?P<factory>{_NAME})")
_IN_MODULE = re.compile(rf"(?P<module>{_NAME}(\.{_NAME})*):(?P<factory>{_NAME})")


def _auto(key: str, words: str, **limits: Any) -> Any:
    """A setting that is left to the network where nothing is said."""
    text = f"{words}; auto: {by_default(key)}."
    return Field(default=None, description=text, **limits)


class Shape(Frozen):
    """How a built-in network is varied; what is left to it is as it was published."""

    depth: Whole | None = _auto("depth", "Hidden layers", ge=1, le=1000)
    width: Whole | None = _auto("width", "Units of every hidden layer", ge=1, le=10**6)
    activation: Literal["relu", "sigmoid"] | None = _auto(
        "activation", "relu or sigmoid"
    )
    placement: Literal["before", "after"] | None = _auto(
        "placement", "The norm before or after the nonlinearity"
    )
    weight_std: Number | None = _auto(
        "weight_std", "Of Gaussian initial weights", gt=0, le=1000
    )

    @property
    def chosen(self) -> dict[str, int | float | str]:
        """What is not left to the network."""
        settings = ((name, getattr(self, name)) for name in Shape.model_fields)
        return {name: value for name, value in settings if value is not None}


class _Named(Frozen):
    """Comes first among the keys."""

    name: Line = Field(
        default="mlp",
        description=f"{', '.join(NETS)}, FILE.py:factory or package.module:factory.",
    )


class Keywords(Frozen):
    """The `[model.options]` table: what a factory of a user's own is called with.

    Any names; values are numbers, true or false, texts, or lists of such.

    Example:
        >>> Keywords(num_classes=10, widths=[16, 32]).given
        {'num_classes': 10, 'widths': [16, 32]}
    """

    model_config = ConfigDict(extra="allow")
    section: ClassVar[str] = "model.options"

    @model_validator(mode="after")
    def _are_plain(self) -> Self:
        for name, value in self.given.items():
            parts = value if isinstance(value, list | tuple) else [value]
            if not all(isinstance(part, bool | int | float | str) for part in parts):
                raise ValueError(
                    f"{name} must be a number, true or false, a text, or a list of "
                    "such."
                )
        return self

    @property
    def given(self) -> dict[str, Any]:
        """The keywords."""
        return self.model_extra or {}


class Model(Shape, _Named):
    """The `[model]` table of study.toml.

    Example:
        >>> Model(name="nets/wide.py:build").file
        'nets/wide.py'
        >>> Model(depth=10, width=100).chosen
        {'depth': 10, 'width': 100}
    """

    section: ClassVar[str] = "model"

    weights: Line | None = Field(
        default=None,
        description="A .safetensors file that every seed of a network of your own "
        "starts from; auto: each seed draws its own.",
    )
    output: Line | None = Field(
        default=None,
        description="Which part of its answer holds the scores: logits, 0, out.0; "
        "auto: the answer is the scores.",
    )
    options: Keywords = Field(
        default=Keywords(), description="Keywords for a factory of your own."
    )

    @field_validator("name")
    @classmethod
    def _is_known(cls, name: str) -> str:
        own = (_FACTORY.fullmatch(name), _IN_MODULE.fullmatch(name))
        if name in NETS or name == PYTHON or any(own):
            return name
        raise ValueError(
            f"is unknown. {known(NETS, instead_of=name)} "
            "A network of your own is FILE.py:factory or package.module:factory."
        )

    @field_validator("weights")
    @classmethod
    def _executes_nothing(cls, weights: str | None) -> str | None:
        if weights is None or weights == PYTHON or weights.endswith(".safetensors"):
            return weights
        raise ValueError(
            "is no .safetensors file, and nothing else is read, for it might execute "
            "something. Convert a state_dict of your own: safetensors.torch.save_file("
            "torch.load(FILE, weights_only=True), NEW)."
        )

    @model_validator(mode="after")
    def _has_what_is_set(self) -> Self:
        for key in self.chosen:
            if key not in NETS.get(self.name, ()):
                nets = [net for net, keys in NETS.items() if key in keys]
                raise ValueError(
                    f"{key} can be set of {', '.join(nets)}, and the network is "
                    f"{self.name}. Leave it at auto."
                )
        for key in ("weights", "output"):
            if self.name in NETS and getattr(self, key) is not None:
                raise ValueError(
                    f"{key} is for a network of your own, and the network is "
                    f"{self.name}. Leave it out."
                )
        if self.options.given and self.factory is None:
            raise ValueError(
                f"options are for FILE.py:factory or package.module:factory, and the "
                f"network is {self.name}. Leave them out."
            )
        return self

    def at(self, file: Path) -> Model:
        """The same of its file elsewhere."""
        name = f"{file}:{self.factory}"
        return Model(**{**self.model_dump(), "name": name})

    @property
    def start(self) -> str:
        """What all seeds start from, in words; empty if each draws its own weights."""
        if self.weights is None:
            return ""
        given = self.weights == PYTHON
        return f"the weights {'given' if given else f'of {Path(self.weights).name}'}"

    @property
    def file(self) -> str | None:
        """The model file, or None for a built-in network."""
        match = _FACTORY.fullmatch(self.name)
        return match["file"] if match else None

    @property
    def module(self) -> str | None:
        """The module that the network is imported from, or None."""
        match = None if self.file else _IN_MODULE.fullmatch(self.name)
        return match["module"] if match else None

    @property
    def factory(self) -> str | None:
        """The name of the function in the model file or the module, or None."""
        match = _FACTORY.fullmatch(self.name) or _IN_MODULE.fullmatch(self.name)
        return match["factory"] if match else None
