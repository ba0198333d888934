"""Every kind of network, four statistics, both ways, one thread and two.

Against a loop in float64 that knows nothing of the engine.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from normlab.base.streams import seeded, stream
from normlab.errors import BadModel
from normlab.landscape.evaluate import quick
from normlab.landscape.evaluate.cross_entropy import CrossEntropy
from normlab.landscape.evaluate.engine import Engine
from normlab.landscape.evaluate.fused import FusedEvaluator
from normlab.landscape.evaluate.objective import LossObjective
from normlab.landscape.intake.data import source_of
from normlab.landscape.intake.sample import take_sample
from normlab.landscape.planes.plane import Plane
from normlab.records.surface import Statistics
from tests.landscape.networks import CASES, EXAMPLES, INPUTS, Case

BATCH = 8
PLACES = np.array([(0.0, 0.0), (1.0, -0.5), (-0.7, 1.0)])
LOW = (torch.bfloat16, torch.float16)


@torch.enable_grad()
def seen(case: Case) -> nn.Module:
    """A network whose averages are not the initial ones."""
    model = case.make()
    modes = [module.training for module in model.modules()]
    data = inputs_of(case)
    model.train()
    for _ in range(3):
        try:
            call(model, tree_map(lambda x: typed(x, model), data))
        except NotImplementedError:  # half precision, which has none
            break
    for module, mode in zip(model.modules(), modes, strict=True):
        module.training = mode
    return model


def inputs_of(case: Case) -> Any:
    with seeded(1, "inputs"):
        return INPUTS[case.inputs]()


def typed(x: Tensor, model: nn.Module) -> Tensor:
    kind = next(model.parameters()).dtype
    return x.to(kind) if x.is_floating_point() and not kind.is_complex else x


def call(net: nn.Module, inputs: Any) -> Any:
    if isinstance(inputs, dict):
        return net(**inputs)
    return net(*inputs) if isinstance(inputs, tuple) else net(inputs)


def plane_of(model: nn.Module) -> Plane:
    g = np.random.default_rng(3)

    def drawn(p: Tensor) -> np.ndarray:
        noise = g.normal(size=tuple(p.shape))
        if p.is_complex():
            noise = noise + 1j * g.normal(size=tuple(p.shape))
        return 0.2 * noise

    first, second = (
        {name: drawn(p) for name, p in model.named_parameters()} for _ in range(2)
    )
    return Plane(kind="random", first=first, second=second)


def exact(values: Any) -> Any:
    """Real and complex numbers in double precision."""

    def wide(x: Tensor) -> Tensor:
        if x.is_complex():
            return x.to(torch.complex128)
        return x.double() if x.is_floating_point() else x

    return tree_map(wide, values)


@torch.no_grad()
def naive(
    case: Case, statistics: str, plane: Plane, place: np.ndarray, y: Tensor
) -> float:
    """The definition, from a network made anew, example by example in the same cut."""
    with seeded(2, "weights"):
        net = seen(case)
    norms = list(case.norms(net))
    for name, p in net.named_parameters():
        low = p.dtype in LOW
        value = exact(p.detach())
        for step, along in zip(place, (plane.first, plane.second), strict=True):
            value = value + step * torch.from_numpy(along[name])
        p.data = exact(value.to(p.dtype)) if low else value
    for module in net.modules():
        module.training = False
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = exact(buffer)
        for name, held in vars(module).items():
            if isinstance(held, Tensor):
                setattr(module, name, exact(held))
    order = torch.randperm(EXAMPLES, generator=stream(0, "surface", "batches"))
    inputs = exact(inputs_of(case))
    cut = norms or case.interacts
    batches = order.split(BATCH) if cut else (order,)

    def loss(part: Tensor) -> float:
        found = call(net, tree_map(lambda x: x[part], inputs))
        return float(case.loss(found, y[part]))

    def mean(parts: Any) -> float:
        return sum(loss(part) * len(part) for part in parts) / EXAMPLES

    if statistics in ("batch", "full"):
        for norm in norms:
            norm.training = True
        return mean((order,) if statistics == "full" else batches)
    if statistics == "recalibrated" and norms:
        recalibrate(norms, lambda: [loss(part) for part in batches])
    return mean(batches if case.interacts else (order,))


def recalibrate(norms: list[nn.Module], run: Any) -> None:
    seen_by: dict[nn.Module, list[Tensor]] = {norm: [] for norm in norms}
    hooks = []
    for norm in norms:
        norm.training = True
        hooks.append(
            norm.register_forward_pre_hook(lambda m, args: seen_by[m].append(args[0]))
        )
    run()
    for hook in hooks:
        hook.remove()
    for norm, values in seen_by.items():
        rows = torch.cat([x.transpose(0, 1).flatten(1) for x in values], dim=1)
        norm.training = False
        norm._buffers["running_mean"] = rows.mean(1)
        norm._buffers["running_var"] = rows.var(1)


def everything(model: nn.Module) -> Iterator[object]:
    """All that a user could notice, to the bit."""
    for module in model.modules():
        yield id(module), module.training, len(module._forward_pre_hooks)
        yield [(name, id(value)) for name, value in vars(module).items()]
        held = {**module._parameters, **module._buffers, **vars(module)}
        for name, x in held.items():
            if isinstance(x, Tensor):
                flat = x.detach().contiguous().view(-1).view(torch.uint8)
                yield name, id(x), x.data_ptr(), flat.numpy().tobytes()
                yield x.requires_grad, x.is_leaf and x.grad is None
    yield torch.get_rng_state().numpy().tobytes()
    yield repr(np.random.get_state()), random.getstate()  # noqa: NPY002


@pytest.mark.parametrize("statistics", get_args(Statistics))
@pytest.mark.parametrize("name", CASES)
def test_it_is_the_naive_loss_whichever_way(
    name: str, statistics: Statistics, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    with seeded(2, "weights"):
        model = seen(case)
    y = torch.arange(EXAMPLES) % 3
    plane, before = plane_of(model), list(everything(model))
    plain_loss = case.loss is torch.nn.functional.cross_entropy
    objective = CrossEntropy() if plain_loss else LossObjective(case.loss)

    def engine(threads: int) -> Engine:
        source = source_of((inputs_of(case), y), pair=True)
        sample = take_sample(model, source, batch_size=BATCH, seed=0)
        return Engine(
            model,
            plane,
            sample,
            statistics=statistics,
            objective=objective,
            threads=threads,
        )

    if statistics in case.refused:
        with pytest.raises(BadModel, match=case.refused[statistics]):
            engine(1)
        assert list(everything(model)) == before
        return
    expected = [naive(case, statistics, plane, place, y) for place in PLACES]
    both = [engine(threads) for threads in (1, 2)]
    assert isinstance(both[0].evaluators[0], FusedEvaluator) == (
        statistics in case.fast
    )
    monkeypatch.setattr(quick, "split_at_first_linear", lambda *_: None)
    slow = [engine(threads) for threads in (1, 2)] if statistics in case.fast else []
    found = [one.losses(PLACES) for one in (*both, *slow)]
    for losses in found:
        np.testing.assert_allclose(losses, expected, rtol=case.tolerance)
    for one, two in zip(found[::2], found[1::2], strict=True):
        np.testing.assert_array_equal(one, two)
    assert np.ptp(expected) > 1e-3
    assert list(everything(model)) == before


def test_the_matrix_is_large_enough() -> None:
    assert len(CASES) >= 40
    assert sum(len(case.fast) == 4 for case in CASES.values()) >= 8
