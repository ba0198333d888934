"""Folders of killed processes go with the next one, those of living ones stay."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from normlab.disk.scratch import held_folder

PREFIX = "normlab-"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def aged(path: Path) -> Path:
    os.utime(path, (0, 0))
    return path


def test_what_a_killed_process_left_goes(tmp_path: Path) -> None:
    left = tmp_path / f"{PREFIX}abcd1234"
    left.mkdir()
    (left / "worker-0.log").write_text("x")
    aged(left)
    with held_folder(PREFIX) as folder:
        assert list(tmp_path.iterdir()) == [folder]
    assert list(tmp_path.iterdir()) == []


def test_what_somebody_holds_or_has_just_made_stays(tmp_path: Path) -> None:
    fresh = tmp_path / f"{PREFIX}abcd1234"
    fresh.mkdir()
    with held_folder(PREFIX) as first:
        aged(first)
        with held_folder(PREFIX) as second:
            assert {first, second, fresh} == set(tmp_path.iterdir())


def test_nothing_is_removed_through_a_link_or_under_another_name(
    tmp_path: Path,
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "work").touch()
    (tmp_path / f"{PREFIX}abcd1234").symlink_to(precious)
    aged(tmp_path / "precious")
    with held_folder(PREFIX):
        pass
    assert (precious / "work").exists()
