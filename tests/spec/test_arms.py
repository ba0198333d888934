"""Arms: norms with options, and networks that differ from arm to arm."""

from __future__ import annotations

import pytest

from normlab.errors import BadSetting
from normlab.spec import toml
from normlab.spec.arms import Arm, Variation
from normlab.spec.model import Model
from normlab.spec.options import Options, listed, options_of
from normlab.spec.settings import parse_norms, with_settings
from normlab.spec.study import StudySpec

AFTER = """
[[arms]]
norm = "batch"
[[arms]]
name = "after"
norm = "batch"
model = { placement = "after" }
"""


def test_a_norm_with_options_is_an_arm_named_after_both() -> None:
    arms = parse_norms("none, ghost(chunk=8), ghost, noisy(shift=0, scale=2)")
    assert [arm.name for arm in arms] == [
        "none",
        "ghost-chunk8",
        "ghost",
        "noisy-shift0-scale2",
    ]
    assert [arm.norm for arm in arms] == ["none", "ghost", "ghost", "noisy"]
    assert arms[1].options == options_of("ghost", {"chunk": 8})
    assert arms[2].options == options_of("ghost")


def test_a_table_of_options_says_the_same() -> None:
    table = '[[arms]]\nnorm = "ghost"\noptions = { chunk = 8 }'
    short = 'arms = ["ghost(chunk=8)"]'
    one, other = (toml.loads(text, where="x").arms[0] for text in (table, short))
    assert (one.norm, one.options) == (other.norm, other.options)


def test_options_are_written_out_with_their_defaults() -> None:
    text = toml.dumps(StudySpec(arms=("none", "noisy(shift=0)")))
    assert "shift = 0.0 # A layer's shift" in text
    assert "scale = 1.25 # A layer's scale" in text


def test_what_is_not_varied_is_not_written() -> None:
    text = toml.dumps(StudySpec())
    assert "arms.options" not in text
    assert "arms.model" not in text


def test_an_option_can_be_set_by_its_place() -> None:
    spec = StudySpec(arms=("none", "ghost"))
    spec = with_settings(spec, ["arms.1.options.chunk=4"])
    assert spec.arms[1].options == options_of("ghost", {"chunk": 4})


def test_another_norm_brings_its_own_options() -> None:
    spec = StudySpec(arms=("none", "ghost(chunk=4)"))
    assert with_settings(spec, ["arms.1.norm=rms"]).arms[1].options == Options()
    spec = with_settings(spec, ["arms.1.norm=ghost(chunk=2)"])
    assert spec.arms[1].options == options_of("ghost", {"chunk": 2})


def test_an_arm_may_have_its_own_network() -> None:
    spec = toml.loads(AFTER, where="x")
    usual, after = spec.arms
    assert usual.variant(spec.model) == spec.model
    assert after.variant(spec.model) == Model(placement="after")
    assert toml.loads(toml.dumps(spec), where="x") == spec


def test_an_arms_network_is_set_by_its_place() -> None:
    spec = with_settings(StudySpec(), ["arms.1.model.placement=after"])
    assert spec.arms[1].model == Variation(placement="after")


REFUSED = [
    ("ghost(chunk=1)", "arms.options.chunk=1 must be at least 2."),
    ("ghost(chunk=x)", "arms.options.chunk=x must be a whole number."),
    (
        "ghost(chunks=8)",
        "arms.options.chunks: no option of norm 'ghost'. Known: chunk.",
    ),
    ("batch(chunk=8)", "arms.options.chunk: no option of norm 'batch'. It has none."),
    ("group(groups=1)", "arms.options.groups=1 must be at least 2."),
    ("noisy(scale=0.5)", "arms.options.scale=0.5 must be at least 1."),
    ("gost(chunk=8)", "arms.norm=gost is unknown."),
    ("ghost(8)", "arms.norm=ghost(8) must be written NORM(key=value,...)"),
    ("ghost(chunk=8", "must be written NORM(key=value,...), e.g. ghost(chunk=16)."),
    ("ghost()", "must be written NORM(key=value,...)"),
    ("ghost(chunk=8,chunk=9)", "gives an option twice."),
    ("ghost(chunk=8),ghost(chunk=8)", "names 'ghost-chunk8' twice"),
]


@pytest.mark.parametrize(("norms", "words"), REFUSED)
def test_bad_options_are_refused_in_one_line(norms: str, words: str) -> None:
    with pytest.raises(BadSetting) as caught:
        with_settings(StudySpec(), [f"arms={norms}"])
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_options_in_two_places_are_refused() -> None:
    with pytest.raises(BadSetting, match="Give them in one place"):
        Arm(name="x", norm="ghost(chunk=8)", options=options_of("ghost"))


def test_options_that_are_no_table_are_refused() -> None:
    with pytest.raises(BadSetting, match=r"arms\.options=8 must be a table"):
        options_of("ghost", 8)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            ("model.name=lenet", "model.depth=3"),
            "depth can be set of mlp, sigmoid, and",
        ),
        (("model.name=resnet", "model.placement=after"), "the network is resnet."),
        (("model.name=n.py:f", "model.activation=relu"), "the network is n.py:f."),
        (("model.depth=0",), "model.depth=0 must be at least 1."),
        (("model.placement=inside",), "Known: before, after."),
        (("model.activation=tanh",), "Known: relu, sigmoid."),
        (("model.weight_std=0",), "model.weight_std=0 must be greater than 0."),
        (
            ("model.name=lenet", "arms.1.model.width=9"),
            "arms 'batch': model: width can be set of mlp, sigmoid",
        ),
        (
            ("sweep.model.name=mlp,resnet", "arms.1.model.placement=after"),
            "arms 'batch': model: placement can be set of mlp, sigmoid, lenet",
        ),
    ],
)
def test_a_network_is_varied_only_as_it_can_be(
    settings: tuple[str, ...], words: str
) -> None:
    with pytest.raises(BadSetting) as caught:
        with_settings(StudySpec(), settings)
    assert words in str(caught.value)


def test_commas_between_parentheses_part_nothing() -> None:
    assert listed("a(b=1,c=2), d") == ["a(b=1,c=2)", "d"]


def test_the_name_of_a_network_stands_first() -> None:
    assert next(iter(Model.model_fields)) == "name"
