from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from normlab.errors import BadSetting
from normlab.spec.arms import Arm
from normlab.spec.model import Model
from normlab.spec.recipe import Recipe
from normlab.spec.study import StudySpec
from normlab.spec.surfaces import Surfaces


def test_the_defaults_are_the_article() -> None:
    spec = StudySpec()
    recipe = spec.recipe
    assert (spec.data.source, spec.model.name) == ("mnist", "mlp")
    assert [arm.norm for arm in spec.arms] == ["none", "batch"]
    assert (recipe.optimizer, recipe.rates, recipe.momentum) == ("sgd", (0.01,), 0.9)
    assert (recipe.batch_size, recipe.epochs, recipe.last_batch) == (64, 5, "keep")
    assert spec.seeds == (0, 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("arms", "baseline"),
    [
        (("batch", "none"), "none"),
        (("batch", "layer"), "batch"),
        ((Arm(name="plain", norm="none"), "batch"), "plain"),
    ],
)
def test_the_baseline_is_none_or_the_first(arms: tuple, baseline: str) -> None:
    assert StudySpec(arms=arms).baseline.name == baseline


def test_a_study_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        StudySpec().recipe.epochs = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Recipe(batch_size=0), "recipe.batch_size=0 must be at least 1."),
        (lambda: Recipe(epochs=True), "must be a number, not true or false"),
        (lambda: Recipe(rates=()), "recipe.rates='' is too short: give at least 1."),
        (lambda: Recipe(rates=0.1), "recipe.rates=0.1 must be a list."),
        (lambda: Recipe(speed=1), "unknown key 'recipe.speed'."),
        (lambda: StudySpec(arms=()), "arms='' is too short: give at least 1."),
        (lambda: StudySpec(arms="none"), "arms=none must be a list."),
        (lambda: StudySpec(arms=[3]), "arms.0=3 must be a table of settings."),
        (lambda: StudySpec(recipe=3), "recipe=3 must be a table of settings."),
        (lambda: StudySpec(recipe={"epochs": 0}), "recipe.epochs=0 must be"),
        (lambda: StudySpec(experiment=3), "experiment=3 must be a text in quotes."),
        (lambda: Surfaces(points=24), "surfaces.points=24 is even, so that no point"),
        (lambda: Surfaces(planes=()), "surfaces.planes='' is too short: give at"),
        (
            lambda: Surfaces(statistics=("batch", "full", "batch")),
            "surfaces.statistics=batch,full,batch names batch twice; give each once.",
        ),
        (
            lambda: Surfaces(planes=("pth",)),
            "surfaces.planes.0=pth is unknown. Known: common, path, random. Did you",
        ),
        (
            lambda: StudySpec(seeds=(3, 4), surfaces={"seeds": 3}),
            "surfaces.seeds=3 is more than the study has seeds (2).",
        ),
        (lambda: Arm(name="x" * 65, norm="none"), "arms.name="),
        (lambda: Model(name="a\nb"), "model.name='a\\nb' must be one line of"),
    ],
)
def test_settings_given_from_python_are_refused_in_the_same_words(
    make: object, words: str
) -> None:
    with pytest.raises(BadSetting) as caught:
        make()  # type: ignore[operator]
    assert words in str(caught.value)


def test_a_model_file_is_taken_apart() -> None:
    model = Model(name="my nets/a.py:build")
    assert (model.file, model.factory) == ("my nets/a.py", "build")
    assert Model(name="mlp").file is None
    assert Model(name="mlp").factory is None


@pytest.mark.parametrize("name", ["spec.study", "records.folder", "records.export"])
def test_what_only_shows_work_never_imports_torch(name: str) -> None:
    code = f"import sys, normlab.{name}; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_the_names_are_there_without_pydantic() -> None:
    code = (
        "import sys; from normlab.spec import NORMS; print('pydantic' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_the_package_offers_what_it_says() -> None:
    import normlab.spec

    for name in normlab.spec.__all__:
        assert getattr(normlab.spec, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Recipes'"):
        _ = normlab.spec.Recipes  # type: ignore[attr-defined]


def test_arms_that_are_tables_are_shown_by_their_names() -> None:
    with pytest.raises(BadSetting, match=r"^arms=none,none names 'none' twice"):
        StudySpec(arms=({"norm": "none"}, {"name": "none", "norm": "none"}))
