"""Ghost batch norm: batch norm of the chunks."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from normlab.base.streams import seeded, stream
from normlab.errors import BadModel
from normlab.landscape.evaluate.trace import split_at_first_linear
from normlab.norms.ghost import GhostBatchNorm

FEATURES = 3


def batch(n: int, *positions: int) -> Tensor:
    return torch.randn(n, FEATURES, *positions, generator=stream("x", n)).double() + 2


def layers(chunk: int, dims: int = 0) -> tuple[GhostBatchNorm, nn.Module]:
    """A ghost norm and torch's batch norm with the same gain and shift."""
    torchs = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d)[dims](FEATURES)
    with torch.no_grad():
        torchs.weight.copy_(torch.tensor([0.5, 1.0, 2.0]))
        torchs.bias.copy_(torch.tensor([1.0, 0.0, -1.0]))
    ghost = GhostBatchNorm(FEATURES, chunk=chunk)
    ghost.load_state_dict(torchs.state_dict())
    return ghost.double(), torchs.double()


def assert_same_state(one: nn.Module, other: nn.Module) -> None:
    for name, tensor in one.state_dict().items():
        assert tensor.equal(other.state_dict()[name]), name


@pytest.mark.parametrize("positions", [(), (4,), (4, 5)])
@pytest.mark.parametrize("n", [2, 16, 31])
def test_one_chunk_is_batch_norm_exactly(n: int, positions: tuple[int, ...]) -> None:
    ghost, torchs = layers(16, len(positions))
    x, y = batch(n, *positions).requires_grad_(), batch(n, *positions).requires_grad_()
    ours, theirs = ghost(x), torchs(y)
    ours.square().sum().backward()
    theirs.square().sum().backward()
    assert ours.equal(theirs)
    assert x.grad is not None and y.grad is not None
    assert x.grad.equal(y.grad)
    assert_same_state(ghost, torchs)


@pytest.mark.parametrize("positions", [(), (4, 5)])
def test_chunks_are_batches_one_after_another(positions: tuple[int, ...]) -> None:
    ghost, torchs = layers(4, len(positions))
    x = batch(12, *positions)
    parts = torch.cat([torchs(part) for part in x.split(4)])
    assert ghost(x).equal(parts)
    assert_same_state(ghost, torchs)
    assert ghost.num_batches_tracked is not None
    assert ghost.num_batches_tracked.item() == 3


@given(n=st.integers(2, 200), chunk=st.integers(2, 64))
@settings(max_examples=40)
def test_no_chunk_is_short(n: int, chunk: int) -> None:
    sizes: list[int] = []
    ghost = GhostBatchNorm(FEATURES, chunk=chunk).double()
    x = batch(n)
    y = ghost(x)
    start = 0
    while start < n:  # a chunk's outputs have mean 0: find where each ends
        ends = range(min(start + chunk, n), n + 1)
        end = next(e for e in ends if y[start:e].mean(0).abs().max() < 1e-9)
        sizes.append(end - start)
        start = end
    assert min(sizes) >= min(n, chunk)
    assert max(sizes) - min(sizes) <= 1


def test_chunks_are_normalised_each_by_itself() -> None:
    x = batch(8)
    far = torch.cat([x[:4], x[4:] * 100 + 5])
    ghost, _ = layers(4)
    torch.testing.assert_close(ghost(far), ghost(x), rtol=1e-4, atol=1e-4)


def test_inference_has_no_chunks() -> None:
    ghost, torchs = layers(4)
    ghost(batch(12))
    torchs.load_state_dict(ghost.state_dict())
    x = batch(7)
    assert ghost.eval()(x).equal(torchs.eval()(x))


def test_without_running_averages_the_chunks_are_used_at_inference_too() -> None:
    ghost = GhostBatchNorm(FEATURES, track_running_stats=False, chunk=4).double()
    x = batch(12)
    assert ghost.eval()(x).equal(ghost.train()(x))


def test_a_chunk_of_one_example_is_refused() -> None:
    with pytest.raises(BadModel, match="ghost norm: chunk=1 must be at least 2"):
        GhostBatchNorm(3, chunk=1)


def test_an_input_without_features_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at least 2 axes, got 1"):
        GhostBatchNorm(3)(torch.ones(3))


def test_the_fast_path_of_surfaces_leaves_ghost_norms_to_themselves() -> None:
    # it would take the whole batch for one chunk
    with seeded(0, "init"):
        net = nn.Sequential(nn.Linear(2, FEATURES), GhostBatchNorm(FEATURES))
    assert split_at_first_linear(net.eval(), ("1",)) is None
