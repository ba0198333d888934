"""One way to write: all or nothing, under a name that nobody can prepare."""

from __future__ import annotations

import fcntl
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from normlab.disk import whole


def test_a_file_has_all_of_it_or_what_it_had(tmp_path: Path) -> None:
    path = tmp_path / "file"
    whole.write(path, b"old")
    with suppress(KeyboardInterrupt), whole.replacing(path) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_bytes() == b"old"
        raise KeyboardInterrupt
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_the_mask_of_the_user_decides_who_may_read(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        whole.write(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~mask


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"years of work")
    (tmp_path / "file").symlink_to(target)
    whole.write(tmp_path / "file", b"new")
    assert not (tmp_path / "file").is_symlink()
    assert target.read_bytes() == b"years of work"


def test_parts_have_names_that_cannot_be_prepared(tmp_path: Path) -> None:
    seen: set[str] = set()
    for _ in range(3):
        with whole.replacing(tmp_path / "file"):
            seen |= {p.name for p in tmp_path.iterdir() if whole.is_part(p.name)}
    assert len(seen) == 3


def test_what_is_written_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)

        def told(*given: object, real: object = real, name: str = name, **more: object):
            order.append(name)
            return real(*given, **more)  # type: ignore[operator]

        monkeypatch.setattr(os, name, told)
    whole.write(tmp_path / "file", b"x")
    assert order == ["fsync", "replace", "fsync"]


def test_the_part_of_a_living_writer_stays(tmp_path: Path) -> None:
    with whole.replacing(tmp_path / "file") as stream:
        stream.write(b"x")
        whole.sweep(tmp_path)
    assert (tmp_path / "file").read_bytes() == b"x"


def test_what_others_call_alike_stays(tmp_path: Path) -> None:
    mine = [
        ".normlab-0123456789abcdef.tmp",
        ".tmpa1B2c3",
        ".x.npz.12.tmp",
        "e-1.partial",
    ]
    theirs = [".normlab-x.tmp", "notes.tmp", ".tmp", ".hidden", "partial", ".tmpabc"]
    for name in (*mine, *theirs):
        (tmp_path / name).touch()
    (tmp_path / ".tmpfolder").mkdir()
    whole.sweep(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {*theirs, ".tmpfolder"}


def test_parts_behind_a_link_stay(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    part = tmp_path / "outside" / ".normlab-0123456789abcdef.tmp"
    part.touch()
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "inner").symlink_to(tmp_path / "outside")
    whole.sweep(tmp_path / "study")
    assert part.exists()


def test_folders_are_made_inside_of_a_study_but_not_the_study(tmp_path: Path) -> None:
    whole.make_room(tmp_path / "arrays" / "run")
    assert (tmp_path / "arrays" / "run").is_dir()
    with pytest.raises(FileNotFoundError):
        whole.make_room(tmp_path / "gone" / "arrays" / "run")
    assert not (tmp_path / "gone").exists()


def test_a_sweep_looks_deeper_than_python_calls_go(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*"d" * 300)
    deep.mkdir(parents=True)
    part = deep / ".normlab-0123456789abcdef.tmp"
    part.touch()
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(250)
    try:
        whole.sweep(tmp_path)
    finally:
        sys.setrecursionlimit(before)
    assert not part.exists()


def test_the_lock_of_a_part_is_held_while_it_is_written(tmp_path: Path) -> None:
    with whole.replacing(tmp_path / "file"):
        (part,) = (p for p in tmp_path.iterdir() if whole.is_part(p.name))
        with part.open("rb") as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
