"""Figures along training draw what was recorded."""

from __future__ import annotations

import numpy as np
import pytest

from normlab.analysis.result import Result

from .reading import numbers, traces


def test_accuracy_stands_below_the_loss_by_step_and_by_second(
    observed: Result,
) -> None:
    lines = {
        trace["yaxis"]: trace
        for trace in traces(observed, "learning-curves")
        if trace["name"] == "none" and "markers" in trace["mode"]
    }
    runs = [run for run in observed.record.runs if run.key.arm == "none"]
    expected = [
        100 * np.mean([run.epochs[epoch].test_accuracy or 0 for run in runs])
        for epoch in range(2)
    ]
    assert set(lines) == {"y3", "y4"}
    assert numbers(lines["y3"]["x"]).tolist() == [40, 80]
    for line in lines.values():
        assert numbers(line["y"]) == pytest.approx(expected)
