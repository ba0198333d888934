"""Every verdict once more, from `show --json` alone: plain Python and scipy.stats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

Json = dict[str, Any]


def verdicts(claims: Sequence[Json]) -> list[str]:
    """One for each claim; all of them are one family."""
    ps = [p_of(claim) for claim in claims]
    return [
        verdict(claim, [p for j, p in enumerate(ps) if j != i and p is not None])
        for i, claim in enumerate(claims)
    ]


def p_of(claim: Json, *, worst: bool = True) -> float | None:
    found = [component_p(claim, part, worst=worst) for part in claim["components"]]
    if any(p is None for p in found):
        return None
    sides = {side(claim, effects(claim, part)) for part in claim["components"]}
    return max(found) if len(sides) == 1 else 1.0  # type: ignore[type-var]


def verdict(claim: Json, others: list[float]) -> str:
    parts = claim["components"]
    most = max(len(part["effects"]) for part in parts)
    if most < 3:
        seen = {e["seed"] for part in parts for e in part["effects"]}
        lost = claim["planned"] - claim["pending"] - len(seen)
        left = claim["planned"] - lost
        hopeless = lost > 0 and (left == 0 or (left < 3 and claim["planned"] >= 3))
        return "not-measurable" if hopeless else "not-enough-seeds"
    measured = rule(claim, others, worst=False)
    if measured in ("inconclusive", "not-enough-seeds"):
        return measured
    if claim["pending"] or rule(claim, others, worst=True) != measured:
        return "inconclusive"
    return measured


def rule(claim: Json, others: list[float], *, worst: bool) -> str:
    parts = claim["components"]
    inside = [is_inside(claim, part, worst=worst) for part in parts]
    if all(inside):
        shown = claim["resolved"] and claim["final"]
        return "no-difference" if shown else "inconclusive"
    better = 1 if claim["better"] == "higher" else -1
    p = p_of(claim, worst=worst)
    sides = [side(claim, effects(claim, part)) for part in parts]
    if p is not None and adjusted(p, others) < claim["level"] and not any(inside):
        if objects(claim, sides[0]):
            return "mixed"
        return "supported" if sides[0] == better else "contradicted"
    ps = [component_p(claim, part, worst=worst) for part in parts]
    clear = {
        sides[i]
        for i, p in enumerate(ps)
        if p is not None
        and not inside[i]
        and adjusted(p, [q for j, q in enumerate(ps) if j != i and q is not None])
        < claim["level"]
    }
    if clear >= {1, -1}:
        return "mixed"
    known = [3.0 if p is None else p for p in ps]
    decider = effects(claim, parts[known.index(max(known))])
    missing = parts[0]["missing"] if worst else 0
    if claim["test"] != "t" and any(decider):
        best = stats.binomtest(missing, len(decider) + missing).pvalue
        if missing > len(decider):
            best = 1.0
        if adjusted(float(best), others) >= claim["level"]:
            return "not-enough-seeds"
    return "inconclusive"


def objects(claim: Json, side: int) -> bool:
    """Whether the veto's 95 % interval lies wholly on the other side."""
    ends = claim["veto"] and interval(
        claim["veto"], effects(claim, claim["veto"]), 0.95
    )
    return bool(ends) and all(end * side < 0 for end in ends)


def adjusted(p: float, others: Sequence[float]) -> float:
    """Holm's step-down over p and the others."""
    family = sorted([p, *others])
    stepped = [q * (len(family) - i) for i, q in enumerate(family)]
    return min(1.0, max(stepped[: family.index(p) + 1]))


def effects(claim: Json, part: Json) -> list[float]:
    values = [e["value"] for e in part["effects"]]
    return [math.log(v) for v in values] if claim["scale"] == "ratio" else values


def imputed(values: list[float], part: Json, sign: int) -> list[float]:
    return values + [sign * max(map(abs, values))] * part["missing"]


def side(claim: Json, values: list[float]) -> int:
    if claim["test"] == "t":
        return int(np.sign(np.mean(values))) if values else 0
    above, below = sum(v > 0 for v in values), sum(v < 0 for v in values)
    return (above > below) - (above < below)


def component_p(claim: Json, part: Json, *, worst: bool) -> float | None:
    values = effects(claim, part)
    p = plain_p(claim, part, values)
    if p is None or not worst or not part["missing"]:
        return p
    against = imputed(values, part, -side(claim, values))
    if side(claim, against) != side(claim, values):
        return 1.0
    return max(p, plain_p(claim, part, against) or 0.0)


def plain_p(claim: Json, part: Json, values: list[float]) -> float | None:
    if len(values) < 3:
        return None
    if claim["test"] != "t":
        above, below = sum(v > 0 for v in values), sum(v < 0 for v in values)
        if above + below == 0:
            return None
        return float(stats.binomtest(above, above + below).pvalue)
    errors = standard_errors(part, values)
    if errors is None:
        return None
    mean = abs(float(np.mean(values)))
    return max(float(2 * stats.t.sf(mean / error, df)) for error, df in errors)


def standard_errors(
    part: Json, values: list[float]
) -> list[tuple[float, float]] | None:
    n, largest = len(values), max(map(abs, values))
    if max(values) - min(values) <= 1e-9 * largest:
        return None
    a = float(np.var(values, ddof=1)) / n
    found = [(math.sqrt(a), float(n - 1))]
    if part["images"] and part["images"]["number"] >= 2:
        b, m = part["images"]["variance"], part["images"]["number"]
        df = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / (m - 1))
        found.append((math.sqrt(a + b), df))
    return found


def interval(
    part: Json, values: list[float], level: float
) -> tuple[float, float] | None:
    errors = standard_errors(part, values) if len(values) > 1 else None
    if errors is None:
        return None
    half = max(stats.t.ppf(0.5 + level / 2, df) * error for error, df in errors)
    mean = float(np.mean(values))
    return mean - half, mean + half


def is_inside(claim: Json, part: Json, *, worst: bool) -> bool:
    margin, values = claim["margin"], effects(claim, part)
    if margin is None or len(values) < 3:
        return False
    if claim["test"] == "mcnemar":
        k = part["missing"] if worst else 0
        unequal, pairs = sum(v != 0 for v in values) + k, len(values) + k
        bound = (
            1.0
            if unequal == pairs
            else stats.beta.ppf(0.95, unequal + 1, pairs - unequal)
        )
        return bool(bound <= margin)
    if worst and part["missing"] and not any(values):
        return False
    margin = math.log(margin) if claim["scale"] == "ratio" else margin
    samples = [values]
    if worst and part["missing"] and claim["test"] == "t":
        samples += [imputed(values, part, 1), imputed(values, part, -1)]
    return all(within(part, sample, margin) for sample in samples)


def within(part: Json, values: list[float], margin: float) -> bool:
    if not any(values):
        return True
    ends = interval(part, values, 0.90)
    return ends is not None and -margin <= ends[0] and ends[1] <= margin
