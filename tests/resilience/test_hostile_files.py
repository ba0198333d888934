"""Nothing outside of a study folder is read, written or waited for."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from normlab.errors import BadFolder
from normlab.records import _arrays
from normlab.records.folder import StudyFolder
from tests.resilience.law import Law, contents

ARRAYS = "arrays/none-lr0.01-seed0/path.npz"
PLACES = (".lock", "study.db", "study.db-journal", "study.db-wal", "study.toml", ARRAYS)


def read(law: Law, folder: Path) -> list[str]:
    """What every reader says."""
    law.holds("list", folder.parent)
    told = (
        law.holds("show", folder),
        law.holds("export", folder, "--format", "csv", "-o", "-"),
    )
    return [outcome.out + outcome.err for outcome in told]


def pipe(place: Path) -> None:
    os.mkfifo(place)


def endless(place: Path) -> None:
    place.symlink_to("/dev/zero")


def away(place: Path) -> None:
    outside = next(p for p in place.parents if p.name == "home").parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "precious").write_bytes(b"years of work")
    place.symlink_to(outside / "precious")


@pytest.mark.parametrize("make", [pipe, endless, away], ids=lambda make: make.__name__)
@pytest.mark.parametrize("name", PLACES)
def test_what_is_no_plain_file_is_neither_read_nor_waited_for(
    law: Law, folder: Path, name: str, make: Callable[[Path], None]
) -> None:
    place = folder / name
    place.unlink(missing_ok=True)
    make(place)
    before = contents(folder.parents[1])
    told = read(law, folder)
    if name == ARRAYS:
        assert f"LOST: {ARRAYS} is missing" in told[0]
    elif name == "study.db" and make is pipe:
        assert "a pipe, not a regular file" in told[0]
    else:
        assert name in told[0]
    with pytest.raises(BadFolder), StudyFolder.open(folder).write():
        pass
    assert contents(folder.parents[1]) == before


@pytest.mark.parametrize(
    "name",
    ["arrays", "arrays/none-lr0.01-seed0", "checkpoints", "checkpoints/x", "scratch"],
)
def test_nothing_is_written_or_deleted_through_a_link(
    folder: Path, name: str, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    (outside / "path").mkdir(parents=True)
    (outside / "path" / "step-1.safetensors").write_bytes(b"years of work")
    place = folder / name
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        place.rename(folder / "aside")
    place.symlink_to(outside)
    before = contents(tmp_path)
    with pytest.raises(BadFolder, match="link"), StudyFolder.open(folder).write():
        pass
    assert contents(tmp_path) == before


def test_a_lock_that_is_elsewhere_too_is_not_written_to(
    folder: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"years of work")
    (folder / ".lock").unlink()
    (folder / ".lock").hardlink_to(precious)
    with (
        pytest.raises(BadFolder, match="no file of its own"),
        StudyFolder.open(folder).write(),
    ):
        pass
    assert precious.read_bytes() == b"years of work"


def zipped(form: int, *members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", form) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def header(text: str) -> bytes:
    padded = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded.encode()


def npy(array: object) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(array), allow_pickle=True)
    return file.getvalue()


CLAIM = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }"
BOMBS = {
    "no zip": b"text",
    "empty": b"",
    "no members": zipped(zipfile.ZIP_STORED),
    "packed": zipped(zipfile.ZIP_DEFLATED, ("a.npy", npy(np.zeros(10_000_000)))),
    "claims": zipped(
        zipfile.ZIP_STORED, ("steps.npy", header(CLAIM % ("<f8", "(10000000000,)")))
    ),
    "overflow": zipped(
        zipfile.ZIP_STORED, ("a.npy", header(CLAIM % ("<f8", f"({2**62}, {2**62})")))
    ),
    "no size": zipped(
        zipfile.ZIP_STORED, ("a.npy", header(CLAIM % ("|V0", "(10000000000,)")))
    ),
    "objects": zipped(zipfile.ZIP_STORED, ("a.npy", npy([{}, "x"]))),
    "code": zipped(zipfile.ZIP_STORED, ("a.npy", header("__import__('os').abort()"))),
    "deep": zipped(zipfile.ZIP_STORED, ("a.npy", header("(" * 100))),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_arrays_that_are_none_are_lost_and_cost_nothing(
    law: Law, folder: Path, bomb: bytes
) -> None:
    (folder / ARRAYS).write_bytes(bomb)
    (folder / "arrays" / "surfaces" / "bowl-x.npz").write_bytes(bomb)
    told = law.holds("show", folder)
    assert told.code == 0
    assert f"LOST: {ARRAYS}" in told.out
    with pytest.raises(BadFolder, match="is damaged"):
        _arrays.read(folder / ARRAYS, folder)


def test_a_member_that_is_claimed_twice_is_not_unpacked_twice(folder: Path) -> None:
    """Many names for the same bytes: small on the disk, large in memory."""
    data = npy(np.zeros(1000))
    whole = zipped(zipfile.ZIP_STORED, ("a.npy", data))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        start = archive.start_dir
        (one,) = archive.infolist()
    entry = whole[start:-22]
    end = bytearray(whole[-22:])
    end[8:12] = (1000).to_bytes(2, "little") * 2
    end[12:16] = (1000 * len(entry)).to_bytes(4, "little")
    (folder / ARRAYS).write_bytes(whole[:start] + entry * 1000 + end)
    assert one.file_size * 1000 > (folder / ARRAYS).stat().st_size
    with pytest.raises(BadFolder, match="claims more than it holds"):
        _arrays.read(folder / ARRAYS, folder)


def test_a_hollow_file_is_not_read(law: Law, folder: Path) -> None:
    for name in ("study.toml", ARRAYS, "study.db"):
        with (folder / name).open("r+b") as file:
            file.truncate(200 << 30)
        assert "hollow" in "".join(read(law, folder)) or name == ARRAYS


@pytest.mark.parametrize("name", ["none-1/\udce4.npz", "\udce4/x.npz", "a b/x.npz"])
def test_names_that_normlab_never_gives_are_passed_over(
    law: Law, folder: Path, name: str
) -> None:
    place = folder / "arrays" / name
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(b"x")
    assert "LOST" not in law.holds("show", folder).out


ODD_ARRAYS = {
    "other names": {"x": np.ones(2)},
    "no rows": {"steps": np.ones(0), "norm": np.ones(0), "cosine": np.ones(0)},
    "other shapes": {"steps": np.ones((2, 2)), "cosine": np.ones((3, 1))},
    "text": {"steps": np.array(["a", "b"]), "cosine": np.array("x")},
    "numbers": {"steps": np.array([0, 2**62]), "cosine": np.array([np.nan, np.inf])},
}


@pytest.mark.parametrize("arrays", ODD_ARRAYS.values(), ids=ODD_ARRAYS)
@pytest.mark.parametrize("probe", ["path", "activations", "gradient", "sharpness"])
def test_sound_arrays_of_something_else_cost_their_claims_alone(
    law: Law, folder: Path, arrays: dict[str, np.ndarray], probe: str
) -> None:
    for home in (folder / "arrays").iterdir():
        _arrays.write(home / f"{probe}.npz", arrays)
    assert law.holds("show", folder).code == 0
    assert law.holds("show", folder, "--json").code == 0


def test_an_unsound_surface_does_not_keep_the_rest(law: Law, folder: Path) -> None:
    for number, about in enumerate(("{}", "[]", "[" * 10_000, '{"run": 5}', "5")):
        place = folder / "arrays" / "surfaces" / f"bowl-{number}.npz"
        _arrays.write(place, {"about": np.array(about), "a": np.ones(2)})
    told = law.holds("show", folder)
    assert told.code == 0
    assert "LOST: arrays/surfaces/bowl-0.npz" in told.out
