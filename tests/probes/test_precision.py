"""Every probe looks at networks of every precision, compiled or not; no trace stays."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from normlab.base.streams import seeded
from normlab.probes.registry import MEASURES, observers
from normlab.records.events import Event, Noted, Observed
from normlab.spec.plan import RunKey
from normlab.spec.recipe import Recipe
from normlab.train import checkpoint
from normlab.train.run import Run
from normlab.train.run_config import RunConfig
from tests.probes.cases import numbers, strange_to_readers
from tests.train.cases import run_config

RECIPE = Recipe(epochs=1, batch_size=30)
KEY = RunKey("batch", 0.01, 3)


def body() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(144, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 6), nn.Sigmoid(),
        nn.Linear(6, 4),
    )  # fmt: skip


class Cast(nn.Module):
    """Computes in one type, answers in single precision."""

    def __init__(self, inside: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.f = inside.to(dtype)
        self.dtype = dtype

    def forward(self, x: Tensor) -> Tensor:
        return self.f(x.flatten(1).to(self.dtype)).float()


class Answers(Cast):
    """So does this one, but answers as it computes."""

    def forward(self, x: Tensor) -> Tensor:
        return self.f(x.flatten(1).to(self.dtype))


class Mixed(nn.Module):
    """Three types in a row."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.n = nn.Linear(144, 8).bfloat16(), nn.BatchNorm1d(8)
        self.b, self.act = nn.Linear(8, 4).double(), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        seen = self.act(self.n(self.a(x.flatten(1).bfloat16()).float()))
        return self.b(seen.double()).float()


class Spectral(nn.Module):
    """Weights of Fourier modes, as in neural operators."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(12, 7, dtype=torch.cfloat) * 0.3)
        self.f = body()

    def forward(self, x: Tensor) -> Tensor:
        modes = torch.fft.rfft(x.squeeze(1)) * self.w
        return self.f(torch.fft.irfft(modes, n=12).flatten(1))


class ComplexLayers(nn.Module):
    """What flows is complex, too."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(144, 6, dtype=torch.cfloat)
        self.slot, self.b = nn.Identity(), nn.Linear(6, 4, dtype=torch.cfloat)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.slot(self.a(x.flatten(1).to(torch.cfloat)))
        return self.b(hidden * hidden.abs()).abs()


class Words(nn.Module):
    """A sparse embedding of what is on the image."""

    def __init__(self, *, tied: bool = False) -> None:
        super().__init__()
        self.words = nn.Embedding(32, 8, sparse=not tied)
        self.n, self.act = nn.BatchNorm1d(8), nn.ReLU()
        self.back = nn.Linear(8, 32, bias=False)
        if tied:
            self.back.weight = self.words.weight
        self.out = nn.Linear(32, 4)

    def forward(self, x: Tensor) -> Tensor:
        seen = (x.flatten(1)[:, :20] * 4 + 16).long().clamp(0, 31)
        return self.out(self.back(self.act(self.n(self.words(seen).mean(1)))))


def frozen() -> nn.Module:
    net = nn.Sequential(nn.Flatten(), body())
    net[1][0].requires_grad_(requires_grad=False)
    net[1][1].eval()
    return net


def flat() -> nn.Module:
    return nn.Sequential(nn.Flatten(), body())


def compiled() -> nn.Module:
    return torch.compile(flat(), backend="eager")  # type: ignore[return-value]


def block_compiled() -> nn.Module:
    inside = torch.compile(body(), backend="eager")
    return nn.Sequential(nn.Flatten(), inside)  # type: ignore[arg-type]


def compiled_in_place() -> nn.Module:
    net = flat()
    net[1].compile(backend="eager")
    return net


def method_compiled() -> nn.Module:
    class Decorated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.f = body()

        @torch.compile(backend="eager")
        def forward(self, x: Tensor) -> Tensor:
            return self.f(x.flatten(1))

    return Decorated()


