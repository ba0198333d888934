"""The spread of what a unit sees grows less while the network trains."""

from __future__ import annotations

import numpy as np

from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.analysis.claims.seen import both, shared
from normlab.records.observed.activations import ActivationArrays, HiddenArrays

FIRST = 1  # step; before it no arm has learnt anything


def log_growth_difference(twins: Twins) -> float | Omitted:
    """Mean over layers of the other arm's log growth minus the baseline's."""
    seen = both(twins, ActivationArrays)
    if isinstance(seen, Omitted):
        return seen
    steps = seen.baseline.steps
    if FIRST not in steps[:-1]:
        return Omitted("no moment after step 1 and a later one were seen")
    first = int(np.flatnonzero(steps == FIRST)[0])
    layers = shared(seen.baseline.hidden, seen.other.hidden)
    grown = np.array([[log_growth(of, first) for of in pair] for pair in layers])
    known = grown[np.isfinite(grown).all(axis=1)] if layers else grown
    if not len(known):
        return Omitted("no hidden layer with units that vary was seen in both arms")
    baseline, other = known.mean(axis=0)
    return float(other - baseline)


def log_growth(layer: HiddenArrays, first: int) -> float:
    """Log of the median over units of the standard deviation at the end over the first.

    Units that are constant at either moment are left out; nan if all are.
    """
    begin, end = (layer.in_std[at].astype(np.float64) for at in (first, -1))
    vary = (begin > 0) & (end > 0)
    return float(np.log(np.median(end[vary] / begin[vary]))) if vary.any() else np.nan


CLAIM = Definition(
    id="calmer-variance",
    statement="the spread of activations grows less {arm} than {baseline}",
    measure=(
        "ratio of a unit's standard deviation at the end over that after step 1, at "
        "the nonlinearity's input; median over units, geometric mean over layers"
    ),
    quantity="growth of the spread",
    figure="percentiles",
    scale="ratio",
    unit="standard deviation at the end over that after step 1",
    better="lower",
    margin=1.05,
    effect=log_growth_difference,
    probe="activations",
    caveat=(
        "a norm fixes part of this by construction: only its learnt gain lets the "
        "spread behind it grow"
    ),
    formula=(
        r"\operatorname{mean}_{layers} \log \frac{(\operatorname{median}_{units} "
        r"s_T/s_1)_{other}}{(\operatorname{median}_{units} s_T/s_1)_{base}}"
    ),
    papers="Madushanka 2024; Ioffe and Szegedy 2015, section 1",
    turns="looking in front of the norm, where nothing fixes the spread",
)
