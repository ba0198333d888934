"""The loss surface is smoother: the gradient changes less along the step taken."""

from __future__ import annotations

from normlab.analysis.claims.definition import (
    Definition,
    Measured,
    Omitted,
    Second,
    Twins,
)
from normlab.analysis.claims.seen import both, by_phase, log_rise_ratio, mean_log_ratio
from normlab.records.observed.gradient import GradientArrays
from normlab.records.observed.sharpness import SharpnessArrays

BY_ROW = "relative to row lengths"


def log_smoothness_ratios(twins: Twins) -> Measured:
    """Mean over the moments of a phase of log(other arm / baseline), by both measures.

    One is beta_u; of the other one, in which rows are counted in their own lengths, the
    names end in `relative to row lengths`.
    """
    raw = _by_phase(twins, "beta_u")
    rows = _by_phase(twins, "beta_u_by_row")
    if isinstance(raw, Omitted) or isinstance(rows, Omitted):
        return rows
    return {**raw, **{f"{phase} {BY_ROW}": effect for phase, effect in rows.items()}}


def log_length_ratios(twins: Twins, log_smoothness: float) -> Measured:
    """The same with the lengths of the rows."""
    del log_smoothness
    return _by_phase(twins, "row_length")


def _by_phase(twins: Twins, name: str) -> dict[str, float | Omitted] | Omitted:
    seen = both(twins, GradientArrays, name)
    if isinstance(seen, Omitted):
        return seen
    phases = by_phase(twins, seen)
    if isinstance(phases, Omitted):
        return phases
    baseline, other = (getattr(of, name) for of in seen)
    return {
        phase: mean_log_ratio(other[there], baseline[there])
        for phase, there in phases.items()
    }


def log_eigenvalue_ratios(twins: Twins, log_smoothness: float) -> Measured:
    """Of the largest Hessian eigenvalues, where both are positive."""
    del log_smoothness
    seen = both(twins, SharpnessArrays)
    if isinstance(seen, Omitted):
        return seen
    return {
        f"after step {step}": mean_log_ratio(
            seen.other.eigenvalue[[i]], seen.baseline.eigenvalue[[i]]
        )
        for i, step in enumerate(seen.baseline.steps.tolist())
    }


def log_scaled_ratio(twins: Twins, log_smoothness: float) -> Measured | None:
    """With rate times smoothness along the gradient; None where rates are equal."""
    del log_smoothness
    seen = both(twins, GradientArrays)
    if isinstance(seen, Omitted) or twins.other.key.rate == twins.baseline.key.rate:
        return None
    scaled = (arm.rate * arm.beta for arm in (seen.other, seen.baseline))
    return mean_log_ratio(*scaled)


def log_rise_ratios(twins: Twins, effect: float) -> Measured:
    """How much more the loss rises in random directions, by relative radius."""
    del effect
    found = {f"at radius {r:g}": log_rise_ratio(twins, r) for r in (0.1, 0.3)}
    return {name: ratio for name, ratio in found.items() if ratio is not None}


CLAIM = Definition(
    id="smoother-surface",
    statement="the loss surface is smoother {arm} than {baseline}",
    asked="smoother loss surface",
    measure=(
        "ratio of the effective smoothness along the step taken, largest change of the "
        "gradient per distance from a half to four steps, in two measures: as it is, "
        "and with every row of a weight counted in its own length; geometric mean over "
        "the moments of a phase"
    ),
    quantity="roughness",
    figure="along-gradient",
    scale="ratio",
    unit="1/length",
    better="lower",
    margin=1.05,
    effect=log_smoothness_ratios,
    probe="gradient",
    words=("rougher", "smoother"),
    beside=(
        Second(
            "length of rows (longer ones look smoother as it is)", log_length_ratios
        ),
        Second("rise of the loss around the end", log_rise_ratios),
        Second("largest Hessian eigenvalue", log_eigenvalue_ratios),
        Second("learning rate times smoothness along the gradient", log_scaled_ratio),
    ),
    caveat=(
        "smoothness as it is has the unit of a curvature: it also falls where rows of "
        "weights are longer, which in front of a norm changes nothing else"
    ),
    formula=(
        r"\log \frac{\beta_{other}}{\beta_{base}},\quad \beta = \max_c "
        r"\frac{\lVert D (\nabla L(w + c u) - \nabla L(w)) \rVert}{c \lVert D^{-1} "
        r"u \rVert},\ D = 1 \text{ or the lengths of rows}"
    ),
    papers=(
        "Santurkar et al. 2018, arXiv 1805.11604, section 3; why raw sharpness "
        "alone fails: Dinh et al. 2017, arXiv 1703.04933; rows: van Laarhoven "
        "2017, arXiv 1706.05350, and Kwon et al. 2021, arXiv 2102.11600"
    ),
    turns=(
        "the phase of training; whether the lengths of rows count; the direction: "
        "along the gradient instead of the step taken"
    ),
)
