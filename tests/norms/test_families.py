"""One object per norm: whoever adds one is told here what is missing."""

from pathlib import Path

import cloudpickle
import pytest
import torch
from torch import nn

from normlab.base.slots import KINDS
from normlab.errors import BadModel, BadSetting
from normlab.landscape.evaluate.norms import norms_in_use
from normlab.norms.recognize import is_norm
from normlab.norms.registry import builder, maker
from normlab.spec import NORMS
from normlab.spec.arms import Arm
from normlab.spec.names import AS_IS
from normlab.spec.norms import FAMILIES, Norm
from normlab.spec.options import options_of
from normlab.spec.study import StudySpec
from normlab.spec.toml import dumps

ROOT = Path(__file__).parents[2]
every = pytest.mark.parametrize("norm", FAMILIES.values(), ids=FAMILIES)


def test_every_norm_has_its_object_and_its_builder():
    assert (*FAMILIES, AS_IS) == NORMS
    assert all(norm.name == name for name, norm in FAMILIES.items())
    files = {p.stem for p in (ROOT / "src/normlab/norms").glob("*.py")}
    files -= {"__init__", "recognize", "reference", "registry"}
    files = {name.replace("_", "-") for name in files}
    assert not (lone := files - set(FAMILIES)), (
        f"src/normlab/spec/norms.py has no object for the norm of {lone}: add it there"
    )
    assert not (lone := set(FAMILIES) - files), (
        f"src/normlab/norms has no file for {lone}: add NAME.py with a function NAME"
    )


@every
def test_it_has_words_for_everyone(norm: Norm):
    assert norm.short.endswith("norm")
    assert len({other.short for other in FAMILIES.values()}) == len(FAMILIES)


@every
def test_its_options_are_those_of_its_builder_with_the_same_defaults(norm: Norm):
    options = {option.name: option.default for option in norm.options}
    taken = getattr(builder(norm.name), "__kwdefaults__", None) or {}
    assert taken == options
    assert options_of(norm.name).model_dump() == options
    comments = dumps(StudySpec(arms=(Arm(name=norm.name, norm=norm.name),)))
    for option in norm.options:
        assert option.words.endswith(".")
        assert f"# {option.words}" in comments
        assert isinstance(option.most, int) == option.whole
        for wrong in (option.least - 1, option.most + 1, "much"):
            with pytest.raises(BadSetting, match=option.name):
                options_of(norm.name, {option.name: wrong})


@every
def test_the_axes_it_averages_over_are_those_of_its_table(norm: Norm):
    x = torch.linspace(-3, 4, 4 * 16 * 3 * 3).sin().view(4, 16, 3, 3)
    x = x.double().requires_grad_()
    module = maker(norm.name)(16, dims=2).double().train()
    for child in module.children():
        child.eval()  # noise
    module(x)[0, 0, 0, 0].backward()
    neighbours = {"n": (1, 0, 0, 0), "c": (0, 1, 0, 0), "h": (0, 0, 1, 0)}
    neighbours |= {"w": (0, 0, 0, 1)}
    assert x.grad is not None
    felt = {axis for axis, place in neighbours.items() if x.grad[place] != 0}
    assert felt == set(norm.axes)


@every
def test_what_it_learns_is_that_of_its_table(norm: Norm):
    sizes = {n: p.numel() for n, p in maker(norm.name)(16, dims=2).named_parameters()}
    said = " and ".join(
        n.replace("weight", "gamma").replace("bias", "beta") for n in sizes
    )
    by_channel = " per channel" if set(sizes.values()) == {16} else ""
    assert norm.learns == (f"{said}{by_channel}" or "none")


@pytest.mark.parametrize("statistics", ["batch", "full", "recalibrated", "running"])
@every
def test_it_follows_the_statistics_of_a_surface_or_not(norm: Norm, statistics):
    found = set()
    for dims in range(len(KINDS)):
        try:
            net = nn.Sequential(maker(norm.name)(16, dims))
        except BadModel:
            continue  # no meaning there
        assert is_norm(net[0]) == (norm.name != "none")
        used = norms_in_use(net, statistics, {})
        follow = set(used.tracked) - set(used.frozen)
        found.add((bool(follow), bool(used.active)))
    assert found == {(norm.follows, norm.follows and statistics != "running")}


@every
def test_its_options_travel_to_workers(norm: Norm):
    options = options_of(norm.name)
    assert cloudpickle.loads(cloudpickle.dumps(options)) == options
