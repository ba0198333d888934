"""Claims on made-up arrays whose effects are known."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from normlab.analysis.analyse import judge_all
from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.analysis.claims.straighter_path import path_efficiency
from normlab.records.observed.observations import Observations
from normlab.records.observed.outputs import OutputArrays
from normlab.records.observed.registry import PROBES
from normlab.records.rows import RunRecord
from normlab.spec.plan import RunKey

from .studies import run, study

Arrays = dict[str, dict[str, np.ndarray]]

CLAIMS = [definition for definition in DEFINITIONS if definition.probe]
MOMENTS, UNITS, LAYERS = 9, 40, ("relu1", "relu2")
EPOCH_1 = np.array([0, 20, 50, 90, 120, 160, 200, 300, 400])


def activations(*, drift: float = 1.0, change: float = 0.1, first: int = 0) -> Arrays:
    """Units that start `drift` standard deviations away, and end as they end."""
    left = np.linspace(1, 0, MOMENTS)[:, None]
    arrays = {"steps": EPOCH_1}
    for number, path in enumerate(LAYERS, start=first):
        place = f"{number:03d}:{path}"
        arrays[f"{place}:in_mean"] = 5 + drift * left * np.ones(UNITS)
        arrays[f"{place}:in_std"] = np.ones((MOMENTS, UNITS))
        arrays[f"{place}:dead"] = np.zeros((MOMENTS, UNITS), dtype=np.bool_)
        arrays[f"{place}:correlation"] = 1 - change * left * np.ones(UNITS)
    return {"activations": arrays}


def outputs(*, detour: float = 0.0) -> Arrays:
    """Two classes; square roots of probabilities on a circle, going to and fro."""
    angle = np.linspace(0, math.pi / 8, MOMENTS)
    angle = angle + detour * (np.arange(MOMENTS) % 2)
    probabilities = np.stack([np.cos(angle) ** 2, np.sin(angle) ** 2], axis=1)
    return {"outputs": {"steps": EPOCH_1, "probabilities": probabilities[:, None]}}


def gradient(
    *, beta: float = 1.0, error: float = 0.1, shift: float = 0.2, rate: float = 0.01
) -> Arrays:
    one = np.ones(MOMENTS)
    promised = rate * 4.0
    along = np.stack([one, one - promised * (1 - error), one], axis=1)
    arrays = {
        "steps": EPOCH_1,
        "lengths": np.array([0.5, 1.0, 4.0]),
        "rate": rate * one,
        "loss": one,
        "norm": 2 * one,
        "loss_along_g": along,
        "beta": beta * one,
        "beta_u": beta * one,
    }
    for layer in ("001:fc2.weight", "002:fc3.weight"):
        arrays[f"{layer}:shift"] = shift * one
        arrays[f"{layer}:shift_cosine"] = np.cos(shift) * one
    return {"gradient": arrays}


def looked_at(arm: str, seed: int = 0, *observed: Arrays) -> RunRecord:
    whole: Arrays = {}
    for arrays in observed:
        whole |= arrays
    return replace(run(RunKey(arm, 0.01, seed)), observed=seen(whole))


def seen(arrays: Arrays) -> Observations:
    """As probes' classes what stands by the names that files have."""
    kinds = {kind.probe: kind for kind in PROBES}
    return Observations(*(kinds[name].unpacked(of) for name, of in arrays.items()))


def twins(baseline: Arrays, other: Arrays) -> Twins:
    return Twins(
        seed=0,
        baseline=looked_at("none", 0, baseline),
        other=looked_at("batch", 0, other),
    )


def claim(name: str) -> Definition:
    return next(definition for definition in CLAIMS if definition.id == name)


EFFECTS: dict[str, tuple[Arrays, Arrays, float]] = {
    "smoother-surface": (gradient(), gradient(beta=0.25), 0.25),
    "predictable-steps": (gradient(), gradient(error=0.02), 0.2),
    "less-covariate-shift": (gradient(), gradient(shift=0.6), 3.0),
    "steadier-activations": (activations(), activations(drift=0.5, first=1), 0.5),
    "steadier-features": (activations(), activations(change=0.3, first=1), 3.0),
}


@pytest.mark.parametrize("name", EFFECTS)
def test_a_known_effect_is_found(name: str) -> None:
    baseline, other, ratio = EFFECTS[name]
    effect = claim(name).effect(twins(baseline, other))
    assert isinstance(effect, float)
    assert math.exp(effect) == pytest.approx(ratio, rel=1e-6)


def test_beside_the_mean_change_of_features_stands_its_root_mean_square() -> None:
    """The same sum of changes, once spread out and once in a single moment."""
    spread, single = activations(), activations()
    for arrays, change in ((spread, [0.1] * 4), (single, [0.4, 0.0, 0.0, 0.0])):
        for name, table in arrays["activations"].items():
            if name.endswith("correlation"):
                table[:] = 1
                table[:4] -= np.array(change)[:, None]
    pair = twins(spread, single)
    definition = claim("steadier-features")
    assert definition.effect(pair) == pytest.approx(0.0, abs=1e-12)
    assert definition.beside is not None
    # sqrt(0.4^2) / sqrt(4 * 0.1^2)
    assert definition.beside(pair, 0.0) == pytest.approx(math.log(2))


def test_a_path_that_goes_to_and_fro_is_less_straight() -> None:
    pair = twins(outputs(), outputs(detour=0.3))
    effect = claim("straighter-path").effect(pair)
    assert isinstance(effect, float) and effect < math.log(0.5)


