"""Every seed starts from the weights given: laws against networks loaded by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import normlab
from normlab.base.digest import digest
from normlab.base.streams import seeded
from normlab.cli import main
from normlab.errors import BadFolder, BadModel, BadSetting
from normlab.nets.beside import Weights
from normlab.nets.custom import from_address
from normlab.records.compare import folder_differences
from normlab.records.folder import StudyFolder
from normlab.spec.arms import Arm
from normlab.spec.study import StudySpec
from normlab.study import api
from normlab.study.source import FromFactory
from normlab.study.twins import build_twin
from tests.study.cases import StopsAfter, spec_of, write_data

NET = """
from torch import nn

def make(shape, classes, norm_layer=None):
    norm = norm_layer or nn.BatchNorm1d
    return nn.Sequential(
        nn.Flatten(), nn.Linear(36, 16, bias=False), norm(16), nn.ReLU(),
        nn.Dropout(0.2), nn.Linear(16, classes)
    )
"""
ARMS = ("as-is", "frozen", "group", "none")
PLACE = {"shape": (1, 6, 6), "classes": 2}
X = torch.randn(8, 1, 6, 6, generator=torch.Generator().manual_seed(4))


def make() -> nn.Sequential:
    found: dict[str, Callable[..., nn.Sequential]] = {}
    exec(NET, found)
    return found["make"]((1, 6, 6), 2)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data, a model file, and weights that no seed would draw."""
    home = tmp_path_factory.mktemp("home")
    write_data(home)
    (home / "net.py").write_text(NET)
    with seeded("trained"):
        net = make()
        for _ in range(3):
            net.train()(torch.randn(64, 1, 6, 6) + 1)
        nn.init.uniform_(net.get_parameter("2.weight"), 0.5, 2)
    save_file(net.state_dict(), home / "trained.safetensors")
    return home


def spec_in(home: Path, *settings: str) -> StudySpec:
    return spec_of(
        home / "data.npz",
        f"model.name={home / 'net.py'}:make",
        f"model.weights={home / 'trained.safetensors'}",
        "arms=as-is,frozen,group",
        *settings,
    )


@pytest.fixture(scope="module")
def whole(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "study"
    api.run(spec_in(home), folder)
    return folder


@pytest.fixture
def loaded(home: Path) -> Iterator[nn.Sequential]:
    """The network as everybody loads it."""
    with seeded("by hand"):
        net = make()
        net.load_state_dict(load_file(home / "trained.safetensors"))
        yield net


def arm_of(
    home: Path, name: str, seed: int, state: dict[str, Tensor] | None = None
) -> nn.Module:
    factory = from_address(f"{home / 'net.py'}:make")
    state = state or load_file(home / "trained.safetensors")
    weights = Weights("trained", {n: t.numpy() for n, t in state.items()})
    source = FromFactory(factory.load(), weights=weights)  # type: ignore[arg-type]
    arms = [Arm(name=one, norm=one) for one in (name, "as-is")]
    return build_twin(source, *arms, seed=seed, **PLACE)  # type: ignore[arg-type]


def answers(net: nn.Module) -> list[Tensor]:
    """In training and at inference, with the same draws."""
    found = []
    for training in (True, False):
        with seeded("answers"):
            found.append(net.train(training)(X))
    return found


BY_HAND: dict[str, Callable[[], nn.Module]] = {
    "as-is": lambda: nn.BatchNorm1d(16),
    "group": lambda: nn.GroupNorm(2, 16),
    "none": nn.Identity,
}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", BY_HAND)
def test_an_arm_is_the_loaded_network_converted_by_hand(
    home: Path, loaded: nn.Sequential, name: str, seed: int
) -> None:
    state = loaded[2].state_dict()
    loaded[2] = BY_HAND[name]()
    loaded[2].load_state_dict(state, strict=False)
    ours = arm_of(home, name, seed)
    assert all(map(torch.equal, answers(ours), answers(loaded)))


def test_a_frozen_arm_says_in_training_what_the_network_says_at_inference(
    home: Path, loaded: nn.Sequential
) -> None:
    frozen = arm_of(home, "frozen", 0)
    frozen.get_submodule("4").p = 0.0  # type: ignore[assignment]
    torch.testing.assert_close(frozen.train()(X), loaded.eval()(X))


def test_every_seed_starts_from_the_file(home: Path, whole: Path) -> None:
    record = StudyFolder.open(whole).read()
    state = load_file(home / "trained.safetensors")
    assert len({run.init_digest for run in record.runs}) == 1
    for run in record.runs:
        assert {*run.tensor_digests} == {"1.weight", "5.weight", "5.bias"}
        for name, found in run.tensor_digests.items():
            assert found == digest(state[name])
    losses = {run.key.seed: run.step_losses.tolist() for run in record.runs}
    assert losses[0] != losses[1]


def test_the_account_says_what_all_seeds_start_from(
    whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", str(whole)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    line = "ll seeds start from the weights of trained.safetensors; only batch order"
    assert line in said
    assert "too narrow" not in said
    assert str(whole.parent) not in said.replace(str(whole), "")


def test_the_report_says_so_and_names_no_folder(home: Path, whole: Path) -> None:
    assert main(["report", str(whole)]) == 0
    said = (whole / "report.html").read_text("utf-8")
    assert "ll seeds start from the weights of trained.safetensors" in said
    assert str(home) not in said


def test_resumed_is_uninterrupted(home: Path, whole: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        api.run(spec_in(home), tmp_path / "study", watcher=StopsAfter(2))
    api.resume(tmp_path / "study")
    found = map(StudyFolder.open, (whole, tmp_path / "study"))
    assert folder_differences(*found) == []


def test_other_weights_are_another_study(home: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.safetensors"
    own.write_bytes((home / "trained.safetensors").read_bytes())
    with pytest.raises(KeyboardInterrupt):
        api.run(
            spec_in(home, f"model.weights={own}"),
            tmp_path / "study",
            watcher=StopsAfter(1),
        )
    state = load_file(own)
    state["2.running_var"] *= 2
    save_file(state, own)
    with pytest.raises(BadFolder, match="the file of weights is not what it was"):
        api.resume(tmp_path / "study")


def changed(state: dict[str, Tensor], how: str) -> dict[str, Tensor]:
    if how == "missing":
        del state["2.running_mean"]
    if how == "unexpected":
        state["6.bias"] = torch.ones(2)
    if how == "shape":
        state["5.bias"] = torch.ones(3)
    return state


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("missing", "it lacks '2.running_mean'"),
        ("unexpected", "the network has no '6.bias'"),
        ("shape", r"'5.bias' has the shape \(3,\), the network's is \(2,\)"),
    ],
)
def test_weights_that_do_not_fit_are_refused_in_one_line(
    home: Path, how: str, text: str
) -> None:
    odd = changed(load_file(home / "trained.safetensors"), how)
    with pytest.raises(BadModel, match=f"^trained does not fit.*{text}") as refused:
        arm_of(home, "group", 0, odd)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("net.py:make", "--weights", "a.pt"), "--weights=a.pt is no .safetensors"),
        (("net.py:make", "--weights", "no.safetensors"), "there is no such file"),
        (("mlp", "--weights", "trained.safetensors"), "is for a network of your own"),
        (("own.py:make", "--weights", "trained.safetensors"), "asks for one of each"),
    ],
)
def test_what_cannot_start_from_weights_is_refused(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    text: str,
) -> None:
    monkeypatch.chdir(home)
    Path("own.py").write_text(NET.replace("norm_layer=None", "norm_layer"))
    words = ("run", "--data", "data.npz", "--out", "no", "--model", *words)
    assert main([*words, "--norm", "none,batch", "--quiet"]) == 2
    said = capsys.readouterr().err
    assert text in said and said.strip().count("\n") == 0
    assert not Path("no").exists()


