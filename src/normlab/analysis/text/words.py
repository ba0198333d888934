"""Numbers as a reader sees them: points for accuracies, times for ratios."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from normlab.analysis.claims.definition import Definition
    from normlab.analysis.inference.interval import Estimate

LARGEST_LOG = math.log(sys.float_info.max)
_MANY = 10  # seeds or rows of seeds that are no longer all named
_FIRST = 5
_NAMED = 3  # files and runs; there may be hundreds
ARMS = 8  # arms, rates and values that stand in one line
ROUNDING = 1e-9  # what is relatively no further apart is equal
_PLAIN = 100.0  # above it digits after the point are needed no more
_HUGE = 1e5
_SPAN = 100.0  # what is further apart has no digits in common
_TINY = 8  # digits after the point, at most


def number(value: float) -> str:
    """Two decimals for everyday sizes, three digits for the others.

    Example:
        >>> number(0.7214), number(0.00123), number(1234.5), number(4.56e12)
        ('0.72', '0.00123', '1,234', '4.56e+12')
    """
    return aligned(value)[0]


def aligned(
    value: float, *ends: float, decimals: int = 2, sign: bool = False
) -> list[str]:
    """A number and the ends of its interval, with the same digits after the point.

    Small numbers have three digits, and all so many that the ends are told apart,
    unless these differ by rounding alone. What is very large or very small is written
    as a power of ten.

    Args:
        value: It comes first.
        ends: None, or the two ends of its interval.
        decimals: The least, below 100.
        sign: Whether numbers above 0 have one too.

    Example:
        >>> aligned(0.7, 0.66, 0.75), aligned(1.0002, 1.0001, 1.0003)
        (['0.70', '0.66', '0.75'], ['1.0002', '1.0001', '1.0003'])
        >>> aligned(1.27e30, 3.1e29, 2.2e30)
        ['1.27e+30', '3.1e+29', '2.2e+30']
        >>> aligned(14.0, 0.214, 915.0, decimals=4)
        ['14.0000', '0.2140', '915']
    """
    values, plus = [value, *ends], "+" if sign else ""
    finite = [v for v in values if math.isfinite(v)]
    largest = max(map(abs, finite), default=0.0)
    if not sign and 0 < min(finite, default=0.0) < largest / _SPAN:
        return [text for each in values for text in aligned(each, decimals=decimals)]
    half = (max(finite, default=0.0) - min(finite, default=0.0)) / 2
    after = 0 if largest > _PLAIN else decimals
    if abs(value) < 0.1 and not (
        sign and ends
    ):  # about differences their interval tells
        after = max(after, (0 if sign else 2) - _first_digit(abs(value)))
    if equal := half <= ROUNDING * largest:
        half = 0.0
    after = max(after, -_first_digit(half * (1 + ROUNDING)))
    if largest < _HUGE and after <= _TINY:
        return [f"{v:{plus},.{after}f}" for v in values]
    apart = 1 if equal else len(set(finite))
    powers = ([f"{v:{plus}.{n}g}" for v in values] for n in range(3, 18))
    return next(texts for texts in powers if len({*map(float, texts)}) >= apart)


def _first_digit(value: float) -> int:
    """The power of ten of its first digit; of nothing, and what is infinite, large."""
    if not value or not math.isfinite(value):
        return _TINY
    return math.floor(math.log10(value))


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


def effect_text(
    value: float, definition: Definition, interval: tuple[float, float] | None = None
) -> str:
    """One effect with its unit and its interval, back-transformed already.

    Example:
        >>> from normlab.analysis.claims import better_accuracy, faster_convergence
        >>> effect_text(0.0012, better_accuracy.CLAIM)
        '+0.12 points'
        >>> effect_text(0.7, faster_convergence.CLAIM, (0.66, 0.75))
        '0.70 times [0.66 to 0.75]'
    """
    mean, *ends = _digits([value, *(interval or ())], definition)
    return f"{mean} {unit_text(definition)}" + _between(ends)


def estimate_text(estimate: Estimate, definition: Definition) -> str:
    """A mean effect and its interval, still on the scale that they were computed on."""
    ends = estimate.interval
    return effect_text(
        shown(estimate.mean, definition),
        definition,
        ends and (shown(ends[0], definition), shown(ends[1], definition)),
    )


def quantity_text(
    value: float,
    definition: Definition,
    interval: tuple[float, float] | None,
    baseline: str,
) -> str:
    """The same with what is meant: of which quantity, and compared with which arm.

    Example:
        >>> from normlab.analysis.claims import faster_convergence
        >>> quantity_text(0.7, faster_convergence.CLAIM, (0.66, 0.75), "without")
        'steps to the same loss: 0.70 times those without, 95 % CI 0.66 to 0.75'
    """
    what = f"{definition.quantity}: " if definition.quantity else ""
    mean, *_ = _digits([value, *(interval or ())], definition)
    ends = ci_text(interval, definition, value)
    if definition.scale == "difference":
        return f"{what}{mean} {unit_text(definition)}{ends}"
    first = definition.quantity.partition(" ")[0]
    those = "those" if first.endswith("s") and not first.endswith("ss") else "that"
    return f"{what}{mean} times {those} {baseline}{ends}"


def ci_text(
    interval: tuple[float, float] | None,
    definition: Definition,
    value: float = math.nan,
) -> str:
    """The 95 % interval behind its estimate; empty without one.

    Example:
        >>> from normlab.analysis.claims import better_accuracy
        >>> ci_text((-0.0009, 0.0035), better_accuracy.CLAIM)
        ', 95 % CI -0.09 to +0.35'
    """
    if interval is None:
        return ""
    value = interval[0] if math.isnan(value) else value
    _, low, high = _digits([value, *interval], definition)
    return f", 95 % CI {low} to {high}"


def unit_text(definition: Definition) -> str:
    """What effects are counted in."""
    if definition.scale == "ratio":
        return "times"
    if definition.test == "mcnemar":
        return "% of pairs"
    return "points" if definition.unit == "fraction" else definition.unit


def _digits(values: Sequence[float], definition: Definition) -> list[str]:
    if definition.scale == "ratio":
        return aligned(*values)
    if definition.test == "mcnemar":
        return [f"{100 * value:+.0f}" for value in values]
    if definition.unit == "fraction":
        # a t interval knows no bounds, but a difference of shares does
        values = [100 * min(max(value, -1.0), 1.0) for value in values]
    return aligned(*values, sign=True)


def _between(ends: Sequence[str]) -> str:
    return f" [{ends[0]} to {ends[1]}]" if ends else ""


def shown(value: float, definition: Definition) -> float:
    """An effect as it is shown: of a logarithm the ratio, or the largest float."""
    if definition.scale == "difference":
        return float(value)
    return math.exp(min(value, LARGEST_LOG))


def interval_text(interval: tuple[float, float], definition: Definition) -> str:
    """Both ends of an interval, the unit said once."""
    low, high = interval
    _, *ends = _digits([low, low, high], definition)
    return f"{ends[0]} to {ends[1]} {unit_text(definition)}"


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


def upper(text: str) -> str:
    """With a capital at its start."""
    return f"{text[:1].upper()}{text[1:]}"


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
