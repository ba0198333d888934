"""The loss surface is smoother: the gradient changes less along the step taken."""

from __future__ import annotations

from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.analysis.claims.seen import both, mean_log_ratio
from normlab.records.observed.gradient import GradientArrays


def log_smoothness_ratio(twins: Twins) -> float | Omitted:
    """Mean over moments of log(beta_u of the other arm / of the baseline)."""
    seen = both(twins, GradientArrays)
    if isinstance(seen, Omitted):
        return seen
    return mean_log_ratio(seen.other.beta_u, seen.baseline.beta_u)


def log_scaled_ratio(twins: Twins, log_smoothness: float) -> float | None:
    """The same with rate times smoothness; None where both rates are equal."""
    del log_smoothness
    seen = both(twins, GradientArrays)
    if isinstance(seen, Omitted) or twins.other.key.rate == twins.baseline.key.rate:
        return None
    scaled = (arm.rate * arm.beta for arm in (seen.other, seen.baseline))
    ratio = mean_log_ratio(*scaled)
    return None if isinstance(ratio, Omitted) else ratio


CLAIM = Definition(
    id="smoother-surface",
    statement="the loss surface of {arm} is smoother than that of {baseline}",
    measure=(
        "ratio of the effective smoothness along the step taken: largest change of "
        "the gradient per distance, from a half to four steps; geometric mean over "
        "moments"
    ),
    if_supported="had a smoother loss surface",
    if_contradicted="had a rougher loss surface",
    quantity="roughness",
    scale="ratio",
    unit="1/length",
    better="lower",
    margin=1.05,
    effect=log_smoothness_ratio,
    probe="gradient",
    beside=log_scaled_ratio,
    beside_name="learning rate times smoothness along the gradient",
    caveat=(
        "smoothness has the unit of a curvature: it also falls where weights have "
        "grown, which in front of batch norm changes nothing else"
    ),
)
