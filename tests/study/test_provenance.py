"""A study goes on, or is made again, with what it began with or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from normlab.base.slots import NormMaker
from normlab.errors import BadFolder
from normlab.records.folder import StudyFolder
from normlab.study import api
from normlab.study.prepare import PythonParts
from tests.study.cases import MODEL, StopsAfter, spec_of, write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


def test_resume_refuses_changed_data(data: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.npz"
    own.write_bytes(data.read_bytes())
    with pytest.raises(KeyboardInterrupt):
        api.run(spec_of(own), tmp_path / "study", watcher=StopsAfter(1))
    own.write_bytes(write_data(tmp_path, images=90).read_bytes())
    with pytest.raises(BadFolder, match="the data is not what it was"):
        api.resume(tmp_path / "study")


def test_a_model_file_is_kept_and_resume_refuses_a_changed_one(
    data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "net.py"
    file.write_text(MODEL)
    spec = spec_of(data, f"model.name={file}:make")
    with pytest.raises(KeyboardInterrupt):
        api.run(spec, tmp_path / "study", watcher=StopsAfter(1))
    assert StudyFolder.open(tmp_path / "study").meta()["model_source"] == MODEL
    mark = tmp_path / "mark"
    file.write_text(f"{MODEL}\nopen({str(mark)!r}, 'w').close()\n")
    with pytest.raises(BadFolder, match="the model file is not what it was"):
        api.resume(tmp_path / "study")
    assert not mark.exists()  # it was not executed either
    file.write_text(MODEL)
    result = api.resume(tmp_path / "study")
    assert {run.status for run in result.record.runs} == {"done"}


def test_resume_refuses_a_changed_neighbour_of_the_model_file(
    data: Path, tmp_path: Path
) -> None:
    file, inner, mark = (
        tmp_path / "net.py",
        tmp_path / "parts_of_net" / "width.py",
        tmp_path / "mark",
    )
    inner.parent.mkdir()
    (inner.parent / "__init__.py").write_text("from .width import WIDTH")
    inner.write_text("WIDTH = 16")
    file.write_text(
        f"from parts_of_net import WIDTH as wide\n{MODEL}".replace("16", "wide")
    )
    with pytest.raises(KeyboardInterrupt):
        api.run(
            spec_of(data, f"model.name={file}:make"),
            tmp_path / "study",
            watcher=StopsAfter(1),
        )
    inner.write_text(f"WIDTH = 16; open({str(mark)!r}, 'w').close()")
    with pytest.raises(
        BadFolder, match=r"the file parts_of_net/width\.py is not what it was"
    ):
        api.resume(tmp_path / "study")
    inner.unlink()
    with pytest.raises(BadFolder, match=r"width\.py is not .* now missing"):
        api.resume(tmp_path / "study")
    assert not mark.exists()  # nor was it executed


def test_resume_and_rerun_refuse_another_network_from_python(
    data: Path, tmp_path: Path
) -> None:
    # within: so that they travel by value
    def narrow(norm: NormMaker) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(36, 8), norm(8), nn.Linear(8, 2))

    def sigmoid(norm: NormMaker) -> nn.Module:
        return nn.Sequential(*narrow(norm)[:-1], nn.Sigmoid(), nn.Linear(8, 2))

    spec, study = spec_of(data, "model.name=python"), tmp_path / "study"
    with pytest.raises(KeyboardInterrupt):
        api.run(spec, study, watcher=StopsAfter(1), python=PythonParts(model=narrow))
    for other, what in (
        (sigmoid, "what Python was given as model"),
        (lambda norm: sigmoid(norm), "what Python was given as model"),
    ):
        with pytest.raises(BadFolder, match=f"{what} is not what it was"):
            api.resume(study, python=PythonParts(model=other))
        with pytest.raises(BadFolder, match=rf"{what} .* normlab run .*study\.toml"):
            api.rerun(study, tmp_path / "new", python=PythonParts(model=other))
    assert not (tmp_path / "new").exists()
    found = api.resume(study, python=PythonParts(model=narrow))
    assert {run.status for run in found.record.runs} == {"done"}


def test_rerun_refuses_changed_data(data: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.npz"
    own.write_bytes(data.read_bytes())
    api.run(spec_of(own, "seeds=0,", "recipe.epochs=1"), tmp_path / "study")
    own.write_bytes(write_data(tmp_path, images=90).read_bytes())
    with pytest.raises(BadFolder, match="the data is not what it was"):
        api.rerun(tmp_path / "study", tmp_path / "new")
    assert not (tmp_path / "new").exists()
