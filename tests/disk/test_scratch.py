"""Folders of killed processes go with the next one, those of living ones stay."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from normlab.disk.scratch import held_folder

PREFIX = "normlab-"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_what_a_killed_process_left_goes(tmp_path: Path) -> None:
    left = tmp_path / f"{PREFIX}abcd1234"
    left.mkdir()
    (left / "worker-0.log").write_text("x")
    with held_folder(PREFIX) as folder:
        assert list(tmp_path.iterdir()) == [folder]
    assert list(tmp_path.iterdir()) == []


def test_what_somebody_holds_stays(tmp_path: Path) -> None:
    with held_folder(PREFIX) as first, held_folder(PREFIX) as second:
        assert {first, second} == set(tmp_path.iterdir())


def test_many_at_once_take_none_from_each_other(tmp_path: Path) -> None:
    """Between being made and being held a folder looks abandoned."""

    def hold(_: int) -> bool:
        with held_folder(PREFIX) as folder:
            (folder / "log").touch()
            return list(folder.iterdir()) == [folder / "log"]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(hold, range(400)))
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_removed_through_a_link_or_under_another_name(
    tmp_path: Path,
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "work").touch()
    (tmp_path / f"{PREFIX}abcd1234").symlink_to(precious)
    with held_folder(PREFIX):
        pass
    assert (precious / "work").exists()
