"""Numbers as a reader sees them: points for accuracies, times for ratios."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from normlab.analysis.claims.definition import Definition

_LARGEST_LOG = math.log(sys.float_info.max)
_MANY = 10  # seeds or rows of seeds that are no longer all named
_FIRST = 5
_NAMED = 3  # files and runs; there may be hundreds
ARMS = 8  # arms, rates and values that stand in one line


def number(value: float) -> str:
    """Two decimals for everyday sizes, three digits for the others.

    Example:
        >>> number(0.7214), number(0.00123), number(1234.5)
        ('0.72', '0.00123', '1.23e+03')
    """
    return f"{value:.2f}" if 0.1 <= abs(value) < 100 or value == 0 else f"{value:.3g}"


def nats(loss: float | None) -> str:
    """A loss with the digits that matter, or `-` where it is undefined.

    Example:
        >>> nats(0.03034), nats(2.3), nats(0.0000123), nats(4.56e12), nats(None)
        ('0.0303', '2.3000', '1.23e-05', '4.56e+12', '-')
    """
    if loss is None:
        return "-"
    plain = loss == 0 or 0.001 <= abs(loss) < 1e4
    return f"{loss:.4f}" if plain else f"{loss:.3g}"


def effect_text(value: float, definition: Definition) -> str:
    """One effect with its unit, back-transformed already.

    Example:
        >>> from normlab.analysis.claims import better_accuracy
        >>> effect_text(0.0012, better_accuracy.CLAIM)
        '+0.12 points'
    """
    if definition.scale == "ratio":
        return f"{number(value)} times"
    if definition.unit == "fraction":
        return f"{100 * value:+.2f} points"
    return f"{100 * value:+.0f} % of runs"


def shown(value: float, definition: Definition) -> float:
    """An effect as it is shown: of a logarithm the ratio, or the largest float."""
    if definition.scale == "difference":
        return float(value)
    return math.exp(min(value, _LARGEST_LOG))


def interval_text(interval: tuple[float, float], definition: Definition) -> str:
    """Both ends of an interval, the unit said once."""
    low, high = (effect_text(end, definition) for end in interval)
    return f"{low.rsplit(' ', 1)[0]} to {high}"


def notes_text(notes: Mapping[str, Sequence[str]]) -> list[str]:
    """A line for each note: what, and of which runs.

    Example:
        >>> notes_text({"probe 'path' failed": ["none-0.1-0", "batch-0.1-0"]})
        ["probe 'path' failed: 2 runs (none-0.1-0, batch-0.1-0)"]
    """
    return [
        f"{text}: {count(len(runs), 'run')} ({named(runs)})"
        for text, runs in notes.items()
    ]


def failed_text(failed: Mapping[str, str]) -> list[str]:
    """A line for each reason: what failed beside runs, and why.

    Example:
        >>> failed_text({"surface a": "no memory", "surface b": "no memory"})
        ['surface a, surface b: no memory']
    """
    jobs: dict[str, list[str]] = {}
    for job, why in failed.items():
        jobs.setdefault(why, []).append(job)
    return [f"{named(those)}: {why}" for why, those in jobs.items()]


def named(things: Sequence[str], most: int = _NAMED, between: str = ", ") -> str:
    """The first few by name.

    Example:
        >>> named("abcd"), named("abcde"), named("abcde", 5)
        ('a, b, c and 1 other', 'a, b, c and 2 others', 'a, b, c, d, e')
    """
    more = len(things) - most
    shown = between.join(things[:most])
    return f"{shown} and {count(more, 'other')}" if more > 0 else shown


def null_text(definition: Definition) -> str:
    """What equal arms would give."""
    return "1" if definition.scale == "ratio" else "0"


def count(n: int, thing: str) -> str:
    """A number with its noun.

    Example:
        >>> count(1, "seed"), count(4, "seed")
        ('1 seed', '4 seeds')
    """
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"


def seeds_text(seeds: Sequence[int]) -> str:
    """Seeds by number; many by the ends of each row of successive ones.

    Example:
        >>> seeds_text((7,)), seeds_text((0, 1, 2)), seeds_text(range(250))
        ('seed 7', 'seeds 0, 1, 2', 'seeds 0-249')
        >>> seeds_text([*range(10), 12, 14]), seeds_text(range(0, 500, 2))
        ('seeds 0-9, 12, 14', 'seeds 0, 2, 4, 6, 8 and 245 more')
    """
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    if len(seeds) < _MANY:
        return f"seeds {', '.join(map(str, seeds))}"
    rows: list[list[int]] = []
    for seed in seeds:
        if rows and seed == rows[-1][-1] + 1:
            rows[-1].append(seed)
        else:
            rows.append([seed])
    parts = [part for row in rows for part in _ends(row)]
    if len(parts) < _MANY:
        return f"seeds {', '.join(text for text, _ in parts)}"
    first, others = parts[:_FIRST], parts[_FIRST:]
    more = sum(n for _, n in others)
    return f"seeds {', '.join(text for text, _ in first)} and {more:,} more"


def _ends(row: Sequence[int]) -> list[tuple[str, int]]:
    """A row of successive seeds in words, and how many each word stands for."""
    if len(row) > 2:
        return [(f"{row[0]}-{row[-1]}", len(row))]
    return [(str(seed), 1) for seed in row]


def lost_text(lost: Sequence[str]) -> str:
    """What is missing of a study, and what follows.

    Args:
        lost: Paths in its folder, at least one.

    Example:
        >>> print(lost_text(["arrays/a.npz"]))
        arrays/a.npz is missing or damaged; claims and figures that need it are skipped
    """
    named, more = ", ".join(lost[:_NAMED]), len(lost) - _NAMED
    if more > 0:
        named += f" and {more:,} more"
    those = "are", "them"
    if len(lost) == 1:
        those = "is", "it"
    return (
        f"{named} {those[0]} missing or damaged; "
        f"claims and figures that need {those[1]} are skipped"
    )
