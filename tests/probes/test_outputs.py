"""The way of the outputs against distances of every step, in float64."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from normlab.probes.outputs import Outputs
from normlab.probes.straightness import BURST, STRIDES, burst_starts
from normlab.records.observed.outputs import OutputArrays
from tests.probes.cases import batch, small, step_state

EPOCH = 127  # no multiple of any stride


def train(probe: Outputs, *, begin: int = 0, end: int = EPOCH + 5) -> NDArray:
    """Show a run to a probe; where f was after every step, by itself in float64."""
    model, (inputs, labels) = small("batch"), batch()
    way = []
    for step in range(end + 1):
        if step >= begin and probe.due(step):
            before = {n: t.clone() for n, t in model.state_dict().items()}
            probe.observe(step_state(model, step))
            model.load_state_dict(before)
        model.train()
        loss = cross_entropy(model(inputs), labels)
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            said = model(inputs).numpy()
            power = np.exp(said - said.max(axis=1, keepdims=True))
            way.append(np.sqrt(power / power.sum(axis=1, keepdims=True)).ravel())
            for number, parameter in enumerate(model.parameters()):
                # to and fro, as with a rate that is too large
                assert parameter.grad is not None
                parameter -= (0.05 + 0.2 * ((step + number) % 2)) * parameter.grad
    return np.array(way)


def probe_of(epoch: int = EPOCH) -> Outputs:
    return Outputs(batch()[0], first_epoch=epoch)


def arrays_of(probe: Outputs) -> OutputArrays:
    return OutputArrays.unpacked({n: t.numpy() for n, t in probe.arrays().items()})


def length(steps: NDArray) -> NDArray:
    return np.linalg.norm(steps, axis=-1)


def test_bursts_are_those_of_every_step() -> None:
    probe = probe_of()
    way, seen = train(probe), arrays_of(probe)
    starts = burst_starts(EPOCH)
    assert seen.burst_steps.tolist() == [*starts]
    assert len(starts) == 6
    for i, start in enumerate(starts):
        burst = way[start : start + BURST + 1]
        steps, rest = np.diff(burst, axis=0), way[EPOCH] - burst[:-1]
        cosines = (steps * rest).sum(axis=1) / length(steps) / length(rest)
        expected = {
            "burst_net": length(burst[-1] - burst[0]),
            "burst_sum": length(steps).sum(),
            "burst_cosine": cosines.mean(),
        }
        for name, value in expected.items():
            assert getattr(seen, name)[i] == pytest.approx(value, rel=1e-9)


def test_from_afar_it_is_the_way_of_every_so_manyth_step() -> None:
    probe = probe_of()
    way, seen = train(probe), arrays_of(probe)
    for i, d in enumerate((1, *STRIDES)):
        points = way[: EPOCH + 1 : d]
        net = length(points[-1] - points[0])
        assert seen.stride_net[i] == pytest.approx(net, rel=1e-9)
        if d > 1:
            walked = length(np.diff(points, axis=0)).sum()
            assert seen.stride_sum[i] == pytest.approx(walked, rel=1e-9)
    # of every step only an estimate from half of them
    walked = length(np.diff(way[: EPOCH + 1], axis=0)).sum()
    assert seen.stride_sum[0] == pytest.approx(walked, rel=0.2)


@pytest.mark.parametrize("stop", [0, 3, 20, 27, 33, 100, 126, 127, 130])
def test_it_goes_on_from_any_step(stop: int) -> None:
    whole, first, second = probe_of(), probe_of(), probe_of()
    train(whole)
    train(first, end=stop)
    second.restore({n: t.clone() for n, t in first.arrays().items()})
    train(second, begin=stop + 1)
    assert _bits(second.arrays()) == _bits(whole.arrays())


def _bits(arrays: Mapping[str, torch.Tensor]) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in arrays.items()}


def test_nothing_is_pending_behind_the_first_epoch() -> None:
    probe = probe_of()
    train(probe)
    assert set(probe.arrays()) == set(arrays_of(probe).packed())


def test_a_short_epoch_is_not_followed() -> None:
    probe = probe_of(epoch=99)
    train(probe, end=99)
    seen = arrays_of(probe)
    assert [step for step in range(100) if probe.due(step)] == [0]
    assert seen.steps.tolist() == [0]
    assert seen.burst_steps.size == 0


@pytest.mark.parametrize("steps", [100, 119, 120, 200, 938, 10_000])
def test_bursts_lie_evenly_in_the_epoch_and_do_not_meet(steps: int) -> None:
    starts = np.array(burst_starts(steps))
    assert len(starts) == min(10, steps // 20)
    assert starts[0] >= 0 and starts[-1] + BURST <= steps
    assert np.diff(starts).min() >= BURST and np.ptp(np.diff(starts)) <= 1
