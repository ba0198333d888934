"""The rules of a verdict against a slow computation that sees `show --json` alone."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from normlab.analysis.analyse import Analysis, rule
from normlab.analysis.claim import Claims, claim_from
from normlab.analysis.claims import better_accuracy
from normlab.analysis.claims.definition import Definition, Omitted, Second
from normlab.analysis.design.fairness import check_fairness
from normlab.analysis.design.pairs import Runs, pairings
from normlab.analysis.inference.evidence import collect
from normlab.analysis.inference.images import Images, image_variance
from normlab.analysis.inference.mean import means_of
from normlab.analysis.text.summary import to_json
from normlab.records.rows import StudyRecord
from normlab.spec.plan import RunKey

from . import slowly
from .studies import run, study

Table = list[Any]  # per seed a number, several by name, a reason, or None: to come
SEEDS = 12
RUNS = [run(RunKey(arm, 0.01, s)) for s in range(SEEDS) for arm in ("none", "batch")]


def made_up(table: Table, **fields: Any) -> Definition:
    """A claim that says what the table says."""
    known = {seed: effect for seed, effect in enumerate(table) if effect is not None}
    settings = {"id": "made-up", "over_images": False, **fields}
    return replace(
        better_accuracy.CLAIM, effect=lambda twins: known[twins.seed], **settings
    )


def judged(tables: list[tuple[Table, dict[str, Any]]], n: int) -> list[dict[str, Any]]:
    """What `show --json` says of these claims as one family."""
    runs = RUNS[: 2 * n]
    family = []
    for table, fields in tables:
        here = [
            replace(r, status="queued" if table[r.key.seed] is None else "done")
            for r in runs
        ]
        record = study(here)
        (pairing,) = pairings(record.spec)
        definition = made_up(table, **fields)
        family.append(collect(definition, pairing, Runs.of(record), record.spec.seeds))
    return as_json(study(runs), family)


def as_json(record: StudyRecord, family: list[Any]) -> list[dict[str, Any]]:
    claims = Claims(
        claim_from(e, ruling) for e, ruling in zip(family, rule(family), strict=True)
    )
    whole = Analysis(arms=(), claims=claims, fairness=check_fairness(record))
    told = json.dumps(to_json(record, whole), allow_nan=False)
    return json.loads(told)["claims"]


SIZES = st.integers(-8, 8).map(lambda k: k / 100)
GAPS = st.sampled_from([Omitted("lost"), None])


@st.composite
def claims(draw: st.DrawFn, n: int) -> tuple[Table, dict[str, Any]]:
    """Effects of every kind: clear, scattered, equal, missing, in several parts."""
    test = draw(st.sampled_from(["t", "t", "t", "mcnemar", "sign"]))
    if test == "mcnemar":
        share = st.sampled_from([draw(st.sampled_from([1.0, -1.0])), 0.0, 1.0])
        table: Table = draw(st.lists(share, min_size=n, max_size=n))
        fields = {"test": test, "margin": draw(st.sampled_from([0.1, 0.3]))}
    else:
        names = draw(st.sampled_from([["early", "late"], [""]]))
        centres = {
            name: draw(st.sampled_from([0.3, -0.3, 0.0, 0.02])) for name in names
        }

        def seed() -> dict[str, float]:
            return {name: centres[name] + draw(SIZES) for name in names}

        parts = [seed() for _ in range(n)]
        table = [part.get("", part) for part in parts]
        scale = draw(st.sampled_from(["ratio", "difference"]))
        margin = {"ratio": 1.1, "difference": 0.1}[scale]
        fields = {"scale": scale, "margin": draw(st.sampled_from([margin, None]))}
        fields |= {"test": test, "better": draw(st.sampled_from(["higher", "lower"]))}
    if test == "t" and draw(st.booleans()):
        afar = draw(st.lists(SIZES, min_size=n, max_size=n))
        fields["veto"] = Second("afar", lambda twins, _: afar[twins.seed])
    for lost in draw(st.lists(st.integers(0, n - 1), max_size=2)):
        table[lost] = draw(GAPS)
    return table, fields


@st.composite
def families(draw: st.DrawFn) -> tuple[list[tuple[Table, dict[str, Any]]], int]:
    n = draw(st.integers(1, SEEDS))
    return draw(st.lists(claims(n), min_size=1, max_size=4)), n


@settings(max_examples=120, deadline=None)
@given(families())
def test_a_verdict_follows_from_the_json_alone(
    family: tuple[list[tuple[Table, dict[str, Any]]], int],
) -> None:
    found = judged(*family)
    assert [claim["verdict"] for claim in found] == slowly.verdicts(found)
    for claim in found:
        assert_numbers(claim)


def assert_numbers(claim: dict[str, Any]) -> None:
    """P and both intervals of every component, recomputed."""
    ratio = claim["scale"] == "ratio"
    assert claim["p"] == approx(slowly.p_of(claim))
    for part in claim["components"]:
        values = slowly.effects(claim, part)
        assert part["p"] == approx(slowly.component_p(claim, part, worst=False))
        assert part["p_worst"] == approx(slowly.component_p(claim, part, worst=True))
        for decision in (part["decides"], part["equivalence"]):
            ends = slowly.interval(part, values, decision["level"])
            if claim["test"] != "t" or ends is None:
                assert decision["interval"] is None
                continue
            shown = [math.exp(end) for end in ends] if ratio else list(ends)
            assert decision["interval"] == pytest.approx(shown, rel=1e-6, abs=1e-9)


def approx(value: float | None) -> Any:
    return value if value is None else pytest.approx(value, rel=1e-6)


effects = st.lists(SIZES, min_size=3, max_size=SEEDS)


@settings(max_examples=60, deadline=None)
@given(effects, st.sampled_from([0.0, 0.05, 0.3]), st.sampled_from(["t", "sign"]))
def test_a_missing_pair_never_makes_a_verdict(
    values: list[float], centre: float, test: str
) -> None:
    """With one more pair lost the verdict is the same, or none."""
    assume(len(values) < SEEDS)
    whole: Table = [centre + v for v in values]
    fields = {"test": test, "scale": "difference", "margin": 0.1}
    (full,) = judged([(whole, fields)], len(whole))
    (less,) = judged([([*whole, Omitted("lost")], fields)], len(whole) + 1)
    assert less["verdict"] in {full["verdict"], "inconclusive"}
    assert full["p"] is None or less["p"] >= full["p"]


@settings(max_examples=60, deadline=None)
@given(effects)
def test_an_interval_inside_the_margin_is_never_a_difference(
    values: list[float],
) -> None:
    (claim,) = judged([(list(values), {"margin": 0.5})], len(values))
    ends = claim["components"][0]["equivalence"]["interval"]
    if ends is not None and max(map(abs, ends)) <= 0.5:
        assert claim["verdict"] == "no-difference"


def test_components_that_point_both_ways_are_mixed_and_all_are_named() -> None:
    noise = [-0.01, 0.0, 0.01, 0.005, -0.005]
    table = [
        {
            "in steps 1-18": 0.5 + e,
            "in steps 19-187": -0.3 + e,
            "later": 0.2 * (-1) ** i,
        }
        for i, e in enumerate(noise)
    ]
    fields = {"scale": "ratio", "margin": 1.05, "words": ("rougher", "smoother")}
    (claim,) = judged([(table, fields)], 5)
    assert claim["verdict"] == "mixed" and claim["p"] == 1.0
    assert slowly.verdicts([claim]) == ["mixed"]
    for told in (
        "rougher in steps 1-18",
        "smoother in steps 19-187",
        "undecided later",
    ):
        assert told in claim["note"]
    (same,) = judged([([t["in steps 1-18"] for t in table], fields)], 5)
    assert same["verdict"] == "supported"


@pytest.mark.parametrize(("missing", "others", "needed"), [(0, 0, 6), (0, 1, 7)])
def test_signs_need_as_many_seeds_as_the_binomial_says(
    missing: int, others: int, needed: int
) -> None:
    scattered = ([0.1, -0.1, 0.3, -0.2, 0.2, -0.3, 0.1, -0.1], {})
    for n in range(3, 9):
        signs = ([1.0] * n, {"test": "sign"})
        rest = [(table[:n], f) for table, f in [scattered] * others]
        first, *_ = judged([signs, *rest], n)
        assert (first["verdict"] == "supported") == (n >= needed)
        if n < needed:
            assert first["verdict"] == "not-enough-seeds"
            assert f"exact sign test needs {needed} seeds" in first["note"]


@pytest.mark.parametrize("images", [100, 1000])
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_the_interval_of_an_accuracy_covers_what_it_should(
    images: int, seeds: int
) -> None:
    """2,000 studies of known components of variance, drawn from a fixed stream.

    A seed's effect is s, an image's i, the rest r: all normal, so that the mean
    difference has exactly the variance of its components.
    """
    stream = np.random.default_rng(images + seeds)
    studies, truth = 2000, 0.01
    covered = 0
    for _ in range(studies):
        by_seed = stream.normal(scale=0.004, size=seeds)
        by_image = stream.normal(scale=0.1, size=images).mean()
        rest = stream.normal(scale=0.2 / math.sqrt(images), size=seeds)
        effects = truth + by_seed + by_image + rest
        # an unbiased estimate of the images' part, as spread out as m images make it
        variance = 0.1**2 / images * stream.chisquare(images - 1) / (images - 1)
        known = means_of(
            float(effects.mean()),
            float(effects.std(ddof=1)),
            seeds,
            Images(variance, images),
        )
        half = max(mean.half(0.95) for mean in known)
        covered += abs(effects.mean() - truth) <= half
    # 4 standard errors below 95 %: a wrong formula is far beyond, chance is not drawn
    assert covered / studies >= 0.95 - 4 * math.sqrt(0.95 * 0.05 / studies)


def test_the_images_part_is_estimated_without_bias() -> None:
    stream = np.random.default_rng(2)
    images, seeds, spread = 300, 4, 0.15

    def right(share: NDArray[np.float64]) -> NDArray[np.bool_]:
        return stream.random(images) < share

    found = []
    for _ in range(400):
        gain = stream.normal(scale=spread, size=images).clip(-0.45, 0.45)
        baseline = [right(np.full(images, 0.5)) for _ in range(seeds)]
        found.append(
            image_variance(baseline, [right(0.5 + gain) for _ in range(seeds)])
        )
    expected = spread**2 / images  # hardly any gain is clipped
    error = np.std(found) / math.sqrt(len(found))
    assert abs(np.mean(found) - expected) < 4 * error + 0.02 * expected