def test_a_straight_path_has_efficiency_one() -> None:
    root = np.linspace(0.2, 0.7, MOMENTS)[:, None] * np.ones((1, 4))
    seen = OutputArrays(steps=EPOCH_1, probabilities=(root**2)[:, None])
    assert path_efficiency(seen, looked_at("none", 0)) == pytest.approx(1.0)


def test_only_the_first_epoch_of_the_path_counts() -> None:
    (arrays,) = outputs().values()
    later = {n: a.copy() for n, a in arrays.items()}
    later["probabilities"][EPOCH_1 > 200] = 0.5
    made = looked_at("none", 0)  # epochs of 200 steps
    one, other = (OutputArrays.unpacked(of) for of in (later, arrays))
    assert path_efficiency(one, made) == path_efficiency(other, made)


ALL_BASELINE = (activations(), outputs(), gradient())
ALL_OTHER = (
    activations(drift=0.7, change=0.2),
    outputs(detour=0.1),
    gradient(beta=0.5, error=0.3, shift=0.1),
)


@pytest.mark.parametrize("definition", CLAIMS, ids=lambda d: d.id)
def test_swapping_the_arms_turns_the_effect_around(definition: Definition) -> None:
    one = looked_at("none", 0, *ALL_BASELINE)
    two = looked_at("batch", 0, *ALL_OTHER)
    there = definition.effect(Twins(seed=0, baseline=one, other=two))
    back = definition.effect(Twins(seed=0, baseline=two, other=one))
    assert isinstance(there, float) and isinstance(back, float) and there != 0
    assert there == pytest.approx(-back)


@pytest.mark.parametrize("definition", CLAIMS, ids=lambda d: d.id)
def test_equal_arms_have_no_effect(definition: Definition) -> None:
    pair = twins({}, {})
    same = {k: v for arrays in ALL_BASELINE for k, v in arrays.items()}
    equal = replace(
        pair,
        baseline=replace(pair.baseline, observed=seen(same)),
        other=replace(pair.other, observed=seen(same)),
    )
    assert definition.effect(equal) == 0


@pytest.mark.parametrize("definition", CLAIMS, ids=lambda d: d.id)
def test_what_was_not_observed_is_omitted(definition: Definition) -> None:
    effect = definition.effect(twins({}, {}))
    assert effect == Omitted(f"{definition.probe} of none was not observed")


@pytest.mark.parametrize("definition", CLAIMS, ids=lambda d: d.id)
def test_a_pair_with_a_diverged_run_is_omitted(definition: Definition) -> None:
    pair = twins({}, {})
    stopped = replace(pair, other=replace(pair.other, status="diverged"))
    assert definition.effect(stopped) == Omitted("batch diverged")


@pytest.mark.parametrize("definition", CLAIMS, ids=lambda d: d.id)
def test_arrays_of_other_steps_are_not_compared(definition: Definition) -> None:
    one = {k: v for arrays in ALL_BASELINE for k, v in arrays.items()}
    two = {k: {**v, "steps": v["steps"] + 1} for k, v in one.items()}
    effect = definition.effect(twins(one, two))
    assert effect == Omitted(f"{definition.probe} was observed at different steps")


def observed_study(seeds: int, **other: Any) -> Any:
    noise = np.random.default_rng(0).normal(1, 0.02, (seeds, 2))
    runs = []
    for seed in range(seeds):
        for arm, factor in zip(("none", "batch"), noise[seed], strict=True):
            given = {"beta": 1.0, **(other if arm == "batch" else {})}
            given["beta"] *= factor
            runs.append(looked_at(arm, seed, gradient(**given)))
    return study(runs)


def test_claims_that_rest_on_a_probe_are_made_only_where_it_looked() -> None:
    made = {claim.id for claim in judge_all(observed_study(3))}
    assert {"smoother-surface", "predictable-steps", "less-covariate-shift"} <= made
    assert not made & {"straighter-path", "steadier-activations", "steadier-features"}


def test_a_surface_that_is_half_as_smooth_is_a_verdict() -> None:
    claims = {claim.id: claim for claim in judge_all(observed_study(5, beta=0.5))}
    smoother = claims["smoother-surface"]
    assert smoother.verdict == "supported"
    assert smoother.estimate == pytest.approx(0.5, rel=0.05)


def test_dead_units_do_not_count() -> None:
    (arrays,) = activations().values()
    spoilt = {n: a.copy() for n, a in arrays.items()}
    for path in ("000:relu1", "001:relu2"):
        spoilt[f"{path}:in_mean"][:, :30] += 100 * np.arange(MOMENTS)[:, None]
        spoilt[f"{path}:dead"][:, :30] = True
    pair = twins({"activations": arrays}, {"activations": spoilt})
    effect = claim("steadier-activations").effect(pair)
    assert effect == pytest.approx(0)


def test_the_angle_is_shown_beside_the_shift() -> None:
    definition = claim("less-covariate-shift")
    assert definition.beside is not None
    pair = twins(gradient(shift=0.2), gradient(shift=0.4))
    beside = definition.beside(pair, math.log(2))
    assert beside is not None and math.exp(beside) == pytest.approx(2)


def test_rate_times_smoothness_is_shown_where_rates_differ() -> None:
    definition = claim("smoother-surface")
    assert definition.beside is not None
    pair = twins(gradient(), gradient(beta=0.5, rate=0.04))
    assert definition.beside(pair, 0.0) is None
    faster = replace(pair.other, key=RunKey("batch", 0.04, 0))
    beside = definition.beside(replace(pair, other=faster), 0.0)
    assert beside is not None and math.exp(beside) == pytest.approx(2)
