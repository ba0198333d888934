from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from normlab.analysis.analyse import judge_all
from normlab.analysis.claim import Claim
from normlab.analysis.inference.interval import t_interval
from normlab.records.rows import StudyRecord
from normlab.spec.plan import RunKey

from .studies import accuracy_study, changed, swapped, twins_study

TOO_FEW = ("not-enough-seeds", "not-measurable")
NO_LOSSES = np.empty(0, np.float32)


def claim(record: StudyRecord, name: str = "better-accuracy") -> Claim:
    return next(claim for claim in judge_all(record) if claim.id == name)


def test_a_clear_gain_is_supported() -> None:
    judged = claim(accuracy_study([0.004, 0.005, 0.006, 0.005, 0.004]))
    assert judged.verdict == "supported"
    assert judged.note == "the interval excludes 0"  # the curves are equal: no tests
    assert judged.estimate == pytest.approx(0.0048)
    assert (judged.wins, judged.seeds) == (5, 5)


def test_a_clear_loss_is_contradicted() -> None:
    judged = claim(accuracy_study([-0.004, -0.005, -0.006, -0.005]))
    assert judged.verdict == "contradicted"
    assert judged.note.startswith("significant the other way: the interval excludes 0")


SMALL = [0.0004, 0.0005, 0.0006, 0.0005, 0.0004]


def test_a_gain_below_the_margin_is_no_difference_and_the_note_says_why() -> None:
    judged = claim(accuracy_study(SMALL))
    assert judged.verdict == "no-difference"
    assert judged.note == (
        "significant, but too small to matter: the 90 % interval "
        "[+0.040 to +0.056 points] lies inside the margin of 0.1 points"
    )


@pytest.mark.parametrize("gains", [SMALL, [0.0] * 5])
def test_too_few_images_cannot_show_equality(gains: list[float]) -> None:
    for images, verdict in ((2999, "inconclusive"), (3000, "no-difference")):
        judged = claim(accuracy_study(gains, images))
        assert judged.verdict == verdict
    judged = claim(accuracy_study(gains, images=10))
    assert "10 test images cannot show a difference as small as 0.1" in judged.note
    assert judged.note.endswith("points; 3,000 could")


def test_small_effects_around_nothing_are_no_difference() -> None:
    judged = claim(accuracy_study([0.0004, -0.0005, 0.0003, -0.0004, 0.0001]))
    assert judged.verdict == "no-difference"
    assert judged.note == (
        "the 90 % interval [-0.04 to +0.04 points] lies inside the margin of 0.1 points"
    )


def test_effects_that_are_all_nothing_are_no_difference() -> None:
    judged = claim(accuracy_study([0.0, 0.0, 0.0]))
    assert (judged.verdict, judged.p) == ("no-difference", None)
    assert judged.note == "the arms are exactly equal from every seed"


def test_one_effect_from_every_seed_is_shown_without_a_test() -> None:
    judged = claim(accuracy_study([0.002, 0.002, 0.002]))
    assert (judged.verdict, judged.p, judged.p_holm) == ("inconclusive", None, None)
    assert (judged.estimate, judged.interval) == (pytest.approx(0.002), None)
    assert "no spread to test it against" in judged.note


def test_scattered_effects_are_inconclusive_with_an_outlook() -> None:
    judged = claim(accuracy_study([0.006, -0.002, 0.005, -0.001, 0.004]))
    assert judged.verdict == "inconclusive"
    assert judged.note == (
        "the interval includes 0; even chance of a verdict at 11 more seeds, 80 % at "
        "21: normlab resume DIR --seeds 26"
    )


def test_two_seeds_are_not_enough_but_are_shown() -> None:
    judged = claim(accuracy_study([0.004, 0.005]))
    assert (judged.verdict, judged.p) == ("not-enough-seeds", None)
    assert judged.note == "2 seeds with an effect; a verdict needs 3"
    assert judged.interval is not None


def test_one_seed_has_an_estimate_and_no_interval() -> None:
    judged = claim(accuracy_study([0.004]))
    assert judged.note == "1 seed with an effect; a verdict needs 3"
    assert (judged.estimate, judged.interval) == (pytest.approx(0.004), None)


@pytest.mark.parametrize("status", ["queued", "running", "failed", "interrupted"])
def test_a_missing_pair_leaves_every_verdict_inconclusive(status: str) -> None:
    record = accuracy_study([0.004, 0.005, 0.006, 0.005, 0.004])
    judged = claim(changed(record, RunKey("batch", 0.01, 3), status=status))
    assert (judged.verdict, judged.seeds, judged.planned) == ("inconclusive", 4, 5)
    assert judged.note.startswith(
        f"4 of 5 pairs (seed 3: the run with batch norm is {status}), so no verdict; "
        "on these it would be supported: the interval excludes 0"
    )


def test_missing_pairs_with_one_reason_are_named_together() -> None:
    record = accuracy_study([0.004, 0.005, 0.006, 0.005, 0.004])
    for seed in (1, 3, 4):
        record = changed(record, RunKey("none", 0.01, seed), status="queued")
    judged = claim(record)
    assert judged.verdict == "not-enough-seeds"
    assert judged.note == (
        "2 of 5 pairs (seeds 1, 3, 4: the run without batch norm is queued); "
        "2 seeds with an effect; a verdict needs 3"
    )


