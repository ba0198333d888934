"""A norm of a user's own: a class in a Python file, or a callable from Python."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from normlab.base.slots import Slot, marked, with_settings
from normlab.errors import BadModel, described
from normlab.nets.custom import Factory, from_address
from normlab.user_code import refusing


@dataclass(frozen=True)
class OwnNorm:
    """Makes the norm of a slot by `norm(num_features)`, with `dims` if it asks for it.

    Attributes:
        given: What was given from Python, or a name in a file that is kept as text.
        name: How errors call it.
    """

    given: Callable[..., Any] | Factory
    name: str

    def __call__(
        self, features: int, dims: int = 0, **settings: float | None
    ) -> nn.Module:
        """Module for inputs of shape `(n, features, *positions)`.

        Raises:
            BadModel: If it cannot be called so, fails, or makes no module.

        Example:
            >>> OwnNorm(nn.LayerNorm, "LayerNorm")(8)
            LayerNorm((8,), ...)
        """
        call = self.given.load() if isinstance(self.given, Factory) else self.given
        with refusing(
            lambda error: BadModel(
                f"the norm {self.name}({features}) failed with "
                f"{described(error).rstrip('.')}. It is called with the number of "
                f"features; give other parameters a default."
            )
        ):
            parameters = _parameters(call)
            made = call(features, **({"dims": dims} if "dims" in parameters else {}))
        if not isinstance(made, nn.Module):
            raise BadModel(
                f"the norm {self.name}({features}) made {type(made).__name__}, not a "
                f"torch.nn.Module."
            )
        return marked(with_settings(made, settings), Slot(features, dims))


def norm_from_file(file: str, name: str) -> OwnNorm:
    """Read it from `FILE.py:Norm`, without executing anything.

    Raises:
        BadModel: If the file cannot be read.
    """
    return OwnNorm(from_address(f"{file}:{name}"), name)


def _parameters(call: Callable[..., Any]) -> frozenset[str]:
    try:
        return frozenset(inspect.signature(call).parameters)
    except (TypeError, ValueError):
        return frozenset()
