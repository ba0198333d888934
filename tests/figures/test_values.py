"""What is drawn is what was measured."""

from __future__ import annotations

import base64
import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, lists
from PIL import Image

from normlab.analysis.series.trajectory import Band
from normlab.facade.result import Result
from normlab.figures import claims_forest
from normlab.figures.by_hand import ByHand, _sides, draw_by_hand
from normlab.figures.kit.claim_rows import called
from normlab.figures.kit.curves import single
from normlab.figures.kit.theme import LIGHT
from normlab.figures.running_statistics import mean_gap, variance_ratio
from normlab.figures.twin_difference import draw_twin_difference
from normlab.records.observed.activations import ActivationArrays, NormArrays
from normlab.records.observed.contract import Place
from normlab.spec.plan import RunKey
from tests.analysis.studies import accuracy_study, changed

from .made_up import COST
from .reading import numbers, traces


def test_every_claim_has_its_estimate_and_interval(observed: Result) -> None:
    drawn = {
        trace["hovertemplate"].split("<extra>")[1].split("<")[0]: trace
        for trace in traces(observed, "claims")
        if "<extra></extra>" not in trace["hovertemplate"]
    }
    for claim in observed.claims():
        if claim.estimate is None:
            assert called(claim) not in drawn
            continue
        unit = 1 if claim.definition.scale == "ratio" else 100
        assert drawn[called(claim)]["x"] == pytest.approx([unit * claim.estimate])
        if claim.interval:
            low, high = claim.interval
            bar = drawn[called(claim)]["error_x"]
            ends = (bar["arrayminus"][0] + bar["array"][0]) / unit
            assert ends == pytest.approx(high - low)


def test_twins_are_joined_seed_by_seed(observed: Result) -> None:
    lines = traces(observed, "final-accuracy")[0]
    runs = {run.key: run for run in observed.record.runs}
    expected: list[float | None] = []
    for seed in (0, 1, 2):
        for arm in ("none", "batch"):
            accuracy = runs[RunKey(arm, 0.01, seed)].test_accuracy
            assert accuracy is not None
            expected.append(100 * accuracy)
        expected.append(None)
    assert list(lines["y"]) == expected


def test_twins_that_blow_up_do_not_flatten_the_others() -> None:
    step = np.arange(1.0, 101.0)
    calm, blown = np.full(100, 0.5), np.full(100, 0.8)
    blown[-2:] = 1e-6
    bands = [
        Band(
            arm="batch",
            rate=rate,
            step=step,
            mean=mean,
            low=mean,
            high=mean,
            seeds=3,
            step_seconds=1.0,
        )
        for rate, mean in ((0.1, calm), (1.0, blown))
    ]
    drawn = draw_twin_difference(
        bands, LIGHT.styles({"none": "without", "batch": "with"})
    )
    low, high = drawn.layout.yaxis.range
    assert 0.25 < 10**low < 0.5 and 1 < 10**high < 2
    assert drawn.layout.yaxis2.matches == "y"


def test_cost_is_drawn_as_measured(observed: Result) -> None:
    step = [trace for trace in traces(observed, "cost") if trace["xaxis"] == "x"]
    arms = COST["arms"]
    assert isinstance(arms, dict)
    assert [trace["x"][0] for trace in step] == [arm["ratio"] for arm in arms.values()]


def test_by_hand_gives_what_batch_norm_gives() -> None:
    x = np.array([1.0, 3.0])
    hand = ByHand(
        images=None,
        labels=np.array([0, 1]),
        x=x,
        gamma=0.5,
        beta=4.0,
    )
    stages = [values.tolist() for _, values in hand.stages()]
    wanted = [[1, 3], [-1, 1], [-1, 1], [3.5, 4.5]]
    np.testing.assert_allclose(stages, wanted, atol=1e-5)
    assert "γ = 0.50 and β = 4.00" in hand.stages()[3][0]


@given(lists(floats(-5, 5), min_size=2, max_size=8))
def test_texts_of_neighbours_stand_on_different_sides(values: list[float]) -> None:
    near = 0.1 * np.ptp(values)
    sides = list(zip(values, _sides(np.array(values)), strict=True))
    for (one, left), (other, right) in pairwise(sides):
        assert left != right or abs(one - other) >= near


def test_by_hand_shows_the_end_of_training(observed: Result) -> None:
    figure = observed.plot("by-hand").figure.to_dict()
    last = numbers(figure["frames"][2]["data"][0]["y"])
    shown = numbers(figure["data"][0]["y"])
    assert len(figure["frames"]) == 4
    for frame in figure["frames"]:
        (data,) = frame["data"]
        assert list(data["textposition"]) == _sides(numbers(data["y"]))
    np.testing.assert_array_equal(np.argsort(last), np.argsort(shown))


