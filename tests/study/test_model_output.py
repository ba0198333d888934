"""A network that answers with a dict is studied as the same that answers scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor, nn

import normlab
from normlab.cli import main
from normlab.errors import BadModel, BadSetting
from normlab.records.compare import folder_differences
from normlab.records.folder import StudyFolder
from tests.study.cases import write_data


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        self.head = nn.Linear(64, 2)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.body(x).flatten(1))


class Dict(Net):
    def forward(self, x: Tensor) -> Any:
        hidden = self.body(x)
        return {"hidden": hidden, "out": (self.head(hidden.flatten(1)),)}


class InTraining(Net):
    """As networks with a second head do it."""

    def forward(self, x: Tensor) -> Any:
        scores = super().forward(x)
        return (scores, -scores) if self.training else scores


def studied(data: Path, out: Path, model: type, part: Any) -> StudyFolder:
    arrays = np.load(data)
    normlab.compare(
        data=tuple((arrays[f"x_{p}"], arrays[f"y_{p}"]) for p in ("train", "test")),
        model=model,
        model_output=part,
        norm=("as-is", "group"),
        seeds=1,
        epochs=2,
        batch_size=16,
        settings=["surfaces.points=5", "surfaces.exact=true"],
        out=out,
        quiet=True,
    )
    return StudyFolder.open(out)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def plain(data: Path, tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    return studied(data, tmp_path_factory.mktemp("plain") / "study", Net, None)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "part"), [(Dict, "out.0"), (InTraining, "0")])
def test_all_numbers_are_those_of_the_plain_network(
    data: Path, plain: StudyFolder, tmp_path: Path, model: type, part: str
) -> None:
    found = studied(data, tmp_path / "study", model, part)
    assert not found.read().notes and found.surfaces()
    differing = folder_differences(plain, found)
    assert differing == [f"model.output: None against {part!r}"]


def test_without_a_part_the_parts_are_named(data: Path, tmp_path: Path) -> None:
    with pytest.raises(BadModel, match=r"hidden \(16, 4, 4, 4\), out\.0 \(16, 2\)"):
        studied(data, tmp_path / "study", Dict, None)


def test_a_function_is_asked_for_again(data: Path, tmp_path: Path) -> None:
    study = studied(data, tmp_path / "study", Dict, lambda made: made["out"][0])
    assert {run.status for run in study.read().runs} == {"done"}
    with pytest.raises(BadSetting, match="a function given from Python, and none was"):
        normlab.Study(model=Dict).resume(study.path, quiet=True)


def test_the_command_line_takes_a_part_and_refuses_it_of_its_own_networks(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(
        "from torch import nn\n\nclass Net(nn.Sequential):\n"
        "    def __init__(self):\n"
        "        super().__init__(nn.Flatten(), nn.Linear(36, 4), nn.BatchNorm1d(4),"
        " nn.ReLU(), nn.Linear(4, 2))\n\n"
        "    def forward(self, x):\n        return {'logits': super().forward(x)}\n"
    )
    words = ["run", "--data", str(data), "--measure", "none", "--seeds", "1,"]
    words += ["--epochs", "1", "--norm", "as-is,none", "--quiet"]
    own = ["--model", "net.py:Net", "--out"]
    assert main([*words, *own, "no"]) == 2
    assert "--model-output logits" in capsys.readouterr().err
    assert main([*words, *own, "study", "--model-output", "logits"]) == 0
    capsys.readouterr()
    assert main([*words, "--model-output", "logits", "--out", "no"]) == 2
    assert "output is for a network of your own" in capsys.readouterr().err
