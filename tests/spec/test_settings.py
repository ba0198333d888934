from __future__ import annotations

from collections.abc import Callable

import pytest

from normlab.errors import BadSetting
from normlab.spec import toml
from normlab.spec.settings import (
    parse_norms,
    parse_seeds,
    with_settings,
)
from normlab.spec.study import StudySpec

Refusal = Callable[..., str]

ACCEPTED = [
    ("experiment=mine", lambda s: s.experiment == "mine"),
    ("seeds=2", lambda s: s.seeds == (0, 1)),
    ("seeds=2,", lambda s: s.seeds == (2,)),
    ("seeds.4=9", lambda s: s.seeds == (0, 1, 2, 3, 9)),
    ("measure=none", lambda s: s.measure == "none"),
    ("data.source=./a=b", lambda s: s.data.source == "./a=b"),
    ("data.color=true", lambda s: s.data.color is True),
    ("data.color=auto", lambda s: s.data.color is None),
    ("recipe.decay_norms=false", lambda s: not s.recipe.decay_norms),
    ("recipe.rates=0.1,1", lambda s: s.recipe.rates == (0.1, 1.0)),
    ("recipe.rates=1e-5", lambda s: s.recipe.rates == (1e-5,)),
    ("recipe.rates.0=3", lambda s: s.recipe.rates == (3.0,)),
    (" recipe.epochs = 7 ", lambda s: s.recipe.epochs == 7),
    ("surfaces.points=25", lambda s: s.surfaces.points == 25),
    ("surfaces.planes=random", lambda s: s.surfaces.planes == ("random",)),
    ('surfaces.planes=["path"]', lambda s: s.surfaces.planes == ("path",)),
    ("surfaces.exact=true", lambda s: s.surfaces.exact),
    ("surfaces.seeds=3", lambda s: s.seeds_with_surfaces == (0, 1, 2)),
    ("surfaces.seeds=0", lambda s: s.seeds_with_surfaces == ()),
    ("execution.workers=3", lambda s: s.execution.workers == 3),
    ("execution.workers=auto", lambda s: s.execution.workers is None),
    ("execution.device=auto", lambda s: s.execution.device == "auto"),
    ("arms=layer", lambda s: [a.norm for a in s.arms] == ["layer"]),
    ("arms.1.norm=rms", lambda s: s.arms[1].norm == "rms"),
    ("schema=1", lambda s: s.schema_version == 1),
]


@pytest.mark.parametrize(("setting", "holds"), ACCEPTED, ids=[a for a, _ in ACCEPTED])
def test_a_setting_reaches_its_key(
    setting: str, holds: Callable[[StudySpec], bool]
) -> None:
    assert holds(with_settings(StudySpec(), [setting]))


LISTS = {
    'surfaces.planes=["common", "random"]': "surfaces.planes=common,random",
    "surfaces.statistics=['full','batch']": "surfaces.statistics=full,batch",
    "seeds=[0,1,7]": "seeds=0,1,7",
    "seeds=[7]": "seeds=7,",
    "recipe.rates=[1e-3, 0.1]": "recipe.rates=1e-3,0.1",
    'arms=["none","noisy(shift=0,scale=1)"]': "arms=none,noisy(shift=0,scale=1)",
    "recipe.batch_size=[8, 64]": "recipe.batch_size=8,64",
    "recipe.decay_norms=[true, false]": "recipe.decay_norms=true,false",
    "sweep.model.depth=[2, 4]": "sweep.model.depth=2,4",
}


@pytest.mark.parametrize("written", LISTS)
def test_a_list_is_written_as_in_the_file_or_with_commas(written: str) -> None:
    study = StudySpec()
    assert with_settings(study, [written]) == with_settings(study, [LISTS[written]])


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("surfaces.planes=[common,path]", "no list as study.toml writes it"),
        ("seeds=[]", "a list of values, at least one"),
        ('arms=[{norm="batch"}]', "a list of values, at least one"),
        ('surfaces.planes=["comon"]', "Did you mean 'common'"),
    ],
)
def test_a_list_that_is_none_is_refused(setting: str, text: str) -> None:
    with pytest.raises(BadSetting, match=text):
        with_settings(StudySpec(), [setting])


def test_a_text_in_brackets_is_a_text() -> None:
    spec = with_settings(StudySpec(), ["data.source=[1,2]"])
    assert spec.data.source == "[1,2]"


def test_every_setting_can_be_reached() -> None:
    spec = StudySpec()
    for table, settings in spec.model_dump(by_alias=True).items():
        names = settings if isinstance(settings, dict) else {}
        for name, value in names.items():
            if isinstance(value, dict):
                continue  # a user's own keys
            parts = value if isinstance(value, tuple) else (value,)
            text = "auto" if value is None else ",".join(map(str, parts)).lower()
            assert with_settings(spec, [f"{table}.{name}={text}"]) == spec


