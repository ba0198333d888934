from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from normlab.errors import BadSetting
from normlab.spec import toml
from normlab.spec.plan import plan
from normlab.spec.settings import with_settings
from normlab.spec.study import StudySpec
from normlab.spec.sweep import Sweep

REFUSED: list[tuple[Any, str]] = [
    ({"recipe.batch_size": [0, 2]}, "recipe.batch_size=0 must be at least 1."),
    (
        {"recipe.batch_size": 8},
        "sweep.recipe.batch_size=8 must be a list of two values or more; a single one "
        "belongs to recipe.batch_size.",
    ),
    (
        {"recipe.rates": [1, 2]},
        "sweep.recipe.rates: several rates are an axis already.",
    ),
    ({"recipe.epochs": [1, 2]}, "sweep.recipe.epochs cannot be swept."),
    (
        {"recipe.batchsize": [1, 2]},
        "Did you mean 'recipe.batch_size'?",
    ),
    ({"data.source": ["a", "b"]}, "sweep.data.source cannot be swept."),
    (
        {"model.name": ["mlp", "a.py:f"]},
        "sweep.model.name=mlp,a.py:f takes built-in networks alone: mlp, sigmoid,",
    ),
    (
        {"recipe.batch_size": [2, "2"]},
        "sweep.recipe.batch_size names 2 twice; give each value once.",
    ),
    (
        {
            "recipe.batch_size": [1, 2],
            "recipe.momentum": [0, 0.1],
            "recipe.warmup": [0, 1],
        },
        "sweep has 3 axes (recipe.batch_size, recipe.momentum, recipe.warmup); 2 at",
    ),
]


@pytest.mark.parametrize(("sweep", "words"), REFUSED)
def test_a_bad_sweep_is_refused_by_name(sweep: Any, words: str) -> None:
    with pytest.raises(BadSetting) as caught:
        StudySpec(sweep=sweep)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rates_count_as_an_axis() -> None:
    two = {"recipe.batch_size": [1, 2], "recipe.momentum": [0, 0.1]}
    with pytest.raises(BadSetting, match=r"recipe\.rates has 2 values beside a sweep"):
        StudySpec(sweep=two, recipe={"rates": (0.1, 0.2)})
    one = {"recipe.batch_size": [1, 2]}
    assert len(plan(StudySpec(sweep=one, recipe={"rates": (0.1, 0.2)}))) == 40


def test_a_plan_keeps_twins_beside_each_other_and_seeds_outermost() -> None:
    spec = StudySpec(sweep={"recipe.batch_size": [2, 8]}, seeds=(0, 1))
    assert [key.id for key in plan(spec)] == [
        "none-lr0.01-batch_size2-seed0",
        "batch-lr0.01-batch_size2-seed0",
        "none-lr0.01-batch_size8-seed0",
        "batch-lr0.01-batch_size8-seed0",
        "none-lr0.01-batch_size2-seed1",
        "batch-lr0.01-batch_size2-seed1",
        "none-lr0.01-batch_size8-seed1",
        "batch-lr0.01-batch_size8-seed1",
    ]


def test_without_a_sweep_there_is_one_empty_point() -> None:
    assert Sweep().points == ((),)
    assert StudySpec().at(()) == StudySpec()


def test_a_point_changes_its_keys_and_nothing_else() -> None:
    spec = StudySpec(
        sweep={"recipe.batch_size": [2, 8], "model.name": ["mlp", "lenet"]}
    )
    there = spec.at((("recipe.batch_size", 8), ("model.name", "lenet")))
    assert there == with_settings(
        StudySpec(), ["recipe.batch_size=8", "model.name=lenet"]
    )


def test_dots_without_quotes_say_the_same_in_toml() -> None:
    quoted = toml.loads('[sweep]\n"recipe.batch_size" = [2, 8]', where="a")
    bare = toml.loads("[sweep]\nrecipe.batch_size = [2, 8]", where="a")
    assert quoted == bare == StudySpec(sweep={"recipe.batch_size": (2, 8)})


SET: list[tuple[list[str], Callable[[StudySpec], bool]]] = [
    (["recipe.batch_size=2,8"], lambda s: s.sweep.points[1][0][1] == 8),
    (["sweep.recipe.batch_size=2,8"], lambda s: len(s.sweep.points) == 2),
    (["model.name=mlp,lenet"], lambda s: len(s.sweep.points) == 2),
    (["model.name=a,b.py:f"], lambda s: s.model.file == "a,b.py"),
    (["recipe.batch_size=2,8", "recipe.batch_size=4"], lambda s: not s.sweep.axes),
    (["recipe.rates=1,2"], lambda s: not s.sweep.axes),
    (["data.source=a,b.npz"], lambda s: s.data.source == "a,b.npz"),
]


@pytest.mark.parametrize(("settings", "holds"), SET)
def test_several_values_for_one_key_make_an_axis(
    settings: list[str], holds: Callable[[StudySpec], bool]
) -> None:
    assert holds(with_settings(StudySpec(), settings))


def test_refining_needs_rates_to_start_from() -> None:
    with pytest.raises(BadSetting, match=r"recipe: refine=2 needs 2 rates or more"):
        StudySpec(recipe={"refine": 2})


def test_refining_needs_images_to_choose_by() -> None:
    rates = {"rates": (0.01, 0.1), "refine": 4}
    assert StudySpec(recipe=rates).recipe.refine == 4
    with pytest.raises(BadSetting, match=r"refine=4 needs images .* validation=0"):
        StudySpec(recipe=rates, data={"validation": 0})


@pytest.mark.parametrize(
    ("sizes", "words"),
    [((100_000,), "sweep has 100,000 points"), ((400, 400), "400 x 400 = 160,000 po")],
)
def test_points_are_counted_before_they_are_made(
    sizes: tuple[int, ...], words: str
) -> None:
    keys = ("recipe.batch_size", "recipe.warmup")
    axes = {key: list(range(1, n + 1)) for key, n in zip(keys, sizes, strict=False)}
    with pytest.raises(BadSetting) as caught:
        Sweep(**axes)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_runs_are_counted_before_they_are_planned() -> None:
    with pytest.raises(BadSetting, match=r"2 arms x 100 rates x 501 seeds = 100,200 r"):
        StudySpec(
            recipe={"rates": [0.001 * i for i in range(1, 101)]}, seeds=range(501)
        )
