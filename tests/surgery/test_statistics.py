"""Statistics pooled over replicas, and statistics that stay."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from normlab.base.streams import seeded, stream
from normlab.errors import BadData
from normlab.norms.renorm import BatchRenorm
from normlab.surgery.recalibrate import recalibrate
from normlab.surgery.statistics import merge_statistics, pause_statistics


def net() -> nn.Sequential:
    with seeded(0, "init"):
        return nn.Sequential(nn.Conv1d(2, 3, 2), nn.BatchNorm1d(3), nn.ReLU())


def table(n: int, seed: int) -> Tensor:
    return seed * torch.randn(n, 2, 6, generator=stream("x", seed)) + seed


def test_pooled_statistics_are_those_of_all_data_at_once() -> None:
    parts = [table(4, 1), table(9, 2), table(30, 3)]
    replicas, reports = zip(*(recalibrate(net(), [x]) for x in parts), strict=True)
    merged = merge_statistics(replicas, counts=[r.counts for r in reports])
    rows = net()[0](torch.cat(parts)).detach().double().numpy()
    rows = np.moveaxis(rows, 1, -1).reshape(-1, 3)
    np.testing.assert_allclose(merged[1].running_mean, rows.mean(0), rtol=1e-6)
    np.testing.assert_allclose(merged[1].running_var, rows.var(0, ddof=1), rtol=1e-6)
    assert merged[1].num_batches_tracked == 3


def test_states_give_a_state_and_numbers_hold_for_every_norm() -> None:
    replicas = [recalibrate(net(), [table(6, seed)])[0] for seed in (1, 2)]
    states = [one.state_dict() for one in replicas]
    before = deepcopy(states)
    state = merge_statistics(states, counts=[30, 30])
    module = merge_statistics(replicas, counts=[30, 30])
    assert list(state) == list(states[0])
    assert all(t.equal(module.state_dict()[n]) for n, t in state.items())
    for now, then in zip(states, before, strict=True):
        assert all(t.equal(then[n]) for n, t in now.items())
    assert state["0.weight"].equal(states[0]["0.weight"])


@pytest.mark.parametrize(
    ("others", "counts", "text"),
    [
        ([], [5], "1 replicas and 1 counts were given. Give at least 2"),
        ([net], [5], "2 replicas and 1 counts"),
        ([net], [5, 0], r"counts\[1\] is 0 for '1'. Give how many values"),
        ([net], [5, {"2": 5}], r"counts\[1\] is None for '1'"),
        (
            [lambda: nn.Sequential(nn.ReLU(), nn.BatchNorm1d(4))],
            [5, 5],
            r"'1.running_mean' of replica 1 is \(4,\), and of replica 0 \(3,\)",
        ),
        (
            [lambda: nn.Sequential(nn.BatchNorm1d(3))],
            [5, 5],
            r"'1.running_mean' of replica 1 is missing",
        ),
    ],
)
def test_what_cannot_be_pooled_is_refused(others, counts, text) -> None:
    with pytest.raises(BadData, match=text):
        merge_statistics([net(), *(make() for make in others)], counts)


def test_replicas_without_statistics_are_refused() -> None:
    with pytest.raises(BadData, match="keep no running_mean"):
        merge_statistics([nn.ReLU(), nn.ReLU()], [1, 1])


def norms() -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm1d(3, momentum=None),
        nn.InstanceNorm1d(3, track_running_stats=True),
        BatchRenorm(3, start=0),
    )


class Fails(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise RuntimeError("boo")


def test_paused_statistics_are_the_same_bits_in_the_same_tensors() -> None:
    model = norms()
    model(torch.randn(4, 3, 5, generator=stream("x")))
    before = deepcopy(model.state_dict())
    tensors = dict(model.named_buffers())
    model.append(Fails())
    with pytest.raises(RuntimeError, match="boo"), pause_statistics(model):
        model(torch.full((4, 3, 5), torch.inf))
    assert all(t.equal(before[n]) for n, t in model.state_dict().items())
    assert all(t is tensors[n] for n, t in model.named_buffers())


def test_a_paused_forward_computes_and_trains_as_ever() -> None:
    x = torch.randn(8, 3, generator=stream("x"))
    one, other = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    with pause_statistics(one):
        ours = one(x)
    theirs = other(x)
    assert ours.equal(theirs)
    ours.pow(3).sum().backward()  # behind the block
    theirs.pow(3).sum().backward()
    assert one.weight.grad is not None and other.weight.grad is not None
    assert one.weight.grad.equal(other.weight.grad)


def test_a_backward_begun_before_may_go_on_behind_the_block() -> None:
    norm, x = nn.BatchNorm1d(3), torch.randn(8, 3, generator=stream("x"))
    y = norm(x)
    with pause_statistics(norm):
        norm(2 * x)
    y.pow(3).sum().backward()
    assert norm.weight.grad is not None


def test_what_checkpointing_repeats_leaves_no_trace() -> None:
    def counted(*, paused: bool) -> int:
        norm, x = nn.BatchNorm1d(3), torch.randn(8, 3, generator=stream("x"))
        y = checkpoint(norm, x.requires_grad_(), use_reentrant=False)
        if paused:
            with pause_statistics(norm):
                y.sum().backward()
        else:
            y.sum().backward()
        assert norm.num_batches_tracked is not None
        return int(norm.num_batches_tracked)

    assert (counted(paused=False), counted(paused=True)) == (2, 1)
