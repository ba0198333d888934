"""Advice fits what is the matter, wherever a study is begun, gone on with or read."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from normlab.disk.remedy import remedy
from normlab.errors import BadFolder
from normlab.records._trouble import reporting

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
