"""The laws of the verbs, on the structures that break tools which go by names."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from normlab.base.digest import digest
from normlab.base.leaves import leaves
from normlab.base.streams import fork_rng, seeded
from normlab.norms.recognize import is_norm_module
from normlab.surgery.chart import chart
from normlab.surgery.convert import convert
from normlab.surgery.edits import Replaced
from normlab.surgery.examples import call, mapped
from normlab.surgery.fold import fold
from normlab.surgery.freeze import assert_frozen, freeze
from normlab.surgery.report import Operated
from tests.surgery.structures import STRUCTURES, Structure


def built(structure: Structure) -> tuple[nn.Module, Any]:
    """In float64, with norms that have seen something."""
    with seeded("structures"):
        model = structure.make()
        example = mapped(lambda t: t.double() if t.is_floating_point() else t,
                         structure.example)  # fmt: skip
        model.double()
        if any(isinstance(m, nn.modules.lazy.LazyModuleMixin) for m in model.modules()):
            return model, example
        for module in model.modules():
            if is_norm_module(module):
                for tensor in (*module.parameters(), *module.buffers()):
                    if tensor.is_floating_point():
                        tensor.data.uniform_(0.5, 2)
    return model, example


def other(example: Any) -> Any:
    """Numbers that no verb has seen."""
    generator = torch.Generator().manual_seed(99)
    return mapped(
        lambda t: torch.randn(t.shape, generator=generator, dtype=t.dtype), example
    )


def answers(model: nn.Module, example: Any) -> list[Tensor]:
    with torch.no_grad():
        output = call(model, mapped(torch.clone, example))
    return [tensor for _, tensor in leaves(output)]


def bits(model: nn.Module) -> list[Any]:
    lazy = nn.modules.lazy.LazyModuleMixin
    if any(isinstance(module, lazy) for module in model.modules()):
        return [repr(model)]
    return [
        {name: digest(tensor) for name, tensor in model.state_dict().items()},
        [(id(m), m.training, type(m), len(m._forward_hooks)) for m in model.modules()],
        [(id(p), p.requires_grad) for p in model.parameters()],
        repr(model),
    ]


def settled(model: nn.Module, example: Any) -> None:
    """Let lazy modules take their shapes, with the numbers that a verb has drawn."""
    if "Lazy" in repr(model):
        with fork_rng():
            answers(model.eval(), example)


@pytest.fixture(params=STRUCTURES)
def structure(request: pytest.FixtureRequest) -> Structure:
    return STRUCTURES[request.param]


VERBS: dict[str, Callable[[nn.Module, Any], Operated]] = {
    "fold": fold,
    "group": lambda model, x: convert(model, "group", x),
    "none": lambda model, x: convert(model, "none", x),
    "sync": lambda model, x: convert(model, "sync", x),
}


def test_folding_keeps_the_function_and_says_why_norms_stay(
    structure: Structure,
) -> None:
    model, example = built(structure)
    lean, report = fold(model, example)
    assert {edit.norm for edit in report.done} == {*structure.folded}
    assert {path for path, _ in report.left} == {*structure.left}
    for path, reason in report.left:
        assert structure.left[path] in reason
    settled(model, example)
    for one in (example, other(example)):
        pairs = zip(answers(lean, one), answers(model.eval(), one), strict=True)
        for ours, theirs in pairs:
            scale = theirs.abs().max().item()
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("verb", VERBS)
def test_every_norm_is_in_one_list_and_the_model_keeps_its_bits(
    structure: Structure, verb: str
) -> None:
    model, example = built(structure)
    before, given = bits(model), [digest(t) for _, t in leaves(example)]
    drawn = torch.get_rng_state()
    new, report = VERBS[verb](model, example)
    assert bits(model) == before
    assert [digest(tensor) for _, tensor in leaves(example)] == given
    assert torch.equal(torch.get_rng_state(), drawn)
    done = [e.path if isinstance(e, Replaced) else e.norm for e in report.done]
    found = chart(model, example)
    listed = sorted([*done, *(path for path, _ in report.left)])
    assert listed == sorted([*(norm.path for norm in found.norms), *found.unreached])
    answers(deepcopy(new).eval(), example)


def test_what_keeps_statistics_is_the_same_function_when_synchronised_or_frozen(
    structure: Structure,
) -> None:
    model, example = built(structure)
    settled(model, example)
    if any(isinstance(module, nn.GroupNorm) for module in model.modules()):
        return  # it keeps none
    expected = answers(model.eval(), other(example))
    for to in ("sync", "frozen", "batch"):
        new, _ = convert(model, to, example)
        pairs = zip(answers(new.eval(), other(example)), expected, strict=True)
        for ours, theirs in pairs:
            torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    held, _ = freeze(model)
    pairs = zip(answers(held.eval(), other(example)), expected, strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


def test_frozen_statistics_stay_in_training(structure: Structure) -> None:
    model, example = built(structure)
    settled(model, example)
    held, report = freeze(model)
    held.train()
    answers(held, example)
    if report.done:
        assert_frozen(deepcopy(held))
