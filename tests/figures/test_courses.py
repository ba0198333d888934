"""Figures along training draw what was recorded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from normlab.errors import NotMeasured
from normlab.facade.result import Result
from normlab.figures.step_path import efficiency, null_efficiency
from normlab.records.observed.activations import ActivationArrays
from normlab.records.observed.contract import Place
from normlab.records.observed.outputs import OutputArrays
from normlab.records.observed.path import PathArrays
from normlab.records.observed.scale import ScaleArrays

from .reading import numbers, traces

RELU = Place(1, "relu1")


def test_accuracy_stands_below_the_loss_by_step_and_by_second(
    observed: Result,
) -> None:
    lines = {
        trace["yaxis"]: trace
        for trace in traces(observed, "learning-curves")
        if trace["name"] == "without batch norm" and "markers" in trace["mode"]
    }
    runs = [run for run in observed.record.runs if run.key.arm == "none"]
    expected = [
        100 * np.mean([run.glimpses[epoch].accuracy for run in runs])
        for epoch in range(2)
    ]
    assert set(lines) == {"y3", "y4"}
    assert numbers(lines["y3"]["x"]).tolist() == [40, 80]
    for line in lines.values():
        assert numbers(line["y"]) == pytest.approx(expected)


def test_the_drift_that_is_drawn_is_that_of_the_claim(observed: Result) -> None:
    runs = tuple(run for run in observed.record.runs if run.key.seed == 0)
    dead = [run.observed[ActivationArrays].hidden[RELU].dead for run in runs]
    assert all(units is not None and units.any() for units in dead)
    alone = replace(observed, record=replace(observed.record, runs=runs))
    drift = {
        trace["name"]: np.square(numbers(trace["y"])[:-1]).sum()
        for trace in traces(alone, "drift")
        if trace["xaxis"] == "x" and "markers" in (trace.get("mode") or "")
    }
    (claim,) = (c for c in alone.claims() if c.id == "steadier-activations")
    assert claim.effects[0].value == pytest.approx(
        np.sqrt(drift["with batch norm"] / drift["without batch norm"]), rel=1e-6
    )


def test_the_efficiency_of_a_straight_path_is_one() -> None:
    lengths = 1 + np.arange(150) / 100  # updates grow evenly
    looked_at = np.array([0, 1, 100, 101, 149])
    found = efficiency(
        PathArrays(
            steps=looked_at,
            norm=lengths[looked_at],
            cosine=np.ones(5),
            momentum=np.array(0.0),
            distance_steps=np.array([0, 100, 150]),
            distance=np.array([0.0, lengths[:100].sum(), lengths.sum()]),
            weights={},
        )
    )
    assert found is not None and found.steps.tolist() == [100, 150]
    assert found.share == pytest.approx([1, 1])


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_white_noise_is_as_efficient_as_the_dotted_curve(momentum: float) -> None:
    stream, steps, size = np.random.default_rng(0), 4000, 200
    updates = np.empty((steps, size))
    update = stream.normal(size=size) / np.sqrt(1 - momentum**2)
    for i in range(steps):
        update = momentum * update + stream.normal(size=size)
        updates[i] = update
    length = np.linalg.norm(updates, axis=1).sum()
    measured = np.linalg.norm(updates.sum(axis=0)) / length
    (expected,) = null_efficiency(np.array([float(steps)]), momentum)
    assert measured == pytest.approx(expected, rel=0.15)  # 1/sqrt(2 size) is 0.05


def test_the_path_has_its_null_beside_it(observed: Result) -> None:
    drawn = [t for t in traces(observed, "step-path") if t["xaxis"] == "x3"]
    dotted = next(t for t in drawn if t.get("line", {}).get("dash") == "dot")
    assert numbers(dotted["x"]).tolist() == [50, 80]
    assert numbers(dotted["y"]) == pytest.approx(np.sqrt(19 / np.array([50, 80])))


def test_effective_rates_are_medians_over_rows(observed: Result) -> None:
    run = next(run for run in observed.record.runs if run.key.arm == "batch")
    alone = replace(observed, record=replace(observed.record, runs=(run,)))
    lines = {
        trace["xaxis"]: numbers(trace["y"])
        for trace in traces(alone, "effective-rate")
        if "markers" in (trace.get("mode") or "")
    }
    seen = run.observed[ScaleArrays].weights[Place(0, "fc1.weight")]
    assert seen.effective_rate is not None
    for axis, values in (("x", seen.norm), ("x2", seen.effective_rate)):
        rows = np.median(values, axis=1)
        assert lines[axis] == pytest.approx(rows, rel=1e-6)


def test_without_scale_invariant_weights_there_is_no_effective_rate(
    observed: Result,
) -> None:
    runs = tuple(run for run in observed.record.runs if run.key.arm == "none")
    alone = replace(observed, record=replace(observed.record, runs=runs))
    with pytest.raises(NotMeasured, match="no arm has weights whose length"):
        alone.plot("effective-rate")


def test_straightness_is_net_over_summed_distance(observed: Result) -> None:
    run = next(run for run in observed.record.runs if run.key.arm == "batch")
    alone = replace(observed, record=replace(observed.record, runs=(run,)))
    lines = {
        trace["xaxis"]: (numbers(trace["x"]), numbers(trace["y"]))
        for trace in traces(alone, "straightness")
        if "markers" in (trace.get("mode") or "")
    }
    seen = run.observed[OutputArrays]
    drawn = {
        "x": (seen.burst_steps, seen.burst_net / seen.burst_sum),
        "x2": (np.array([1, 20, 100]), seen.stride_net / seen.stride_sum),
        "x3": (seen.burst_steps, seen.burst_cosine),
    }
    for axis, (at, value) in drawn.items():
        assert lines[axis][0] == pytest.approx(at)
        assert lines[axis][1] == pytest.approx(value, rel=1e-6)


def test_who_looks_from_afar_is_not_drawn_over_the_steps_of_training(
    observed: Result,
) -> None:
    layout = observed.plot("straightness").figure.layout
    titles = [layout[axis].title.text for axis in ("xaxis", "xaxis2", "xaxis3")]
    assert titles[0] == titles[2] == "step (log scale)"
    assert titles[1] == "steps from look to look (log scale)"
    assert layout.xaxis2.matches is None and layout.xaxis3.matches == "x"
