"""Claims of a user's own: judged, marked, corrected for, and never in the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from normlab.analysis.claims import DEFINITIONS, better_accuracy
from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.analysis.inference.holm import holm
from normlab.errors import BadSetting
from normlab.facade.result import Result
from normlab.facade.study import Study
from normlab.report.build import build

from .studies import accuracy_study

GAINS = [0.010, 0.012, 0.011, 0.013, 0.009]
OWN = replace(
    better_accuracy.CLAIM,
    id="my-accuracy",
    statement="all is better {arm} than {baseline}",
)


def difference(twins: Twins) -> float:
    other, baseline = twins.other.test_accuracy, twins.baseline.test_accuracy
    assert other is not None and baseline is not None
    return other - baseline


def test_it_is_judged_as_the_same_claim_of_normlab_is() -> None:
    claims = Result(accuracy_study(GAINS)).claims(extra=OWN)
    mine, theirs = (
        next(claim for claim in claims if claim.id == name)
        for name in ("my-accuracy", "better-accuracy")
    )
    assert mine.statement == "all is better with batch norm than without"
    assert (mine.estimate, mine.interval, mine.p) == (
        theirs.estimate, theirs.interval, theirs.p
    )  # fmt: skip
    assert mine.verdict == theirs.verdict


def test_it_joins_the_family_that_is_corrected_for() -> None:
    result = Result(accuracy_study(GAINS))
    alone, joined = result.claims(), result.claims(extra=[OWN])
    tested = [claim for claim in joined if claim.p is not None]
    assert len(tested) == 1 + sum(claim.p is not None for claim in alone)
    expected = holm([claim.p for claim in tested if claim.p is not None])
    assert [claim.p_holm for claim in tested] == pytest.approx(expected)
    assert len(result.claims()) == len(alone)  # the result itself is as it was


def test_it_is_marked_in_text_report_and_json() -> None:
    result = Result(accuracy_study(GAINS), own=Study(claims=OWN).claims)  # type: ignore[arg-type]
    assert "a claim of your own: difference of the final test" in str(result.claims())
    assert build(result).count("A claim of your own.") == 1
    marked = {claim["id"]: claim.get("own") for claim in result.to_json()["claims"]}
    assert marked.pop("my-accuracy") is True
    assert set(marked.values()) == {None}


WRONG: list[tuple[Callable[[Twins], Any], str]] = [
    (lambda twins: 1 / 0, "its effect failed: ZeroDivisionError"),
    (lambda twins: twins.nothing, "its effect failed: AttributeError"),  # type: ignore[attr-defined]
    (lambda twins: "much", "its effect gave a str, not a number"),
    (lambda twins: None, "its effect gave a NoneType, not a number"),
    (lambda twins: float("nan"), "no finite number came out"),
    (lambda twins: Omitted("no idea"), "no idea"),
]


@pytest.mark.parametrize(("effect", "why"), WRONG)
def test_an_effect_that_fails_costs_its_claim_alone(
    effect: Callable[[Twins], Any], why: str
) -> None:
    result = Result(accuracy_study(GAINS))
    *others, mine = result.claims(extra=replace(OWN, effect=effect, over_images=False))
    assert mine.verdict == "not-measurable" and mine.estimate is None
    assert why in mine.note
    assert [claim.p_holm for claim in others] == [c.p_holm for c in result.claims()]


@pytest.mark.parametrize("number", [np.float32, np.float64, lambda x: np.int64(x > 0)])
def test_numbers_of_numpy_are_numbers(number: Callable[[float], Any]) -> None:
    own = replace(OWN, effect=lambda twins: number(difference(twins)))
    mine = Result(accuracy_study(GAINS)).claims(extra=own)[-1]
    expected = np.mean([float(number(gain)) for gain in GAINS])
    assert mine.estimate == pytest.approx(expected, abs=1e-6)


REFUSED: list[tuple[Any, str]] = [
    (5, r"^claims=5 must be normlab\.Definition objects"),
    ("better-accuracy", r"^claims='better-accuracy' must be normlab\.Definition"),
    ([5], r"^claims holds a int; each must be a normlab\.Definition"),
    (better_accuracy.CLAIM, r"^claims: 'better-accuracy' is taken"),
    ([OWN, OWN], r"^claims: 'my-accuracy' is taken"),
]


@pytest.mark.parametrize(("claims", "text"), REFUSED)
def test_what_cannot_be_judged_is_refused_before_training(
    claims: Any, text: str
) -> None:
    with pytest.raises(BadSetting, match=text):
        Study(claims=claims)
    with pytest.raises(BadSetting, match=text):
        Result(accuracy_study(GAINS)).claims(extra=claims)


UNFIT: list[tuple[dict[str, Any], str]] = [
    ({"statement": "{arms} is better"}, r"may have the places \{arm\} and"),
    ({"statement": "{} is better"}, r"may have the places \{arm\} and"),
    ({"statement": "{arm"}, r"may have the places \{arm\} and"),
    ({"statement": 5}, r"may have the places \{arm\} and"),
    ({"effect": 1.0}, r"the effect of 'my-accuracy' must be a function"),
    ({"scale": "log"}, r"scale of 'my-accuracy' is 'log'; give ratio or difference"),
    ({"better": "more"}, r"better of 'my-accuracy' is 'more'; give higher or lower"),
    ({"margin": 0.0}, r"is 0\.0; a difference needs one above 0"),
    ({"scale": "ratio", "margin": 1.0}, r"is 1\.0; a ratio needs one above 1"),
    ({"margin": float("nan")}, r"is nan; a difference needs one above 0"),
]


@pytest.mark.parametrize(("fields", "text"), UNFIT)
def test_a_definition_that_makes_no_sense_is_refused(
    fields: dict[str, Any], text: str
) -> None:
    with pytest.raises(BadSetting, match=text):
        replace(OWN, **fields)


def test_normlabs_claims_are_not_marked() -> None:
    assert not any(definition.own for definition in DEFINITIONS)
    assert isinstance(OWN, Definition) and not OWN.own