def test_statistics_are_set_as_lists_together() -> None:
    spec = with_settings(StudySpec(), ["data.mean=0.5,0.4", "data.std=0.2,0.1"])
    assert spec.data.mean == (0.5, 0.4)
    assert spec.data.std == (0.2, 0.1)


def test_a_place_in_a_list_that_was_just_given_can_be_set() -> None:
    spec = with_settings(StudySpec(), ["arms=none,batch,layer", "arms.2.name=third"])
    assert [arm.name for arm in spec.arms] == ["none", "batch", "third"]


def test_the_later_of_two_settings_wins() -> None:
    assert with_settings(StudySpec(), ["seeds=9", "seeds=1,"]).seeds == (1,)


REFUSED = [
    # numbers
    ("recipe.batch_size=0", "recipe.batch_size=0 must be at least 1."),
    ("recipe.batch_size=-3", "recipe.batch_size=-3 must be at least 1."),
    ("recipe.batch_size=1.5", "recipe.batch_size=1.5 must be a whole number."),
    ("recipe.batch_size=x", "recipe.batch_size=x must be a whole number."),
    ("recipe.batch_size=", "recipe.batch_size='' must be a whole number."),
    ("recipe.epochs=1000000000", "recipe.epochs=1000000000 must be at most 100000."),
    ("recipe.epochs=0", "recipe.epochs=0 must be at least 1."),
    ("recipe.rates=nan", "recipe.rates.0=nan must be a finite number."),
    ("recipe.rates=inf", "recipe.rates.0=inf must be a finite number."),
    ("recipe.rates=0.1,0", "recipe.rates.1=0 must be greater than 0."),
    ("recipe.rates=-1", "recipe.rates.0=-1 must be greater than 0."),
    ("recipe.rates=1e9", "recipe.rates.0=1e9 must be at most 1000."),
    ("recipe.rates=fast", "recipe.rates.0=fast must be a number."),
    ("recipe.rates=1,1.0", "recipe.rates=1,1.0 names 1.0 twice; give each rate once."),
    ("recipe.rates=", "recipe.rates='' has an empty place; give a list with commas."),
    ("recipe.momentum=1", "recipe.momentum=1 must be less than 1."),
    ("recipe.momentum=-0.1", "recipe.momentum=-0.1 must be at least 0."),
    ("recipe.momentum=nan", "recipe.momentum=nan must be a finite number."),
    ("recipe.weight_decay=-1", "recipe.weight_decay=-1 must be at least 0."),
    ("recipe.warmup=-1", "recipe.warmup=-1 must be at least 0."),
    ("recipe.step_factor=2", "recipe.step_factor=2 must be at most 1."),
    ("recipe.decay_norms=maybe", "recipe.decay_norms=maybe must be true or false."),
    ("data.validation=-1", "data.validation=-1 must be at least 0."),
    ("data.image_size=0", "data.image_size=0 must be at least 1."),
    ("execution.workers=0", "execution.workers=0 must be at least 1."),
    ("execution.threads=0", "execution.threads=0 must be at least 1."),
    # seeds
    ("seeds=0", "seeds=0 must be a number of seeds from 1 to 10000"),
    ("seeds=1000000000", "must be a number of seeds from 1 to 10000"),
    ("seeds=x", "seeds=x must be whole numbers."),
    ("seeds=1,1", "seeds=1,1 names seed 1 twice; name each seed once."),
    ("seeds=-1,2", "seeds.0=-1 must be at least 0."),
    ("seeds=9223372036854775808,", "seeds.0=9223372036854775808 must be less than"),
    ("seeds=1,,2", "seeds=1,,2 has an empty place"),
    # names
    ("recipe.optimizer=sdg", "recipe.optimizer=sdg is unknown. Known: sgd, adam"),
    ("recipe.optimizer=sdg", "Did you mean 'sgd'?"),
    ("measure=al", "measure=al is unknown. Known: none, light, full."),
    ("execution.device=gpu", "execution.device=gpu is unknown. Known: cpu, cuda"),
    ("model.name=mpl", "model.name=mpl is unknown. Known: mlp, sigmoid"),
    ("model.name=net.py", "A network of your own is FILE.py:factory or package."),
    ("data.source=", "data.source='' must be one line of readable text."),
    ("experiment=a/b", "experiment=a/b must start with a letter or digit"),
    ("experiment=-x", "experiment=-x must start with a letter or digit"),
    # arms
    ("arms=none,bach", "arms.norm=bach is unknown. Known: none, batch, layer"),
    ("arms=none,bach", "Did you mean 'batch'?"),
    ("arms=none,batch,none", "names 'none' twice; name each arm once."),
    ("arms.1.name=NONE", "names 'none' twice; name each arm once."),
    ("arms.0.norm=layr", "Did you mean 'layer'?"),
    # keys
    ("recipe.bach_size=3", "unknown key 'recipe.bach_size'. Known: optimizer"),
    ("recipe.bach_size=3", "Did you mean 'batch_size'?"),
    ("epoch=3", "unknown key 'epoch'."),
    ("recipe.epochs.3=1", "'recipe.epochs.3' does not exist; the key ends before it."),
    ("recipe=1", "recipe: is a table; set one of its keys: recipe.optimizer"),
    ("seeds.9=1", "no place '9'; it holds 5, counted from 0."),
    ("arms.x.norm=rms", "no place 'x'; it holds 2, counted from 0."),
    ("recipe.epochs", "--set recipe.epochs: write it as key=value."),
    ("data.mean=0.1", "data: mean and std are given together or both left at auto."),
    ("schema=2", "schema=2 is unknown. Known: 1."),
]


