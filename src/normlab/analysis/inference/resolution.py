"""Whether a study could have shown a difference as small as its margin."""

from __future__ import annotations

import math
from itertools import pairwise

from normlab.analysis.inference.component import most_unequal
from normlab.analysis.inference.evidence import Evidence

RULE_OF_THREE = 3.0
"""None among m is compatible with 3/m, at 95 %."""


def unresolved(evidence: Evidence) -> str:
    """Why equal effects do not show equality; empty if they do.

    Accuracies from m images are resolved to 3/m, largest rates to a step of the grid,
    counts to the one-sided Clopper-Pearson bound of the pairs that differ.
    """
    definition, margin = evidence.definition, evidence.definition.margin
    if definition.compares == "rates":
        return _grid(evidence, margin)
    if margin is None:
        return ""
    if definition.test == "mcnemar":
        return _counts(evidence, margin)
    if definition.over_images:
        return _images(evidence, margin)
    return ""


def _counts(evidence: Evidence, margin: float) -> str:
    (component,) = evidence.components
    unequal = sum(component.only_one)
    possible = most_unequal(
        unequal + component.missing, component.effects.size + component.missing
    )
    if possible <= margin:
        return ""
    seen = "none seen" if not unequal else f"{unequal} seen"
    return f"pairs that differ: {seen}; up to {100 * possible:.0f} % possible"


def _images(evidence: Evidence, margin: float) -> str:
    sizes = {
        run.correct.size
        for twins in evidence.twins
        for run in (twins.baseline, twins.other)
        if run.correct is not None
    }
    if not sizes:
        return (
            "which test images were right is not recorded, so equality cannot be told"
        )
    images = min(sizes)
    if margin * images >= RULE_OF_THREE:
        return ""
    needed = math.ceil(round(RULE_OF_THREE / margin, 6))
    return (
        f"{images:,} test images cannot show a difference as small as "
        f"{100 * margin:g} points; {needed:,} could"
    )


def _grid(evidence: Evidence, margin: float | None) -> str:
    rates = sorted({run.key.rate for t in evidence.twins for run in t.baseline_rates})
    step = max((high / low for low, high in pairwise(rates)), default=math.inf)
    return (
        ""
        if margin and step <= margin
        else f"resolved to one step of the grid (x {step:.3g})"
    )
