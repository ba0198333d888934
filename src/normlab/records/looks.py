"""Looks at a study: when verdicts were given, on which seeds, and what they were.

Kept as two facts of study.db: what has been seen cannot be unseen, so later verdicts
allow for it. A fact is written in one transaction: whole or not at all.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOOKS = "looks"
"""The fact of a study that keeps its looks, as JSON."""
SEEDS = "seeds_asked"
"""The fact that keeps all seeds of a study that was given more, as JSON."""
_CLAIM = {
    "id": str,
    "arm": str,
    "where": str,
    "p": float | None,
    "p_holm": float | None,
    "verdict": str,
}


@dataclass(frozen=True, kw_only=True)
class Look:
    """One time that verdicts were given."""

    seeds: tuple[int, ...]
    """From which: all of these had ended."""
    at: str = ""
    """When, in UTC."""
    claims: tuple[Mapping[str, Any], ...] = ()
    """Each claim's `id`, `arm`, `where`, `p`, `p_holm` and `verdict`."""

    @property
    def n(self) -> int:
        """How many seeds."""
        return len(self.seeds)


def looks_text(looks: Sequence[Look]) -> str:
    """Looks as the fact keeps them.

    Example:
        >>> kept_looks({LOOKS: looks_text([Look(seeds=(0, 1))])})
        (Look(seeds=(0, 1), at='', claims=()),)
    """
    return json.dumps([asdict(look) for look in looks])


def kept_looks(facts: Mapping[str, str]) -> tuple[Look, ...]:
    """The looks of a study, the first one first."""
    return tuple(
        Look(seeds=tuple(look["seeds"]), at=look["at"], claims=tuple(look["claims"]))
        for look in json.loads(facts.get(LOOKS, "[]"))
    )


def are_looks(value: object) -> bool:
    """Whether JSON gave looks; checked when it is read."""
    return isinstance(value, list) and all(map(_is_look, value))


def are_seeds(value: object) -> bool:
    """Whether JSON gave seeds, none twice."""
    if not isinstance(value, list) or not all(type(s) is int and s >= 0 for s in value):
        return False
    return len(set(value)) == len(value)


def _is_look(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"seeds", "at", "claims"}
        and are_seeds(value["seeds"])
        and len(value["seeds"]) > 0
        and isinstance(value["at"], str)
        and isinstance(value["claims"], list)
        and all(map(_is_claim, value["claims"]))
    )


def _is_claim(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == _CLAIM.keys()
        and all(isinstance(value[name], kind) for name, kind in _CLAIM.items())
    )
