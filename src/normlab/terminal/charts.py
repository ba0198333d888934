"""The course of training as two charts: loss over steps, accuracy over epochs."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from normlab.analysis.design.setting import setting_of, setting_text
from normlab.analysis.text.words import count
from normlab.terminal.curves import WIDTH, Chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from normlab.records.rows import RunRecord, StudyRecord
    from normlab.terminal.curves import Points


def loss_chart(record: StudyRecord) -> Chart:
    """Minibatch training loss, mean over seeds and over the steps of a column."""
    runs = _curves(record)
    every = [run for group in runs.values() for run in group]
    longest = max((run.step_losses.size for run in every), default=0)
    edges = np.linspace(0, longest, min(WIDTH, longest) + 1).round().astype(int)
    return Chart(
        title=f"Training loss{_of_what(record)}",
        x="step",
        curves={name: _loss_points(group, edges) for name, group in runs.items()},
        log=True,
    )


def accuracy_chart(record: StudyRecord) -> Chart:
    """Test accuracy at the end of every epoch, mean over seeds, in per cent."""
    return Chart(
        title=f"Test accuracy in %{_of_what(record)}",
        x="epoch",
        curves={n: _accuracy_points(group) for n, group in _curves(record).items()},
        joined=True,
    )


def _curves(record: StudyRecord) -> Mapping[str, Sequence[RunRecord]]:
    """The runs behind each arm's curve; of several settings at the one shown."""
    setting = setting_of(record)
    runs: dict[str, list[RunRecord]] = defaultdict(list)
    for run in record.runs:
        if (run.key.rate, run.key.point) == setting:
            runs[run.called].append(run)
    return runs


def _of_what(record: StudyRecord) -> str:
    """Where there are several settings, at which, and over what the mean is taken."""
    where = setting_text(record)
    at = f" at {where}" if where else ""
    return f"{at}, mean over {count(len(record.spec.seeds), 'seed')}"


def _loss_points(runs: Sequence[RunRecord], edges: NDArray[np.int_]) -> Points:
    points = []
    for low, high in pairwise(edges):
        losses = np.concatenate([run.step_losses[low:high] for run in runs])
        finite = losses[np.isfinite(losses)]
        if finite.size:
            points.append(((low + 1 + high) / 2, float(finite.mean(dtype=np.float64))))
    return points


def _accuracy_points(runs: Sequence[RunRecord]) -> Points:
    found: dict[int, list[float]] = defaultdict(list)
    for run in runs:
        for row in run.epochs:
            if row.test_accuracy is not None:
                found[row.epoch].append(100 * row.test_accuracy)
    return [(epoch, sum(those) / len(those)) for epoch, those in sorted(found.items())]
