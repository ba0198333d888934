"""What the data are is said before training, noted, and shown ever after."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from normlab.cli import main
from normlab.errors import BadFolder
from normlab.facade.result import Result
from normlab.records.folder import StudyFolder
from normlab.report.build import build
from normlab.study import api
from normlab.study.listener import Silent
from normlab.study.prepare import PythonParts, prepare
from normlab.study.provenance import provenance, refuse_other_reading
from tests.records.studies import new_study
from tests.study.cases import spec_of, write_data

COPIES = "12 of 40 test images are also training images"
Y = np.arange(40) % 2
LINE = "data: data: 100 train (0: 50, 1: 50), 40 test (0: 20, 1: 20); images of 6 x 6"


class Hears(Silent):
    """Keeps what it is told, and at which step of the way."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def told(self, text: str) -> None:
        self.said.append(text)

    def began(self, *_: object) -> None:
        self.said.append("began")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the 40 test images the first 12 are training images."""
    path = write_data(tmp_path_factory.mktemp("data"))
    with np.load(path) as found:
        arrays = dict(found)
    arrays["x_test"][:12] = arrays["x_train"][:12]
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="module")
def heard() -> Hears:
    return Hears()


@pytest.fixture(scope="module")
def study(data: Path, heard: Hears, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("said") / "study"
    api.run(spec_of(data, "recipe.epochs=1"), folder, watcher=heard)
    return folder


def test_it_is_said_in_one_line_before_training(study: Path, heard: Hears) -> None:
    line, *_, then = heard.said
    assert line.startswith(LINE) and COPIES in line and "\n" not in line
    assert then == "began"


def test_show_and_the_report_say_it(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(("show", str(study))) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert LINE in shown
    # with the line and with the claim about test images, and nowhere else
    assert shown.count(COPIES) == 2
    page = build(Result.open(study))
    assert LINE.removeprefix("data: ") in page
    assert page.count(COPIES) == 3  # and among the limits


def test_json_has_it_in_parts(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("show", str(study), "--json")) == 0
    told = json.loads(capsys.readouterr().out)
    dataset = told["study"]["dataset"]
    assert dataset["classes"] == ["0", "1"]
    assert dataset["parts"] == {"train": [50, 50], "test": [20, 20]}
    assert (dataset["shape"], dataset["type"]) == ([1, 6, 6], "uint8")
    assert dataset["copies"] == [
        {"part": "test", "other": "train", "copies": 12, "of": 40, "text": COPIES}
    ]
    notes = {claim["id"]: claim["note"] for claim in told["claims"]}
    assert COPIES in notes.pop("better-accuracy")
    assert not any(COPIES in note for note in notes.values())


def test_a_study_that_noted_nothing_is_shown_without(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new_study(tmp_path / "old", spec_of(data))
    assert main(("show", str(tmp_path / "old"))) == 0
    assert "data:" not in capsys.readouterr().out


def copied(study: Path, folder: Path, **facts: str) -> Path:
    """The same study with other facts than it noted."""
    shutil.copytree(study, folder)
    with StudyFolder.open(folder).write() as writer:
        for key, value in facts.items():
            writer.meta(key, value)
    return folder


def test_under_an_earlier_reading_a_study_goes_on_with_the_same_data(
    study: Path, tmp_path: Path
) -> None:
    folder = copied(study, tmp_path / "study", data_reading="1")
    result = api.resume(folder)
    assert {run.status for run in result.record.runs} == {"done"}


def test_under_an_earlier_reading_other_data_is_refused_in_one_line(
    study: Path, tmp_path: Path
) -> None:
    facts = {"data_reading": "1", "data_digest": "other"}
    folder = copied(study, tmp_path / "study", **facts)
    with pytest.raises(BadFolder, match="reads the data otherwise") as refused:
        api.rerun(folder, tmp_path / "new")
    assert "normlab run" in str(refused.value) and "\n" not in str(refused.value)
    assert not (tmp_path / "new").exists()


def test_numbers_that_were_given_with_fewer_digits_are_not_mixed(
    study: Path,
) -> None:
    """In float32 such numbers reached the network otherwise, from equal arrays."""
    far = (1e6 + np.arange(40)[:, np.newaxis]).astype(np.float32)
    given = {
        "spec": spec_of(study),
        "root": study,
        "python": PythonParts(data=(far, Y)),
    }
    folder, prepared = StudyFolder.open(study), prepare(**given)
    now = provenance(prepared)
    refuse_other_reading(folder, now, prepared)
    with pytest.raises(BadFolder, match="reads the data otherwise"):
        refuse_other_reading(folder, now | {"data_reading": "1"}, prepared)