@pytest.mark.parametrize(("setting", "words"), REFUSED)
def test_a_bad_setting_is_refused_in_one_line(
    refusal: Refusal, setting: str, words: str
) -> None:
    text = refusal(setting)
    assert words in text
    assert "\n" not in text
    assert "pydantic" not in text
    assert len(text) < 400


def test_statistics_of_different_length_are_refused(refusal: Refusal) -> None:
    text = refusal("data.mean=1,2", "data.std=1,2,3")
    assert "mean has 2 values and std has 3; give one of each per channel." in text


def test_the_first_complaint_says_how_many_follow(refusal: Refusal) -> None:
    text = refusal("recipe.epochs=0", "recipe.batch_size=0")
    assert text.endswith("must be at least 1. (1 more to mend.)")


@pytest.mark.parametrize("text", ["9" * 5000, "a\nb", "é" * 300])
def test_whatever_is_typed_is_answered_in_one_short_line(
    refusal: Refusal, text: str
) -> None:
    for key in ("recipe.epochs", "seeds", "recipe.rates", "measure", "experiment"):
        answer = refusal(f"{key}={text}")
        assert "\n" not in answer
        assert len(answer) < 300


def test_norms_are_arms_named_after_them() -> None:
    assert [(arm.name, arm.norm) for arm in parse_norms("none, batch")] == [
        ("none", "none"),
        ("batch", "batch"),
    ]


@pytest.mark.parametrize(
    ("parse", "text", "words"),
    [
        (parse_seeds, "", "seeds='' has an empty place"),
        (
            parse_seeds,
            "-3",
            "from 1 to 10000; one seed alone is written with a comma behind it",
        ),
        (parse_seeds, "1.5", "seeds=1.5 must be whole numbers"),
        (parse_norms, "none,,batch", "arms=none,,batch has an empty place"),
        (parse_norms, "Batch", "Did you mean 'batch'"),
    ],
)
def test_bad_lists_are_refused(
    parse: Callable[[str], object], text: str, words: str
) -> None:
    with pytest.raises(BadSetting) as caught:
        parse(text)
    assert words in str(caught.value)


def test_another_norm_renames_an_arm_that_is_called_after_its_norm() -> None:
    arms = with_settings(StudySpec(), ["arms.1.norm=ghost(chunk=8)"]).arms
    assert [arm.name for arm in arms] == ["none", "ghost-chunk8"]
    own = with_settings(StudySpec(), ["arms.1.name=mine", "arms.1.norm=layer"]).arms
    assert [(arm.name, arm.norm) for arm in own[1:]] == [("mine", "layer")]


def test_keywords_of_a_factory_have_the_types_they_are_written_with() -> None:
    own = ["model.name=pkg.nets:make", "model.options.classes=10"]
    more = ["widths=[16, 32]", "block='basic'", "stem=plain", "p=0.5", "se=true"]
    spec = with_settings(StudySpec(), [*own, *(f"model.options.{m}" for m in more)])
    assert spec.model.options.given == {
        "classes": 10,
        "widths": [16, 32],
        "block": "basic",
        "stem": "plain",
        "p": 0.5,
        "se": True,
    }
    assert (spec.model.module, spec.model.factory) == ("pkg.nets", "make")
    assert toml.loads(toml.dumps(spec), where="study.toml") == spec


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (["model.options.depth=3"], "options are for FILE.py:factory or package"),
        (
            ["model.name=a.b:c", "model.options.x={y = 1}"],
            "model.options: x must be a number, true or false, a text, or a list",
        ),
        (["model.options=3"], "is a table; set one of its keys: model.options.NAME"),
    ],
)
def test_keywords_that_make_no_sense_are_refused(
    settings: list[str], text: str
) -> None:
    with pytest.raises(BadSetting, match=text):
        with_settings(StudySpec(), settings)
