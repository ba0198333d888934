"""What was kept of a study and is lost is said; the rest is read all the same."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from normlab.errors import BadFolder
from normlab.records import _arrays
from normlab.records.folder import StudyFolder
from normlab.records.inventory import NOTED, inventory, noted
from normlab.spec.study import StudySpec
from tests.records.studies import finished, new_study
from tests.records.test_surface import whole


def kept(path: Path) -> StudyFolder:
    folder = new_study(path, StudySpec())
    with folder.write() as writer:
        writer.surface(whole())
        _arrays.write(_arrays.place(path, "none-1", "outputs"), {"steps": np.ones(2)})
        _arrays.write(_arrays.place(path, "none-1", "path"), {"steps": np.ones(2)})
        writer.meta(NOTED, inventory(path))
    return folder


def test_of_a_whole_study_nothing_is_lost(tmp_path: Path) -> None:
    assert kept(tmp_path / "s").read().lost == ()


def test_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    folder = kept(tmp_path / "s")
    (folder.path / "arrays/none-1/outputs.npz").unlink()
    (folder.path / "arrays/none-1/path.npz").write_bytes(b"PK\x03\x04 and no more")
    lost = folder.read().lost
    assert lost == ("arrays/none-1/outputs.npz", "arrays/none-1/path.npz")


def test_each_folder_of_results_is_looked_into_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many files there are, and however many ask for them."""
    folder = finished(tmp_path / "s")
    for run in folder.tables().runs:
        for probe in ("outputs", "path", "scale"):
            place = _arrays.place(folder.path, run.key.id, probe)
            _arrays.write(place, {"steps": np.ones(2)})
    looked: list[Path] = []
    scandir = os.scandir

    def seen(path: str | Path) -> Iterator[os.DirEntry[str]]:
        looked.append(Path(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", seen)
    record = folder.read()
    homes = [folder.path / "arrays" / run.key.id for run in record.runs]
    assert sorted(looked) == sorted(
        [folder.path / "arrays", folder.path / "arrays" / "surfaces", *homes]
    )
    assert {run.observed.probes for run in record.runs} == {
        frozenset({"outputs", "path", "scale"})
    }


def test_what_is_lost_was_not_observed(tmp_path: Path) -> None:
    folder = finished(tmp_path / "s")
    key = folder.tables().runs[0].key
    for probe in ("path", "scale"):
        _arrays.write(_arrays.place(folder.path, key.id, probe), {"steps": np.ones(2)})
    (folder.path / f"arrays/{key.id}/path.npz").write_bytes(b"PK")
    assert folder.read().runs[0].observed.probes == {"scale"}


def test_want_of_descriptors_is_no_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = kept(tmp_path / "s")

    def wanting(path: str | Path) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(path))

    monkeypatch.setattr(os, "scandir", wanting)
    with pytest.raises(BadFolder, match=r"Too many open files\)\. Raise the limit"):
        folder.read()


def test_a_damaged_surface_does_not_keep_the_study_from_being_read(
    tmp_path: Path,
) -> None:
    folder = kept(tmp_path / "s")
    surfaces = folder.path / "arrays" / "surfaces"
    (surfaces / "bowl-junk.npz").write_text("no arrays at all")
    _arrays.write(surfaces / "bowl-other.npz", {"steps": np.ones(2)})
    record = folder.read()
    assert record.bowls == ()
    assert set(record.lost) == {
        "arrays/surfaces/bowl-junk.npz",
        "arrays/surfaces/bowl-other.npz",
    }
    assert {"bowl-junk"}.isdisjoint(folder.surface_names())


def test_an_array_that_is_not_what_was_written_is_lost(tmp_path: Path) -> None:
    folder = kept(tmp_path / "s")
    file = folder.path / "arrays" / "none-1" / "outputs.npz"
    content = bytearray(file.read_bytes())
    content[content.index(b"NUMPY") + 140] ^= 1  # one bit of a number
    file.write_bytes(content)
    assert folder.read().lost == ("arrays/none-1/outputs.npz",)
    with pytest.raises(BadFolder, match=r"outputs\.npz: is damaged \(Bad CRC-32"):
        _arrays.read(file, folder.path)


def test_what_is_lost_is_not_forgotten_when_the_study_ends_again(
    tmp_path: Path,
) -> None:
    folder = kept(tmp_path / "s")
    (folder.path / "arrays/none-1/outputs.npz").unlink()
    with folder.write() as writer:
        writer.meta(NOTED, inventory(folder.path, noted(folder.meta())))
    assert folder.read().lost == ("arrays/none-1/outputs.npz",)


def test_a_file_of_another_kind_among_surfaces_is_named(tmp_path: Path) -> None:
    folder = kept(tmp_path / "s")
    surfaces = folder.path / "arrays" / "surfaces"
    _arrays.write(surfaces / "path-junk.npz", {"steps": np.ones(2)})
    with pytest.raises(BadFolder, match=r"is no surface of normlab \(KeyError: 'about"):
        folder.surfaces("path")


def test_a_run_that_is_done_must_have_left_its_network(tmp_path: Path) -> None:
    """Also one that was never there: the folder was moved while the study ran."""
    folder = finished(tmp_path / "s")
    with folder.write() as writer:
        writer.meta(NOTED, inventory(folder.path, runs=folder.read().runs))
    lost = folder.read().lost
    assert len(lost) == len(folder.read().runs) > 0
    assert all(name.endswith("/network.safetensors") for name in lost)


def test_what_was_written_and_is_gone_before_the_end_is_lost(tmp_path: Path) -> None:
    folder = new_study(tmp_path / "s", StudySpec())
    with folder.write() as writer:
        writer.surface(whole())
        (written,) = writer.kept
        (folder.path / written).unlink()
        writer.meta(NOTED, inventory(folder.path, writer.kept))
    assert folder.read().lost == (written,)
