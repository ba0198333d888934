"""Commands replace nothing unasked, and links and devices never."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import normlab.figures.kit.export as figures
import normlab.report.write as report
from normlab.errors import BadFolder
from normlab.facade.result import Result
from tests.resilience.law import Law, contents

COMMANDS = {
    ".csv": ("export", "--format", "csv"),
    ".json": ("export", "--format", "json"),
    ".html": ("report",),
}


@pytest.fixture(autouse=True)
def _short_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "build", lambda _, **__: "<!doctype html>\ud800")


def link(path: Path) -> None:
    target = path.with_name("target")
    target.write_bytes(b"years of work")
    path.symlink_to(target)


def dangling(path: Path) -> None:
    path.symlink_to(path.with_name("nothing"))


def device(path: Path) -> None:
    path.symlink_to("/dev/null")


def written(path: Path) -> None:
    path.write_bytes(b"years of work")


@pytest.mark.parametrize("suffix", COMMANDS)
@pytest.mark.parametrize("force", [[], ["--force"]], ids=["", "force"])
@pytest.mark.parametrize("make", [link, dangling, device, os.mkfifo, os.mkdir])
def test_what_is_no_file_is_never_replaced(
    law: Law,
    pattern: Path,
    tmp_path: Path,
    make: Callable[[Path], None],
    force: list[str],
    suffix: str,
) -> None:
    path = tmp_path / f"out{suffix}"
    make(path)
    before = contents(tmp_path)
    command, *options = COMMANDS[suffix]
    law.refuses(command, pattern, *options, "-o", path, *force)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("suffix", COMMANDS)
def test_a_file_is_replaced_by_force_alone(
    law: Law, pattern: Path, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"out{suffix}"
    written(path)
    command, *options = COMMANDS[suffix]
    told = law.refuses(command, pattern, *options, "-o", path)
    assert "exists already. Choose another name, or replace it with --force" in told
    assert path.read_bytes() == b"years of work"
    assert law.holds(command, pattern, *options, "-o", path, "--force").code == 0
    assert path.read_bytes() != b"years of work"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", COMMANDS)
def test_a_file_of_another_kind_is_not_replaced_by_force(
    law: Law, pattern: Path, tmp_path: Path, suffix: str
) -> None:
    written(tmp_path / "study.db")
    command, *options = COMMANDS[suffix]
    words = (command, pattern, *options, "-o", tmp_path / "study.db", "--force")
    assert "is not replaced" in law.refuses(*words)


@pytest.mark.parametrize("suffix", COMMANDS)
def test_a_dash_is_standard_output(
    law: Law,
    pattern: Path,
    tmp_path: Path,
    suffix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    command, *options = COMMANDS[suffix]
    law.holds(command, pattern, *options, "-o", tmp_path / f"out{suffix}")
    expected = (tmp_path / f"out{suffix}").read_text()
    assert law.holds(command, pattern, *options, "-o", "-").out == expected
    assert not (tmp_path / "-").exists()


def test_the_report_of_a_study_is_its_own(law: Law, folder: Path) -> None:
    for _ in range(2):
        assert law.holds("report", folder).code == 0
    assert b"\\ud800" in (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    link(folder / "report.html")
    assert "no plain file (a link)" in law.refuses("report", folder)


def test_prepared_temporary_names_are_not_followed(law: Law, folder: Path) -> None:
    precious = folder.parent / "precious"
    written(precious)
    for number in (os.getpid(), 1, 32_767):
        (folder / f".report.html.{number}.tmp").symlink_to(precious)
        (folder / f".out.csv.{number}.tmp").symlink_to(precious)
    assert law.holds("report", folder).code == 0
    words = ("--format", "csv", "-o", folder / "out.csv")
    assert law.holds("export", folder, *words).code == 0
    assert precious.read_bytes() == b"years of work"


def test_figures_are_replaced_by_force_alone(
    pattern: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Kaleido:
        @staticmethod
        def write_fig_from_object_sync(jobs: Any, **_: Any) -> None:
            for job in jobs:
                Path(job["path"]).write_bytes(b"new")

    monkeypatch.setattr(figures, "_kaleido", lambda _: Kaleido)
    monkeypatch.setattr(figures, "find_browser", lambda _: "none")
    pictures = [Result.open(pattern).plot("learning-curves")]
    path = tmp_path / "figures" / "learning-curves.svg"
    for before in (None, b"years of work"):
        if before:
            path.write_bytes(before)
            with pytest.raises(BadFolder, match="exists already"):
                figures.export_figures(pictures, "svg", path.parent)
            assert path.read_bytes() == before
        figures.export_figures(pictures, "svg", path.parent, force=True)
        assert path.read_bytes() == b"new"
    path.unlink()
    path.symlink_to(tmp_path / "nothing")
    with pytest.raises(BadFolder, match="a link"):
        figures.export_figures(pictures, "svg", path.parent, force=True)


def test_several_figures_do_not_go_to_standard_output(law: Law, pattern: Path) -> None:
    assert "Give a folder" in law.refuses("export", pattern, "--figures", "svg", "-o-")
