"""The built-in names a setting may take, without importing anything heavy."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from normlab.spec.norms import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterable

AS_IS = "as-is"
"""Stands for the norms that a network which takes none has of its own."""

NORMS = (*FAMILIES, AS_IS)
"""Every normalisation that an arm can have."""

DATA = ("mnist", "fashion-mnist", "kmnist")
"""Every data set with a name of its own; what else data is given as is a path."""

PYTHON = "python"
"""Stands for an object that was given from Python and cannot be written down."""


def known(names: Iterable[str], *, instead_of: str) -> str:
    """List what is known, and guess what was meant.

    Example:
        >>> known(("none", "batch"), instead_of="bach")
        "Known: none, batch. Did you mean 'batch'?"
    """
    names = list(names)
    text = f"Known: {', '.join(names)}."
    guess = get_close_matches(instead_of.lower(), names, n=1, cutoff=0.6)
    return f"{text} Did you mean '{guess[0]}'?" if guess else text
