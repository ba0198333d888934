"""Whether the network trains at all, or learns nothing, or its loss is not finite."""

from __future__ import annotations

from normlab.analysis.claims.definition import Definition, Twins


def trained_difference(twins: Twins) -> float:
    """1 if only the other arm trained, -1 if only the baseline, else 0."""
    baseline, other = twins.untrained
    return float(baseline) - float(other)


CLAIM = Definition(
    id="trains-at-all",
    statement="training fails less often {arm} than {baseline}",
    asked="fails less often",
    measure=(
        "difference of the share of runs that train: whose loss stays finite and ends, "
        "on held-out images or else in training, below 0.9 of the loss of chance, the "
        "entropy of the label shares"
    ),
    quantity="did not train",
    figure="learning-curves",
    scale="difference",
    unit="share of runs",
    better="higher",
    margin=0.1,
    effect=trained_difference,
    counted=lambda twins: twins.untrained,
    untrained=True,
    test="mcnemar",
    formula=r"\frac{\#\{other\ trained\} - \#\{base\ trained\}}{pairs}",
    papers="Bjorck et al. 2018, arXiv 1806.02375, section 3",
    turns=("larger learning rates or more layers, where networks without norms fail"),
)
