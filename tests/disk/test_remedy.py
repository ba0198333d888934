"""Advice fits what is the matter, wherever a study is begun, gone on with or read."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from normlab.cli.ending import end
from normlab.data.dataset import open_dataset
from normlab.data.load import load
from normlab.disk.remedy import remedy
from normlab.errors import BadFolder, NormlabError
from normlab.nets.custom import from_address
from normlab.nets.neighbours import file_digests
from normlab.records import _arrays
from normlab.records._trouble import reporting
from normlab.records.folder import StudyFolder
from normlab.records.surface_file import load_surface
from normlab.spec import toml
from normlab.spec.data import Data
from normlab.train.checkpoint import Checkpoint, save
from normlab.train.checkpoint import load as checkpoint
from tests.cli.made_up import study
from tests.data.files import idx_folder
from tests.resilience.kinds import _file, make_picture
from tests.study.cases import MODEL, write_data

ADVICE = [
    (errno.EFBIG, "ulimit -f"),
    (errno.EMFILE, "ulimit -n"),
    (errno.ENFILE, "ulimit -n"),
    (errno.EACCES, "permissions"),
    (errno.EPERM, "permissions"),
    (errno.EROFS, "permissions"),
    (errno.ENOMEM, "memory"),
    (errno.EIO, "disk"),
]


@pytest.mark.parametrize(("number", "words"), ADVICE)
def test_advice_is_about_the_cause(number: int, words: str) -> None:
    assert words in remedy(OSError(number, os.strerror(number)), otherwise="Other.")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_on_a_full_disk_no_other_folder_is_advised(number: int) -> None:
    """The study that is gone on with lies in this one."""
    with pytest.raises(BadFolder) as refused, reporting(Path("study")):
        raise OSError(number, os.strerror(number))
    assert "Free some space" in str(refused.value)
    assert "another folder" not in str(refused.value)


def test_an_unknown_trouble_has_the_advice_of_its_place() -> None:
    assert remedy(OSError(errno.EXDEV, "Cross-device"), otherwise="Other.") == "Other."


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Every descriptor that this process may have is taken."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for one in taken:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of everything that is read."""
    home = tmp_path_factory.mktemp("home")
    study(home / "study", finished=2)
    write_data(home)
    (home / "net.py").write_text(MODEL)
    images = np.arange(30 * 16, dtype=np.uint8).reshape(30, 4, 4)
    labels = (np.arange(30) % 3).astype(np.uint8)
    for name in ("x.mat", "x.pt", "x.csv"):
        _file(home / name, images, labels)
    (home / "idx").mkdir()
    idx_folder(home / "idx")
    make_picture(home, ("PNG", []))
    save(Checkpoint(epoch=1, model={}, descent={}, scalars={}), home / "run")
    load(Data(source=str(home / "data.npz"))).save(home / "saved")
    np.savez(home / "own.npz", x=np.zeros(3))
    return home


READ: dict[str, Callable[[Path], object]] = {
    **{
        name: lambda home, name=name: load(Data(source=str(home / name)))
        for name in ("data.npz", "x.mat", "x.pt", "x.csv", "idx", "data")
    },
    "checkpoint": lambda home: checkpoint(home / "run", 1),
    "saved data": lambda home: open_dataset(home / "saved"),
    "settings": lambda home: toml.load(home / "study" / "study.toml"),
    "a study": lambda home: StudyFolder.open(home / "study").read(),
    "arrays": lambda home: _arrays.read(home / "own.npz", None),
    "soundness": lambda home: _arrays.is_sound(home / "own.npz", home),
    "model file": lambda home: from_address(f"{home / 'net.py'}:make"),
    "neighbours": lambda home: file_digests(home, ["net.py"]),
    "surface": lambda home: load_surface(home / "own.npz"),
}


@pytest.mark.parametrize("kind", READ)
def test_want_of_descriptors_is_never_taken_for_damage(kind: str, home: Path) -> None:
    with suppress(NormlabError):
        READ[kind](home)  # what is imported for it is no matter here
    with no_descriptors(), pytest.raises((NormlabError, OSError)) as caught:
        READ[kind](home)
    if isinstance(caught.value, OSError):  # whoever calls says it
        assert caught.value.errno == errno.EMFILE
    else:
        assert "(ulimit -n)" in str(caught.value)


def test_the_command_line_says_it_where_nobody_else_has(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert end(OSError(errno.EMFILE, os.strerror(errno.EMFILE), "place")) == 2
    assert capsys.readouterr().err == (
        "normlab: error: place: Too many open files. Raise the limit of open files "
        "(ulimit -n).\n"
    )
