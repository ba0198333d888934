"""Better accuracy on the test set."""

from __future__ import annotations

from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.records.rows import RunRecord


def final_accuracy(run: RunRecord, classes: int | None) -> float | None:
    """The test accuracy of the last finite network; chance if there never was one.

    Returns:
        A fraction; None if the run has no accuracy, or chance is not known.
    """
    if run.test_accuracy is not None:
        return run.test_accuracy
    if run.correct is not None and run.correct.size:
        return float(run.correct.mean())
    return 1 / classes if run.status == "diverged" and classes else None


def accuracy_difference(twins: Twins) -> float | Omitted:
    """Final test accuracy of the other arm minus that of the baseline."""
    other = final_accuracy(twins.other, twins.classes)
    baseline = final_accuracy(twins.baseline, twins.classes)
    if other is None or baseline is None:
        return Omitted("no test accuracy")
    return other - baseline


CLAIM = Definition(
    id="better-accuracy",
    statement="accuracy on the test set is higher {arm} than {baseline}",
    asked="more accurate",
    measure=(
        "difference of the final test accuracy; a diverged run counts with its last "
        "finite network, else with chance"
    ),
    quantity="test accuracy",
    figure="final-accuracy",
    scale="difference",
    unit="fraction",
    better="higher",
    margin=0.001,
    effect=accuracy_difference,
    untrained=True,
    over_images=True,
    formula=r"a_{other} - a_{base}",
    papers="Ioffe and Szegedy 2015, section 4.2",
    turns="longer training, other learning rates, more test images",
)
