"""Whatever a constructor draws is the same in all arms of a seed, and only there."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from normlab.base.slots import NormMaker
from normlab.nets.custom import from_address
from normlab.norms.registry import maker
from normlab.spec.arms import Arm
from normlab.spec.model import Model
from normlab.spec.nets import NETS
from normlab.spec.norms import FAMILIES
from normlab.study.source import BuiltIn, FromFactory, NetworkSource
from normlab.study.twins import (
    build_arm,
    network_digest,
    own_digest,
    share,
    shared_tensors,
    start_digest,
    twin,
)

PLACE = {"shape": (1, 28, 28), "classes": 10}
NONE = Arm(name="none", norm="none")
OTHERS = [Arm(name=n, norm=n) for n in ("batch", "layer", "group", "rms", "noisy")]


class Drawn(nn.Module):
    """Holds what it draws in every place that a network has."""

    def __init__(self, norm: NormMaker, first: bool) -> None:
        super().__init__()
        if first:
            self.norm = norm(16)
        self.linear = nn.Linear(4, 16)
        self.register_buffer("kept", torch.randn(3))
        self.register_buffer("left_out", torch.randn(3), persistent=False)
        self.plain = torch.randn(3)
        self.of_numpy = np.random.rand(3)  # noqa: NPY002
        self.of_python = [random.random()]
        if not first:
            self.norm = norm(16)
        self.last = nn.Linear(16, 2)


def orthogonal(norm: NormMaker) -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 16), norm(16), nn.Linear(16, 2))
    nn.init.orthogonal_(model[0].weight)
    return model


def deeper(norm: NormMaker) -> nn.Module:
    """Draws more in some arms before it draws what all have."""
    more = nn.Sequential()
    if not isinstance(norm(16), nn.Identity):
        more.append(nn.Linear(16, 16))
    model = nn.Sequential(more, nn.Linear(4, 16), norm(16))
    model.register_buffer("left_out", torch.randn(3), persistent=False)
    return model


FACTORIES: dict[str, Callable[[NormMaker], nn.Module]] = {
    "norm first": lambda norm: Drawn(norm, first=True),
    "norm last": lambda norm: Drawn(norm, first=False),
    "initialised anew": orthogonal,
    "deeper": deeper,
}


def twins(
    source: NetworkSource, arms: list[Arm], seed: int
) -> list[tuple[str, nn.Module]]:
    """Digest of what each arm starts from, in all that the arms have in common."""
    shared = shared_tensors([build_arm(source, a, seed=seed, **PLACE) for a in arms])
    models = [twin(source, a, NONE, seed=seed, shared=shared, **PLACE) for a in arms]
    return [(repr(start_digest(m, shared)), m) for m in models]


@pytest.mark.parametrize("name", FACTORIES)
def test_starts_are_equal_over_arms_and_differ_over_seeds(name: str) -> None:
    arms, source = [NONE, *OTHERS], FromFactory(FACTORIES[name])
    starts = [{digest for digest, _ in twins(source, arms, s)} for s in range(3)]
    assert [len(start) for start in starts] == [1, 1, 1]
    assert len(set.union(*starts)) == 3


@pytest.mark.parametrize("first", [True, False])
def test_what_no_state_dict_holds_is_equal_too(first: bool) -> None:
    models = [
        m for _, m in twins(FromFactory(lambda n: Drawn(n, first)), [NONE, *OTHERS], 0)
    ]
    for model in models[1:]:
        for name in ("plain", "left_out", "of_numpy", "of_python"):
            assert np.array_equal(getattr(model, name), getattr(models[0], name))


@pytest.mark.parametrize("net", NETS)
def test_built_in_networks_start_as_they_always_did(net: str) -> None:
    """The baseline at (seed, "init"), an arm by itself, with the shared tensors."""
    source = BuiltIn(Model(name=net))
    arms = [NONE, Arm(name="batch", norm="batch")]
    own = Arm(name="own", norm="batch", model={"activation": "sigmoid"})
    for other in (arms[1], own):
        alone = build_arm(source, other, seed=3, **PLACE)
        first = twin(source, NONE, NONE, seed=3, shared=(), **PLACE)
        shared = shared_tensors([first, alone])
        share(first, alone, shared)
        now = twin(source, other, NONE, seed=3, shared=shared, **PLACE)
        assert network_digest(now) == network_digest(alone)
        assert own_digest(now, ()) == own_digest(alone, ())


@pytest.mark.parametrize("name", FAMILIES)
def test_no_norm_draws_when_it_is_made(name: str) -> None:
    before = torch.get_rng_state()
    maker(name)(16, 2)
    assert torch.get_rng_state().equal(before)


FILE = """
import random
import numpy as np
import torch
from torch import nn
{line}

def make(norm):
    return nn.Sequential(nn.Linear(4, 16), norm(16), nn.Linear(16, 2))
"""
LINES = [
    "torch.manual_seed(42); random.seed(1); np.random.seed(2)",
    "W = torch.randn(1000), np.random.rand(10), random.random()",
    "torch.set_default_dtype(torch.float64)",
    "torch.set_grad_enabled(False)",
    "torch.set_num_threads(torch.get_num_threads() + 1)",
]


@pytest.mark.parametrize("line", LINES)
def test_what_a_file_does_when_it_is_executed_changes_no_start(
    line: str, tmp_path: Path
) -> None:
    kept = torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads()
    plain, odd = tmp_path / "plain.py", tmp_path / "odd.py"
    plain.write_text(FILE.format(line=""))
    odd.write_text(FILE.format(line=line))
    starts = [
        [network_digest(build_arm(from_address(f"{f}:make"), NONE, seed=s, **PLACE))
         for s in (0, 1, 0)]
        for f in (plain, odd)
    ]  # fmt: skip
    assert starts[0] == starts[1]
    assert len(set(starts[0])) == 2
    assert kept == (
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.get_num_threads(),
    )


def test_a_file_is_executed_once_and_draws_the_same_everywhere(tmp_path: Path) -> None:
    file, mark = tmp_path / "net.py", tmp_path / "mark"
    file.write_text(
        FILE.format(
            line=f"W = torch.randn(3)\nwith open({str(mark)!r}, 'a') as f: f.write('x')"
        )
    )
    one, two = from_address(f"{file}:make"), from_address(f"{file}:make")
    assert one.load() is two.load()
    assert mark.read_text() == "x"
    file.write_text(f"{file.read_text()}# another text\n")
    again = from_address(f"{file}:make").load().__globals__["W"]
    assert again.equal(one.load().__globals__["W"])