def test_by_hand_shows_every_image_below_its_label() -> None:
    images = np.arange(3 * 4 * 5, dtype=np.float32).reshape(3, 4, 5)
    hand = ByHand(
        images=images, labels=np.array([7, 7, 2]), x=np.arange(3.0), gamma=1.0, beta=0.0
    )
    style = LIGHT.styles({"batch": "with batch norm"})["batch"]
    layout = draw_by_hand(hand, style).to_dict()["layout"]
    drawn = layout["images"]
    assert [image["x"] for image in drawn] == list(layout["xaxis"]["tickvals"])
    assert layout["xaxis2"]["range"] == layout["xaxis"]["range"]
    for image, of in zip(drawn, images, strict=True):
        png = base64.b64decode(image["source"].partition("base64,")[2])
        pixels = np.asarray(Image.open(io.BytesIO(png)), np.float64)[::4, ::4]
        np.testing.assert_allclose(pixels, 255 * of / images.max(), atol=0.5 + 1e-4)


def test_the_slider_has_every_moment_and_starts_at_the_last(observed: Result) -> None:
    figure = observed.plot("neuron-by-step").figure.to_dict()
    (slider,) = figure["layout"]["sliders"]
    assert [step["label"] for step in slider["steps"]] == ["0", "1", "10", "50", "80"]
    last = figure["frames"][slider["active"]]["data"][0]["y"]
    np.testing.assert_array_equal(figure["data"][0]["y"], last)


def test_on_paper_every_stage_and_every_moment_is_there(observed: Result) -> None:
    hand = observed.plot("by-hand").on_paper().figure.to_dict()
    assert "frames" not in hand
    titles = [text["text"] for text in hand["layout"]["annotations"]]
    assert [t[3:9] for t in titles] == [f"{k} of 4" for k in (1, 2, 3, 4)]
    course = observed.plot("neuron-by-step").on_paper().figure.to_dict()
    told = " ".join(text["text"] for text in course["layout"]["annotations"])
    for words in ("step 1<br>", "step 10<br>", "step 80<br>", "mean ", "deviation "):
        assert words in told


def test_after_normalising_every_moment_has_mean_0_and_deviation_1(
    observed: Result,
) -> None:
    drawn = observed.plot("one-neuron").figure.to_dict()["layout"]["annotations"]
    texts = [text["text"] for text in drawn]
    after = [texts[i + 1] for i, text in enumerate(texts) if ": after" in text]
    assert len(after) == len(texts) / 6
    for note in after:
        mean, deviation = (float(part.split()[-1]) for part in note.split(", "))
        assert abs(mean) <= 0.01
        assert abs(deviation - 1) <= 0.01


def test_every_image_is_in_the_histogram_of_a_neuron(observed: Result) -> None:
    bars = [t for t in traces(observed, "neuron-by-step") if t["type"] == "bar"]
    assert [float(numbers(bar["y"]).sum()) for bar in bars] == pytest.approx([100] * 3)


def test_running_averages_are_told_in_deviations(observed: Result) -> None:
    gap, ratio = (
        trace
        for trace in traces(observed, "running-statistics")
        if trace["mode"] == "lines+markers"
    )
    # invented half a deviation off, and twice the variance
    assert numbers(gap["y"]) == pytest.approx([0.5] * 5)
    assert numbers(ratio["y"]) == pytest.approx([2.0] * 5)


def test_what_overflows_is_left_out_of_ratios_and_lines() -> None:
    huge = np.float32(3e38)
    norm = NormArrays.row(
        Place(0, "norm"),
        running_mean=np.array([[1.0], [np.inf]], np.float32),
        running_var=np.array([[4.0], [np.inf]], np.float32),
        x_mean=np.array([[0.0], [np.inf]], np.float32),
        x_std=np.array([[2.0], [np.inf]], np.float32),
    )
    seen = ActivationArrays.unpacked(norm)
    assert np.array_equal(mean_gap(seen, "norm"), [0.5, np.nan], equal_nan=True)
    assert np.array_equal(variance_ratio(seen, "norm"), [1, np.nan], equal_nan=True)
    assert single(np.array([1.0, float(huge) * 2])).tolist() == [1.0, np.inf]


def test_a_claim_that_could_not_be_measured_has_a_row_in_words() -> None:
    record = accuracy_study([0.01, 0.02, 0.03])
    for run in record.runs:
        if run.key.arm == "batch":
            record = changed(record, run.key, status="diverged", diverged_step=1)
    drawn = claims_forest.KIND.draw(Result(record), LIGHT)
    texts = [note.text for note in drawn.figure.layout.annotations]
    assert "<b>Steps to the same loss</b><br>not measured" in texts
    assert any(text.startswith("<b>Test accuracy</b><br>") for text in texts)
