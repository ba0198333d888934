"""Claims on made-up arrays whose effects are known."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from normlab.analysis.analyse import analyse, judge_all
from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.analysis.claims.predictable_steps import surprise
from normlab.analysis.text.summary import to_json
from normlab.records.observed.observations import Observations
from normlab.records.observed.registry import PROBES
from normlab.records.rows import RunRecord, StudyRecord
from normlab.spec.plan import RunKey

from . import slowly
from .studies import run, study

Arrays = dict[str, dict[str, np.ndarray]]

CLAIMS = [definition for definition in DEFINITIONS if definition.probe]
MOMENTS, UNITS, LAYERS = 9, 40, ("relu1", "relu2")
EPOCH_1 = np.array([0, 1, 50, 90, 120, 160, 200, 300, 400])


def activations(
    *, drift: float = 1.0, change: float = 0.1, growth: float = 1.0, first: int = 0
) -> Arrays:
    """Units that start `drift` away, and after step 1 spread `growth` times as far."""
    spread = np.ones((MOMENTS, UNITS))
    spread[EPOCH_1 > 1] = growth
    left = np.linspace(1, 0, MOMENTS)[:, None]
    arrays = {"steps": EPOCH_1}
    for number, path in enumerate(LAYERS, start=first):
        place = f"{number:03d}:{path}"
        arrays[f"{place}:in_mean"] = 5 + drift * left * np.ones(UNITS)
        arrays[f"{place}:in_std"] = spread.copy()
        arrays[f"{place}:dead"] = np.zeros((MOMENTS, UNITS), dtype=np.bool_)
        arrays[f"{place}:correlation"] = 1 - change * left * np.ones(UNITS)
    return {"activations": arrays}


def outputs(*, zigzag: float = 2.0, afar: float = 2.0, bursts: int = 6) -> Arrays:
    """Ways that are so many times as long as straight ones."""
    one = np.ones(bursts)
    return {
        "outputs": {
            "steps": EPOCH_1,
            "burst_steps": 5 + 30 * np.arange(bursts),
            "burst_net": one,
            "burst_sum": zigzag * one,
            "burst_cosine": one / zigzag,
            "strides": np.array([1, 20, 100]),
            "stride_net": np.ones(3),
            "stride_sum": np.array([zigzag, afar, afar]),
        }
    }


def gradient(
    *,
    beta: float = 1.0,
    by_row: float | None = None,
    error: float = 0.1,
    shift: float = 0.2,
    rate: float = 0.01,
) -> Arrays:
    """A step that changes the loss by 1 - error of what the gradient promises."""
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
        "loss_along_u": along,
        "slope_along_u": -promised * one,
        "beta_u": beta * one,
        "beta_u_by_row": (beta if by_row is None else by_row) * one,
        "row_length": one / beta,
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


def effects(definition: Definition, pair: Twins) -> dict[str, float]:
    """By component; a claim without any has one without a name."""
    found = definition.effect(pair)
    assert not isinstance(found, Omitted)
    parts = found if isinstance(found, Mapping) else {"": found}
    known = {name: e for name, e in parts.items() if not isinstance(e, Omitted)}
    assert known.keys() == parts.keys()
    return known


def beside(definition: Definition, name: str, pair: Twins) -> dict[str, float]:
    """What is shown beside by that name, as ratios."""
    (second,) = (s for s in definition.beside if s.name.startswith(name))
    found = second.effect(pair, 0.0)
    parts = found if isinstance(found, Mapping) else {"": found}
    return {n: math.exp(e) for n, e in parts.items() if isinstance(e, float)}


# surprise of a step that does 1 - e of what is promised: e / (2 - e)
EFFECTS: dict[str, tuple[Arrays, Arrays, float]] = {
    "smoother-surface": (gradient(), gradient(beta=0.25), 0.25),
    "predictable-steps": (
        gradient(error=0.5),
        gradient(error=0.1),
        (0.1 / 1.9) / (0.5 / 1.5),
    ),
    "straighter-path": (outputs(zigzag=3.0), outputs(zigzag=1.5), 2.0),
    "less-covariate-shift": (gradient(), gradient(shift=0.6), 3.0),
    "steadier-activations": (activations(), activations(drift=0.5, first=1), 0.5),
    "calmer-variance": (activations(growth=4.0), activations(growth=2.0), 0.5),
    "steadier-features": (activations(), activations(change=0.3, first=1), 3.0),
}


@pytest.mark.parametrize("name", EFFECTS)
def test_a_known_effect_is_found(name: str) -> None:
    baseline, other, ratio = EFFECTS[name]
    for effect in effects(claim(name), twins(baseline, other)).values():
        assert math.exp(effect) == pytest.approx(ratio, rel=1e-6)


def test_of_features_large_changes_count_more() -> None:
    """The same sum of changes, once spread out and once in a single moment."""
    spread, single = activations(), activations()
    for arrays, change in ((spread, [0.1] * 4), (single, [0.4, 0.0, 0.0, 0.0])):
        for name, table in arrays["activations"].items():
            if name.endswith("correlation"):
                table[:] = 1
                table[:4] -= np.array(change)[:, None]
    effect = claim("steadier-features").effect(twins(spread, single))
    # sqrt(0.4^2) / sqrt(4 * 0.1^2)
    assert effect == pytest.approx(math.log(2))


LONG = 4690  # steps: long enough for three phases
MOMENTS_OF = {
    "in steps 1-18": (1, 4, 18),
    "in steps 19-187": (19, 60, 187),
    "in steps 188-4689": (188, 2000, 4689),
}


def long_run(arm: str, arrays: Arrays) -> RunRecord:
    """A run of 4,690 steps with three moments in each phase."""
    moved = {
        probe: {**of, "steps": np.concatenate([*MOMENTS_OF.values()])}
        for probe, of in arrays.items()
    }
    losses = np.ones(LONG, np.float32)
    return replace(looked_at(arm, 0, moved), step_losses=losses)


OF_PHASES = ("smoother-surface", "predictable-steps", "less-covariate-shift")


@pytest.mark.parametrize("name", OF_PHASES)
def test_each_phase_is_a_component_of_its_own(name: str) -> None:
    """Each phase of the other arm is that of an arm with the effect of that phase."""
    factors = (3.0, 0.5, 1.0)
    settings = [{"beta": f, "error": 0.2 * f, "shift": 0.2 * f} for f in factors]
    parts = [gradient(**given)["gradient"] for given in settings]
    plain = gradient(error=0.2)
    mixed = {
        key: values
        if key in ("steps", "lengths")
        else np.concatenate([p[key][3 * i : 3 * i + 3] for i, p in enumerate(parts)])
        for key, values in plain["gradient"].items()
    }
    baseline = long_run("none", plain)
    pair = Twins(
        seed=0, baseline=baseline, other=long_run("batch", {"gradient": mixed})
    )
    found = effects(claim(name), pair)
    assert set(MOMENTS_OF) <= found.keys()
    for phase, part in zip(MOMENTS_OF, parts, strict=True):
        whole = long_run("batch", {"gradient": part})
        alone = effects(claim(name), replace(pair, other=whole))
        for component, effect in found.items():
            if component.startswith(phase):
                assert effect == pytest.approx(alone[component])


def test_a_surface_has_two_measures_in_each_phase() -> None:
    pair = Twins(
        seed=0,
        baseline=long_run("none", gradient()),
        other=long_run("batch", gradient(beta=2.0, by_row=0.5)),
    )
    found = effects(claim("smoother-surface"), pair)
    ratios = {name: round(math.exp(effect), 6) for name, effect in found.items()}
    raw = dict.fromkeys(MOMENTS_OF, 2.0)
    rows = {f"{phase} relative to row lengths": 0.5 for phase in MOMENTS_OF}
    assert ratios == {**raw, **rows}
    lengths = beside(claim("smoother-surface"), "length of rows", pair)
    assert lengths == pytest.approx(dict.fromkeys(MOMENTS_OF, 0.5))


@pytest.mark.parametrize("name", OF_PHASES)
def test_with_two_moments_there_is_no_phase(name: str) -> None:
    few = {n: a if n == "lengths" else a[:2] for n, a in gradient()["gradient"].items()}
    few["steps"] = np.array([3, 100])
    pair = twins({"gradient": few}, {"gradient": few})
    assert claim(name).effect(pair) == Omitted("fewer than 3 moments")


@pytest.mark.parametrize(
    ("change", "promised", "expected"),
    [(-1, -1, 0.0), (-0.5, -1, 1 / 3), (1, -1, 1.0), (0, -1, 1.0), (-3, -1, 0.5)],
)
def test_a_surprise_lies_between_0_and_1(
    change: float, promised: float, expected: float
) -> None:
    found = surprise(np.array([float(change)]), np.array([float(promised)]))
    assert found == pytest.approx([expected])


def test_a_step_that_does_nothing_as_promised_is_left_out() -> None:
    one, other = gradient(error=0.5), gradient(error=0.1)
    still = {n: a.copy() for n, a in other["gradient"].items()}
    still["slope_along_u"][3] = 0
    still["loss_along_u"][3] = 1
    expected = effects(claim("predictable-steps"), twins(one, other))
    found = effects(claim("predictable-steps"), twins(one, {"gradient": still}))
    assert found == pytest.approx(expected)


def test_too_few_bursts_are_omitted() -> None:
    pair = twins(outputs(bursts=4), outputs(bursts=4))
    effect = claim("straighter-path").effect(pair)
    assert isinstance(effect, Omitted) and "fewer than 5 bursts" in effect.because


def test_beside_a_path_stands_how_straight_it_looks_from_afar() -> None:
    definition = claim("straighter-path")
    pair = twins(outputs(zigzag=4.0, afar=2.0), outputs(zigzag=2.0, afar=2.5))
    looked = {
        "epoch 1, looked at every step": 2.0,
        "epoch 1, looked at every 20 steps": 0.8,
        "epoch 1, looked at every 100 steps": 0.8,
        "cosine of a step": 2.0,
    }
    for name, ratio in looked.items():
        assert beside(definition, name, pair) == {"": pytest.approx(ratio)}


def path_study(afar: float) -> StudyRecord:
    noise = np.random.default_rng(0).normal(1, 0.02, (5, 4))
    runs = []
    for seed, (a, b, c, d) in enumerate(noise):
        plain = outputs(zigzag=3.0 * a, afar=2.0 * b)
        other = outputs(zigzag=2.0 * c, afar=afar * d)
        runs += [looked_at("none", seed, plain), looked_at("batch", seed, other)]
    return study(runs)


@pytest.mark.parametrize(
    ("afar", "verdict"), [(2.0, "supported"), (1.0, "supported"), (3.0, "mixed")]
)
def test_a_path_that_is_longer_from_afar_is_mixed(afar: float, verdict: str) -> None:
    record = path_study(afar)
    judged = {claim.id: claim for claim in judge_all(record)}
    path = judged["straighter-path"]
    told = json.loads(json.dumps(to_json(record, analyse(record))))["claims"]
    assert slowly.verdicts(told) == [claim["verdict"] for claim in told]
    assert path.verdict == verdict
    assert path.veto is not None and path.veto.side is None
    assert path.veto.estimate == pytest.approx(2.0 / afar, rel=0.05)
    if verdict == "mixed":
        assert path.note.startswith("straighter (1.")
        assert "but less straight by epoch 1, looked at every 20 steps" in path.note


BEFORE = Omitted("recorded before this measure existed")
NEW = {
    "smoother-surface": ("gradient", "beta_u_by_row"),
    "predictable-steps": ("gradient", "slope_along_u"),
    "straighter-path": ("outputs", "burst_steps"),
}


@pytest.mark.parametrize("name", NEW)
def test_older_records_that_lack_an_array_are_not_measurable(name: str) -> None:
    probe, array = NEW[name]
    whole = {"gradient": gradient()["gradient"], "outputs": outputs()["outputs"]}
    old = {n: a for n, a in whole[probe].items() if n != array}
    assert claim(name).effect(twins({probe: old}, {probe: old})) == BEFORE
    runs = [
        looked_at(arm, seed, {probe: old})
        for seed in range(3)
        for arm in ("none", "batch")
    ]
    (judged,) = (c for c in judge_all(study(runs)) if c.id == name)
    assert judged.verdict == "not-measurable"
    assert judged.note.startswith(BEFORE.because)
    assert str(judged)


def test_of_variance_units_that_are_constant_do_not_count() -> None:
    (plain,) = activations(growth=4.0).values()
    spoilt = {n: a.copy() for n, a in plain.items()}
    for path in ("000:relu1", "001:relu2"):
        spoilt[f"{path}:in_std"][-1, :15] = 0
        spoilt[f"{path}:in_std"][1, 15:30] = 0
    pair = twins({"activations": plain}, {"activations": spoilt})
    assert claim("calmer-variance").effect(pair) == pytest.approx(0)


def test_variance_needs_a_moment_after_step_1() -> None:
    (arrays,) = activations().values()
    later = {**arrays, "steps": arrays["steps"] + 2}
    effect = claim("calmer-variance").effect(
        twins({"activations": later}, {"activations": later})
    )
    assert isinstance(effect, Omitted) and "after step 1" in effect.because


ALL_BASELINE = (activations(), outputs(), gradient())
ALL_OTHER = (
    activations(drift=0.7, change=0.2, growth=0.5),
    outputs(zigzag=1.5),
    gradient(beta=0.5, error=0.3, shift=0.1),
)


@pytest.mark.parametrize("definition", CLAIMS, ids=lambda d: d.id)
def test_swapping_the_arms_turns_the_effect_around(definition: Definition) -> None:
    one = looked_at("none", 0, *ALL_BASELINE)
    two = looked_at("batch", 0, *ALL_OTHER)
    there = effects(definition, Twins(seed=0, baseline=one, other=two))
    back = effects(definition, Twins(seed=0, baseline=two, other=one))
    assert all(there.values())
    assert there == pytest.approx({name: -effect for name, effect in back.items()})


@pytest.mark.parametrize("definition", CLAIMS, ids=lambda d: d.id)
def test_equal_arms_have_no_effect(definition: Definition) -> None:
    pair = twins({}, {})
    same = {k: v for arrays in ALL_BASELINE for k, v in arrays.items()}
    equal = replace(
        pair,
        baseline=replace(pair.baseline, observed=seen(same)),
        other=replace(pair.other, observed=seen(same)),
    )
    assert not any(effects(definition, equal).values())


@pytest.mark.parametrize("definition", CLAIMS, ids=lambda d: d.id)
def test_what_was_not_observed_is_omitted(definition: Definition) -> None:
    effect = definition.effect(twins({}, {}))
    assert effect == Omitted(f"{definition.probe} without batch norm was not observed")


@pytest.mark.parametrize("definition", CLAIMS, ids=lambda d: d.id)
def test_a_pair_with_a_diverged_run_is_omitted(definition: Definition) -> None:
    pair = twins({}, {})
    stopped = replace(pair, other=replace(pair.other, status="diverged"))
    assert definition.effect(stopped) == Omitted("training with batch norm diverged")


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
    pair = twins(gradient(shift=0.2), gradient(shift=0.4))
    found = beside(claim("less-covariate-shift"), "angle", pair)
    assert found == {"in steps 1-399": pytest.approx(2)}


def test_the_step_against_the_gradient_is_shown_beside_the_one_taken() -> None:
    pair = twins(gradient(error=0.5), gradient(error=0.1))
    found = beside(claim("predictable-steps"), "one step against", pair)
    assert found == {"in steps 1-399": pytest.approx((0.1 / 1.9) / (0.5 / 1.5))}


def test_rate_times_smoothness_is_shown_where_rates_differ() -> None:
    definition, name = claim("smoother-surface"), "learning rate times"
    pair = twins(gradient(), gradient(beta=0.5, rate=0.04))
    assert not beside(definition, name, pair)
    faster = replace(pair.other, key=RunKey("batch", 0.04, 0))
    found = beside(definition, name, replace(pair, other=faster))
    assert found == {"": pytest.approx(2)}


def test_the_largest_eigenvalue_is_shown_beside_the_smoothness() -> None:
    def sharp(*eigenvalues: float) -> Arrays:
        steps = np.array([200, 400])
        value = np.array(eigenvalues)
        limits = {"limit": value, "momentum_limit": value}
        return {"sharpness": {"steps": steps, "eigenvalue": value, **limits}}

    pair = twins(sharp(2.0, 8.0), sharp(1.0, 16.0))
    found = beside(claim("smoother-surface"), "largest Hessian", pair)
    assert found == {
        "after step 200": pytest.approx(0.5),
        "after step 400": pytest.approx(2.0),
    }
