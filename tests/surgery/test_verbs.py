"""Verbs against networks written by hand; and what a failure leaves behind."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from copy import deepcopy
from types import FrameType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from normlab.base.digest import digest
from normlab.base.streams import seeded
from normlab.errors import BadModel, BadSetting, RunFailed
from normlab.norms.frozen import FrozenBatchNorm
from normlab.norms.ghost import GhostBatchNorm
from normlab.surgery.convert import convert
from normlab.surgery.fold import fold
from normlab.surgery.freeze import assert_frozen, freeze, freeze_
from normlab.surgery.insert import insert
from tests.surgery.structures import BatchNormAct, FrozenBatchNorm2d

X = torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(5))


class Net(nn.Module):
    """A network as people write it, around a norm; pickles."""

    def __init__(self, norm: Callable[[int], nn.Module], *, bias: bool = False) -> None:
        super().__init__()
        with seeded("net of verbs"):
            self.conv = nn.Conv2d(3, 8, 3, bias=bias)
            self.norm = norm(8)
            self.fc = nn.Linear(8, 4)
            self.out = nn.Linear(4, 2)
            for tensor in (*self.norm.parameters(), *self.norm.buffers()):
                if tensor.is_floating_point():
                    tensor.data.uniform_(0.5, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x)).relu().mean((2, 3))
        return self.out(torch.tanh(self.fc(x)))


def batched() -> Net:
    return Net(lambda n: nn.BatchNorm2d(n, eps=1e-3, momentum=0.3))


WRITTEN: dict[str, Callable[[int], nn.Module]] = {
    "group": lambda n: nn.GroupNorm(4, n, eps=1e-3),
    "layer": lambda n: nn.GroupNorm(1, n, eps=1e-3),
    "instance": lambda n: nn.InstanceNorm2d(n, affine=True, eps=1e-3, momentum=0.3),
    "ghost": lambda n: GhostBatchNorm(n, eps=1e-3, momentum=0.3),
    "sync": lambda n: nn.SyncBatchNorm(n, eps=1e-3, momentum=0.3),
    "frozen": lambda n: FrozenBatchNorm(n, eps=1e-3, momentum=0.3),
    "batch": lambda n: nn.BatchNorm2d(n, eps=1e-3, momentum=0.3),
}


@pytest.mark.parametrize("to", WRITTEN)
def test_a_converted_network_is_the_one_that_was_written_so(to: str) -> None:
    model = batched()
    new, _ = convert(model, to, X)
    written = Net(WRITTEN[to])
    written.load_state_dict(model.state_dict(), strict=False)
    assert type(new.norm) is type(written.norm)
    assert new.norm.extra_repr() == written.norm.extra_repr()
    assert torch.equal(new.eval()(X), written.eval()(X))
    if to != "sync":  # which trains on accelerators only
        assert torch.equal(new.train()(X), written.train()(X))
        for name, tensor in written.state_dict().items():
            assert torch.equal(new.state_dict()[name], tensor)
    assert all(p.requires_grad for p in new.parameters())


@pytest.mark.parametrize("there", ["sync", "frozen", "ghost"])
def test_there_and_back_gives_the_same_bits(there: str) -> None:
    model = batched()
    new, _ = convert(convert(model, there, X).model, "batch", X)
    assert type(new.norm) is nn.BatchNorm2d
    for name, tensor in model.state_dict().items():
        assert torch.equal(new.state_dict()[name], tensor)
    assert torch.equal(new.eval()(X), model.eval()(X))


def test_without_a_norm_the_layer_in_front_gets_a_bias_and_the_report_says_so() -> None:
    new, report = convert(batched(), "none", X)
    assert not new.conv.bias.any()
    assert "bias of zeros: conv" in str(report)
    assert "without their shift, for which none norm has no place: norm" in str(report)
    kept, report = convert(Net(nn.BatchNorm2d, bias=True), "none", X)
    assert kept.conv.bias.any() and "bias of zeros" not in str(report)


def test_an_activation_in_a_norm_stays_behind_the_new_one() -> None:
    model = Net(BatchNormAct)
    new, report = convert(model, "group", X)
    norm = nn.GroupNorm(4, 8)
    norm.load_state_dict(model.norm.state_dict(), strict=False)
    assert torch.equal(new.norm(X8), nn.functional.silu(norm(X8)))
    assert report.left == ()
    same, _ = convert(model, "sync", X)
    torch.testing.assert_close(same.eval()(X), model.eval()(X))


X8 = torch.randn(2, 8, 4, 4, generator=torch.Generator().manual_seed(6))


def test_a_look_alike_with_other_formulas_is_not_converted() -> None:
    class Odd(FrozenBatchNorm2d):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + self.eps

    new, report = convert(Net(lambda n: Odd(n, eps=0.5)), "batch", X)
    assert isinstance(new.norm, Odd)
    assert "is not what batch norm does" in report.left[0].reason
    torch.testing.assert_close(
        convert(Net(FrozenBatchNorm2d), "batch", X).model.eval()(X),
        Net(FrozenBatchNorm2d).eval()(X),
    )


def test_norms_that_would_let_nothing_through_are_left() -> None:
    pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(3))
    new, report = convert(pooled, "instance", X)
    assert type(new[1]) is nn.BatchNorm2d
    assert "1 value of an example" in report.left[0].reason


def test_inserted_norms_stand_before_the_nonlinearities() -> None:
    model = Net(lambda n: nn.Identity())
    new, report = insert(model, "batch", X)
    assert [edit.path for edit in report.done] == ["conv", "fc"]
    assert {*model.state_dict()} <= {*new.state_dict()}
    assert torch.equal(new.conv.weight, model.conv.weight)
    norm = nn.BatchNorm1d(4)
    hidden = nn.BatchNorm2d(8)(model.conv(X)).relu().mean((2, 3))
    expected = model.out(torch.tanh(norm(model.fc(hidden))))
    for one in (deepcopy(new), pickle.loads(pickle.dumps(new))):  # noqa: S301
        assert torch.equal(one.train()(X), expected)


def test_an_inserted_norm_can_be_folded_again() -> None:
    model = Net(lambda n: nn.Identity()).double()
    new, _ = insert(model, "batch", X.double())
    lean, report = fold(new, X.double())
    assert [edit.layer for edit in report.done] == ["conv", "fc"]
    expected = new.eval()(X.double())
    torch.testing.assert_close(lean(X.double()), expected, rtol=1e-12, atol=1e-12)


def test_a_frozen_norm_stays_in_training_and_learns_unless_asked() -> None:
    model = batched()
    held, _ = freeze(model)
    held.train()
    expected = model.eval()(X)
    optimizer = torch.optim.SGD(held.parameters(), lr=0.1)
    assert torch.equal(held(X), expected)
    held(X).sum().backward()
    optimizer.step()
    assert_frozen(held)
    assert torch.equal(held.norm.running_mean, model.norm.running_mean)
    assert not torch.equal(held.norm.weight, model.norm.weight)
    whole, _ = freeze(model, affine=True)
    assert [n for n, p in whole.named_parameters() if not p.requires_grad] == [
        "norm.weight",
        "norm.bias",
    ]
    whole.norm.weight.data.add_(1)
    with pytest.raises(RunFailed, match=r"1 of 5 frozen tensors moved: norm\.weight$"):
        assert_frozen(pickle.loads(pickle.dumps(whole)))  # noqa: S301


def test_in_place_the_parameters_stay_those_that_an_optimizer_knows() -> None:
    model = batched()
    known = [*model.parameters()]
    freeze_(model)
    pairs = zip(known, model.parameters(), strict=True)
    assert all(old is new for old, new in pairs)


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "a script": (
        lambda: fold(torch.jit.trace(batched().eval(), X), X),
        "the model is scripted",
    ),
    "exported": (
        lambda: fold(torch.export.export(batched().eval(), (X,)).module(), X),
        "the model is exported",
    ),
    "no module": (lambda: fold(3, X), "the model is a int"),  # type: ignore[arg-type]
    "no example": (lambda: fold(batched(), {}), "without a tensor in it"),
    "another shape": (lambda: fold(batched(), X[:, :2]), "cannot read an example"),
    "nothing frozen": (lambda: assert_frozen(batched()), "no norm of the model"),
    "lazy": (lambda: freeze(nn.LazyLinear(3)), "has lazy modules"),
    "no place": (lambda: insert(nn.Flatten(), "batch", X), "no place for a norm"),
    "in a list": (
        lambda: convert(InAList(), "group", X),
        "keeps 'norm' under a second name",
    ),
}


class InAList(Net):
    """Calls its norm by a name that torch does not see."""

    def __init__(self) -> None:
        super().__init__(nn.BatchNorm2d)
        self.stages = [self.norm]

    def forward(self, x: Tensor) -> Tensor:
        return self.stages[0](self.conv(x))


@pytest.mark.filterwarnings("ignore")  # of torch.jit, which is old
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_in_one_line(case: str) -> None:
    call, text = REFUSED[case]
    with pytest.raises(BadModel, match=text) as refused:
        call()
    assert "\n" not in str(refused.value)


def test_a_norm_that_there_is_not_and_an_option_that_it_has_not_are_refused() -> None:
    with pytest.raises(BadSetting, match=r"there is no norm 'nope'\. There are: none"):
        convert(batched(), "nope", X)
    with pytest.raises(BadSetting, match="norm 'batch' has no option 'groups'"):
        convert(batched(), "batch", X, groups=3)


class Fault(Exception):
    """What is raised at a line."""


def lines_of(call: Callable[[], object], fail_at: int | None = None) -> int:
    """Run a call, count the lines of the verbs that it executes, and fail at one."""
    count = 0

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        if "/normlab/surgery/" not in frame.f_code.co_filename:
            return None
        if event == "line":
            count += 1
            if count == fail_at:
                raise Fault
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except (Fault, BadModel):  # a fault inside of a user's code is told as such
        assert fail_at is not None
    finally:
        sys.settrace(before)
    return count


FAULTY: dict[str, Callable[[nn.Module], object]] = {
    "fold": lambda model: fold(model, X),
    "convert": lambda model: convert(model, "group", X),
    "insert": lambda model: insert(model, "batch", X),
    "freeze": lambda model: freeze(model, affine=True),
}


# of generators that are thrown away where the fault was
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("verb", FAULTY)
def test_a_failure_at_any_line_leaves_the_model_as_it_was(verb: str) -> None:
    model, call = batched(), FAULTY[verb]
    model.norm.train(mode=False)
    model.conv.register_forward_hook(noted)

    def bits() -> list[Any]:
        state = {n: digest(t) for n, t in model.state_dict().items()}
        modules = [
            (type(m), m.training, len(m._forward_hooks), len(m._forward_pre_hooks))
            for m in model.modules()
        ]
        return [state, modules, [p.requires_grad for p in model.parameters()]]

    before, given, drawn = bits(), digest(X), torch.get_rng_state()
    total = lines_of(lambda: call(model))
    assert total > 50
    step = max(1, total // 400)  # many are the same lines in a loop
    for line in range(1, total + 1, step):
        lines_of(lambda: call(model), fail_at=line)
        assert bits() == before
        assert digest(X) == given
        assert torch.equal(torch.get_rng_state(), drawn)
    assert torch.overrides._get_current_function_mode() is None


def noted(module: nn.Module, args: Any, made: Tensor) -> None:
    """A hook of a user's that only looks."""
    del module, args, made


def test_norms_that_torch_reads_in_a_fused_layer_are_left() -> None:
    with seeded("encoder"):
        encoder = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    tokens = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(7))
    new, report = convert(encoder, "rms", tokens)
    assert {path for path, _ in report.left} == {"norm1", "norm2"}
    with torch.no_grad():
        assert torch.equal(new.eval()(tokens), encoder.eval()(tokens))


def test_what_insert_made_compiles() -> None:
    new, _ = insert(Net(lambda n: nn.Identity(), bias=True), "batch", X)
    expected = deepcopy(new).train()(X)
    compiled = torch.compile(new.train(), backend="eager")
    assert torch.equal(compiled(X), expected)
    assert new.conv.normlab_norm.num_batches_tracked == 1  # type: ignore[union-attr]
