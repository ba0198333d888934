"""The report as a file, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from normlab.disk import whole
from normlab.disk.output import refuse_to_replace
from normlab.disk.remedy import remedy
from normlab.errors import BadFolder
from normlab.report.build import build

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult

_ELSEWHERE = "Choose another place: normlab report DIR -o FILE."
NAME = "report.html"


def write(
    result: StudyResult, path: Path, *, force: bool = False, stills: bool = False
) -> Path:
    """Write a study's report, replacing its own older one.

    Args:
        result: The study.
        path: The file; its folder must exist.
        force: Whether another existing report is replaced.
        stills: As for `build`.

    Raises:
        BadSetting: As `build` does.
        BadFolder: If it cannot be written, exists, or is no regular file.
    """
    own = result.folder is not None and path == result.folder / NAME
    refuse_to_replace(path, ".html", ".htm", force=force or own)
    try:
        whole.write(path, content(result, stills=stills))
    except OSError as error:
        raise BadFolder(
            f"{path}: cannot be written ({error.strerror}). "
            f"{remedy(error, otherwise=_ELSEWHERE)}"
        ) from None
    return path


def content(result: StudyResult, *, stills: bool = False) -> bytes:
    """A study's report; what is no text in UTF-8 is escaped."""
    return build(result, stills=stills).encode(errors="backslashreplace")