@given(
    st.lists(st.sampled_from(["done", "diverged", "queued"]), min_size=1, max_size=6)
)
@settings(max_examples=40, deadline=None)
def test_more_seeds_are_asked_for_only_where_they_could_help(states: list[str]) -> None:
    """A speed that no pair with a diverged run has: law over all states of pairs."""
    record = twins_study(len(states), lambda seed: {"speed": 1.5 + 0.01 * seed})
    for seed, status in enumerate(states):
        record = changed(record, RunKey("none", 0.01, seed), status=status)
    judged = claim(record, "faster-convergence")
    done, lost = states.count("done"), states.count("diverged")
    assert (judged.verdict in TOO_FEW) == (done < 3)
    if done >= 3:
        return
    left = len(states) - lost
    hopeless = lost > 0 and (left == 0 or (left < 3 and len(states) >= 3))
    assert judged.verdict == TOO_FEW[hopeless]
    assert (
        judged.note.startswith("the run without batch norm did not train (") == hopeless
    )


def test_what_could_not_be_measured_is_never_first_in_a_list() -> None:
    record = twins_study(4, lambda seed: {"accuracy": 0.97 + 0.001 * seed})
    for seed in range(4):
        record = changed(record, RunKey("none", 0.01, seed), step_losses=NO_LOSSES)
    claims = judge_all(record)
    assert claims[0].verdict == "not-measurable"  # in the order of the definitions
    told = [line.split(":")[0] for line in str(claims).splitlines() if ":" in line]
    verdicts = [word for word in told if word.isupper()]
    assert verdicts == sorted(verdicts, key=lambda word: word == "NOT-MEASURABLE")


def with_curves_of_their_own(gains: list[float]) -> StudyRecord:
    """Accuracies as given, and step losses that differ by chance alone."""
    return twins_study(
        len(gains),
        lambda seed: {
            "accuracy": 0.98 + gains[seed],
            "stream": np.random.default_rng(100 + seed),
        },
    )


def test_correction_can_withhold_a_verdict_and_says_how_many_seeds_it_takes() -> None:
    judged = claim(with_curves_of_their_own([0.0010, 0.0036, 0.0025, 0.0015, 0.0004]))
    assert judged.p is not None and 0.017 < judged.p < 0.05
    assert judged.p_holm == pytest.approx(2 * judged.p)
    assert judged.verdict == "inconclusive"
    assert judged.note == (
        "excludes 0, but not after correction for 2 claims; "
        "even chance of a verdict at 6 more seeds, 80 % at 8: normlab resume DIR "
        "--seeds 13"
    )


def test_what_survives_correction_says_so() -> None:
    judged = claim(with_curves_of_their_own([0.0030, 0.0036, 0.0035, 0.0031, 0.0034]))
    assert judged.verdict == "supported"
    assert judged.note == "the interval excludes 0, also after correction for 2 claims"


def with_images(gained: Sequence[int], lost: int) -> StudyRecord:
    """Other arms that get `gained` images right that the baseline does not."""
    right = np.arange(2000) >= 200

    def correct(seed: int) -> NDArray[np.bool_]:
        better = right.copy()
        better[: gained[seed]] = True
        better[1000 : 1000 + lost] = False
        return better

    accuracies = [float(correct(seed).mean()) for seed in range(len(gained))]
    record = twins_study(
        len(gained),
        lambda seed: {"correct": correct(seed), "accuracy": accuracies[seed]},
    )
    for seed in range(len(gained)):
        key = RunKey("none", 0.01, seed)
        record = changed(record, key, correct=right, test_accuracy=float(right.mean()))
    return record


def test_too_few_images_withhold_what_the_seeds_would_support() -> None:
    judged = claim(with_images([35, 36, 37, 36, 35], lost=30))
    assert judged.verdict == "inconclusive"
    assert judged.p_holm is not None and judged.p_holm >= 0.05
    assert judged.interval is not None and judged.interval[0] < 0 < judged.interval[1]
    assert t_interval([effect.value for effect in judged.effects]).low > 0
    assert judged.note == (
        "the interval includes 0; more seeds would not help; a larger test set would"
    )


def test_enough_images_let_the_verdict_stand_with_the_larger_interval() -> None:
    judged = claim(with_images([95, 96, 97, 96, 95], lost=10))
    assert judged.verdict == "supported"
    assert judged.decides is not None and "Satterthwaite" in judged.decides.method
    over_seeds = t_interval([effect.value for effect in judged.effects])
    assert judged.interval is not None and judged.interval[0] < over_seeds.low


magnitudes = st.lists(st.integers(-60, 60), min_size=3, max_size=8)
MIRROR = {"supported": "contradicted", "contradicted": "supported"}


@settings(max_examples=30, deadline=None)
@given(magnitudes)
def test_swapping_the_arms_mirrors_the_verdict(tenths: list[int]) -> None:
    judged = claim(accuracy_study([t * 1e-4 for t in tenths]))
    mirrored = claim(swapped(accuracy_study([t * 1e-4 for t in tenths])))
    assert mirrored.verdict == MIRROR.get(judged.verdict, judged.verdict)
    assert mirrored.estimate == pytest.approx(-judged.estimate, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(magnitudes, st.randoms())
def test_the_order_of_the_seeds_changes_nothing(
    tenths: list[int], random: object
) -> None:
    shuffled = list(tenths)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first = claim(accuracy_study([t * 1e-4 for t in tenths]))
    second = claim(accuracy_study([t * 1e-4 for t in shuffled]))
    assert (first.verdict, first.note) == (second.verdict, second.note)
    assert second.estimate == pytest.approx(first.estimate, abs=1e-12)