def test_a_factory_with_a_norm_of_its_own_may_stay_as_it_is(home: Path) -> None:
    factory = from_address(f"{home / 'net.py'}:make")
    assert factory.takes_norm and factory.has_own_norms
    net = build_twin(
        factory,
        Arm(name="as-is", norm="as-is"),
        Arm(name="none", norm="none"),
        seed=3,
        **PLACE,  # type: ignore[arg-type]
    )
    with seeded(3, "init"):
        expected = make()
    assert type(net.get_submodule("2")) is nn.BatchNorm1d
    assert all(map(torch.equal, answers(net), answers(expected)))


def compared(home: Path, out: Path, **start: object) -> normlab.Result:
    arrays = np.load(home / "data.npz")
    parts = [(arrays[f"x_{p}"], arrays[f"y_{p}"]) for p in ("train", "test")]
    return normlab.compare(
        data=tuple(parts),
        norm=("as-is", "group"),
        seeds=2,
        epochs=1,
        measure="none",
        out=out,
        quiet=True,
        **start,  # type: ignore[arg-type]
    )


def test_a_built_network_starts_from_its_own_weights_or_is_drawn_anew(
    home: Path, loaded: nn.Sequential, tmp_path: Path
) -> None:
    before = deepcopy(loaded.state_dict())
    given = compared(home, tmp_path / "given", model=loaded, init="given")
    file = compared(home, tmp_path / "a", model=make, weights=dict(before))
    drawn = compared(home, tmp_path / "drawn", model=loaded)
    own = digest(before["1.weight"])
    starts = {
        name: {run.tensor_digests["1.weight"] for run in result.record.runs}
        for name, result in {"given": given, "file": file, "drawn": drawn}.items()
    }
    assert starts["given"] == starts["file"] == {own}
    assert len(starts["drawn"]) == 2 and own not in starts["drawn"]
    assert "start from the weights given" in str(given)
    assert "each seed draws its weights anew" in " ".join(str(drawn).split())
    assert all(torch.equal(t, before[n]) for n, t in loaded.state_dict().items())


def test_weights_from_python_are_asked_for_again(
    home: Path, loaded: nn.Sequential, tmp_path: Path
) -> None:
    compared(home, tmp_path / "study", model=make, weights=loaded.state_dict())
    with pytest.raises(BadSetting, match="weights given from Python, and none were"):
        normlab.Study(model=make).resume(tmp_path / "study", quiet=True)
    with pytest.raises(BadSetting, match="init='given' is for a network that was"):
        normlab.Study(model=make, init="given")