KINDS: dict[str, Callable[[], nn.Module]] = {
    "single": flat,
    "double": lambda: Cast(body(), torch.float64),
    "double answers": lambda: Answers(body(), torch.float64),
    "bfloat16": lambda: Cast(body(), torch.bfloat16),
    "bfloat16 answers": lambda: Answers(body(), torch.bfloat16),
    "half": lambda: Cast(body(), torch.float16),
    "mixed": Mixed,
    "complex parameter": Spectral,
    "complex layers": ComplexLayers,
    "sparse embedding": Words,
    "tied": lambda: Words(tied=True),
    "frozen": frozen,
}
COMPILED: dict[str, Callable[[], nn.Module]] = {
    "whole": compiled,
    "a block": block_compiled,
    "in place": compiled_in_place,
    "a method": method_compiled,
}


def made(kind: str) -> nn.Module:
    with seeded(0, "precision"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch, that complex modules are new
        return (KINDS | COMPILED)[kind]()


def trained(
    kind: str, measure: str, where: RunConfig, folder: Path
) -> tuple[nn.Module, list[Event], Run]:
    torch.compiler.reset()
    model = made(kind)
    names = [n for n, p in model.named_parameters() if p.dim() > 1]
    looking = observers(
        measure,
        model,
        where,
        shared=names,
        snapshots=folder,
        levels=folder.with_suffix(".levels"),
    )
    run = Run(model, where, observers=looking)
    return model, list(run.events()), run


def raw(model: nn.Module) -> dict[str, bytes]:
    found = model.state_dict().items()
    return {
        n: t.contiguous().view(-1).view(torch.uint8).numpy().tobytes() for n, t in found
    }


@pytest.mark.filterwarnings("ignore:ComplexHalf|.*complex:UserWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_every_probe_looks_and_leaves_no_trace(kind: str, tmp_path: Path) -> None:
    where = run_config(RECIPE, key=KEY)
    without, plain, _ = trained(kind, "none", where, tmp_path / "a")
    watched, events, run = trained(kind, "full", where, tmp_path / "b")
    assert [e.text for e in events if isinstance(e, Noted)] == []
    assert raw(watched) == raw(without)
    assert numbers(events) == numbers(plain)
    seen = {e.probe: e.arrays for e in events if isinstance(e, Observed)}
    expected = set(MEASURES["full"])
    assert seen.keys() == expected
    for probe, arrays in seen.items():
        # so short a run need not come to any level of loss
        assert len(arrays["steps"]) > 0 or probe == "levels", probe
    assert not strange_to_readers(events)
    assert len(list((tmp_path / "b").iterdir())) == len(seen["snapshots"]["steps"])
    kept = checkpoint.save(run.checkpoint(), tmp_path)
    assert checkpoint.load(tmp_path, 1).model.keys() == watched.state_dict().keys()
    assert kept.is_file()


@pytest.mark.parametrize("kind", ["double", "bfloat16", "half"])
def test_what_is_seen_is_what_single_precision_shows(kind: str, tmp_path: Path) -> None:
    where = run_config(RECIPE, key=KEY)
    found = []
    for each in ("single", kind):
        _, events, _ = trained(each, "light", where, tmp_path)
        arrays = next(e.arrays for e in events if isinstance(e, Observed))
        first = {n: v[0] for n, v in arrays.items() if n.endswith(("_mean", "_std"))}
        found.append(list(first.values()))
    rounding = {"double": 1e-5, "bfloat16": 0.02, "half": 0.005}[kind]
    assert len(found[0]) == len(found[1]) > 4
    for one, other in zip(*found, strict=True):
        assert other.dtype == np.float64 if kind == "double" else np.float32
        np.testing.assert_allclose(one, other, rtol=10 * rounding, atol=3 * rounding)


@pytest.mark.parametrize("kind", COMPILED)
def test_compiled_networks_train_and_show_what_uncompiled_ones_do(
    kind: str, tmp_path: Path
) -> None:
    where, found = run_config(RECIPE, key=KEY), []
    for each in ("single", kind):
        model, events, _ = trained(each, "full", where, tmp_path / each)
        assert [e.text for e in events if isinstance(e, Noted)] == []
        seen = {
            e.probe: [v.tobytes() for v in e.arrays.values()]
            for e in events
            if isinstance(e, Observed)
        }
        found.append((seen, numbers(events), list(raw(model).values())))
    assert found[0] == found[1]
