"""A study that gets more seeds: the same runs, and no look twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from normlab.analysis import foresight
from normlab.analysis.result import StudyResult
from normlab.errors import BadFolder, BadSetting
from normlab.records.compare import folder_differences
from normlab.records.folder import StudyFolder
from normlab.records.looks import LOOKS, SEEDS
from normlab.spec.more_seeds import with_more_seeds
from normlab.spec.study import StudySpec
from normlab.study import api, looking
from normlab.study.listener import Silent

from .cases import StopsAfter, spec_of, write_data

FAST = ("recipe.epochs=1", "execution.workers=1")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def three(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of three seeds that may come to five."""
    folder = tmp_path_factory.mktemp("three") / "study"
    api.run(spec_of(data, *FAST, "seeds=3", "seeds_at_most=5"), folder)
    return folder


@pytest.fixture
def study(three: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(three, tmp_path / "study"))


def seen(folder: Path) -> list[tuple[int, ...]]:
    return [look.seeds for look in StudyFolder.open(folder).read().looks]


def test_its_runs_are_those_of_a_study_that_had_all_seeds_at_once(
    study: Path, data: Path, tmp_path: Path
) -> None:
    settings = study.joinpath("study.toml").read_text()
    api.resume(study, seeds=range(5))
    api.run(spec_of(data, *FAST, "seeds=5"), tmp_path / "at once")
    extended, whole = map(StudyFolder.open, (study, tmp_path / "at once"))
    assert folder_differences(extended, whole) == []
    assert seen(study) == [(0, 1, 2), (0, 1, 2, 3, 4)]
    assert study.joinpath("study.toml").read_text() == settings
    again = api.rerun(study, tmp_path / "again").record
    assert [look.seeds for look in again.looks] == [(0, 1, 2, 3, 4)]


def test_a_look_keeps_what_was_said(three: Path) -> None:
    (look,) = StudyFolder.open(three).read().looks
    shown = [
        (claim.id, claim.p, claim.p_holm, claim.verdict)
        for claim in StudyResult.open(three).claims()
    ]
    assert shown == [(c["id"], c["p"], c["p_holm"], c["verdict"]) for c in look.claims]
    assert look.at.endswith("+00:00")


def test_nothing_is_looked_at_twice(study: Path) -> None:
    api.resume(study)
    api.resume(study, seeds=range(3))
    assert seen(study) == [(0, 1, 2)]


def test_seeds_beyond_what_was_declared_have_a_look_of_their_own(study: Path) -> None:
    api.resume(study, seeds=range(7))
    assert seen(study) == [(0, 1, 2), (0, 1, 2, 3, 4), (5, 6)]


def test_a_study_that_is_stopped_has_no_look_before_its_end(study: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        api.resume(study, seeds=range(5), watcher=StopsAfter(1))
    assert seen(study) == [(0, 1, 2)]
    assert StudyFolder.open(study).spec.seeds == (0, 1, 2, 3, 4)
    api.resume(study)
    assert seen(study) == [(0, 1, 2), (0, 1, 2, 3, 4)]


def test_a_stop_before_the_look_is_kept_costs_none(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(looking, "looks_text", stopped)
        with pytest.raises(KeyboardInterrupt):
            api.resume(study, seeds=range(4))
    assert seen(study) == [(0, 1, 2)]
    # what could be read by then counts as seen before more seeds join
    api.resume(study, seeds=range(5))
    assert seen(study) == [(0, 1, 2), (0, 1, 2, 3), (0, 1, 2, 3, 4)]


def test_seeds_that_were_asked_for_are_not_forgotten(study: Path) -> None:
    folder = StudyFolder.open(study)
    folder.extend(with_more_seeds(folder.spec, "4"))  # and killed at that moment
    api.resume(study)
    assert seen(study) == [(0, 1, 2), (0, 1, 2, 3)]


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ("2", r"seeds=2 is fewer than the study has \(3\)"),
        ("0,1,7", "leaves out seed 2, which the study has"),
        ("many", "must be whole numbers"),
    ],
)
def test_a_study_loses_no_seed(asked: str, match: str) -> None:
    with pytest.raises(BadSetting, match=match):
        with_more_seeds(StudySpec(seeds=range(3)), asked)


def test_no_fewer_are_declared_than_there_are() -> None:
    with pytest.raises(BadSetting, match="seeds_at_most=2 is fewer than the study"):
        StudySpec(seeds=range(3), seeds_at_most=2)


class Hears(Silent):
    """Keeps what stays in sight."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def told(self, text: str) -> None:
        self.heard.append(text)


def test_before_training_it_is_said_what_the_seeds_can_show(
    study: Path, data: Path
) -> None:
    spec, watcher = spec_of(data, *FAST, "seeds=4"), Hears()
    api.run(spec, study.parent / "next", watcher=watcher)
    # on so few images arms may be equal from every seed: then nothing is known
    assert [text for text in watcher.heard if "4 pairs" in text]
    alike = [record.spec.seeds for record in foresight._alike(spec, study.parent)]
    assert sorted(alike) == [(0, 1, 2), (0, 1, 2, 3)]
    other = spec_of(data, *FAST, "recipe.batch_size=8")
    assert list(foresight._alike(other, study.parent)) == []


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (LOOKS, "{"),
        (LOOKS, '[{"seeds": [], "at": "", "claims": []}]'),
        (LOOKS, '[{"seeds": [99], "at": "", "claims": []}]'),
        (LOOKS, '[{"seeds": [0], "at": "", "claims": [{"id": 1}]}]'),
        (SEEDS, "[0, 0]"),
        (SEEDS, "[7]"),
    ],
)
def test_what_no_study_keeps_is_damage(study: Path, fact: str, text: str) -> None:
    with StudyFolder.open(study).write() as writer:
        writer.meta(fact, text)
    with pytest.raises(BadFolder, match=r"study\.db is damaged"):
        StudyFolder.open(study)
