"""Claims of a user's own: what they must be, and how they join the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.claims.definition import Definition
from normlab.errors import BadSetting


def own_claims(given: Any) -> tuple[Definition, ...]:
    """What a user wants judged beside normlab's own claims, checked and marked.

    Args:
        given: A `Definition`, or several.

    Returns:
        The same, marked as the user's.

    Raises:
        BadSetting: If one is no Definition, or has a name that is taken.

    Example:
        >>> from normlab.analysis.claims import better_accuracy
        >>> stricter = replace(better_accuracy.CLAIM, id="half-a-point", margin=0.005)
        >>> [claim.own for claim in own_claims(stricter)]
        [True]
    """
    several = [given] if isinstance(given, Definition) else given
    if isinstance(several, str) or not isinstance(several, Iterable):
        raise BadSetting(
            f"claims={given!r} must be normlab.Definition objects, one or several."
        )
    claims = tuple(several)
    taken = {definition.id for definition in DEFINITIONS}
    for claim in claims:
        if not isinstance(claim, Definition):
            kind = type(claim).__name__
            raise BadSetting(
                f"claims holds a {kind}; each must be a normlab.Definition."
            )
        if claim.id in taken:
            raise BadSetting(f"claims: {claim.id!r} is taken. Give it another id.")
        taken.add(claim.id)
    return tuple(replace(claim, own=True) for claim in claims)


def all_claims(own: Sequence[Definition]) -> tuple[Definition, ...]:
    """Normlab's and the user's: one family for Holm's correction."""
    return (*DEFINITIONS, *own)
