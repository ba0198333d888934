"""The report as a file, whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from normlab.errors import BadFolder
from normlab.records.export import refuse_another_kind
from normlab.report.build import build

if TYPE_CHECKING:
    from normlab.analysis.result import Result

NAME = "report.html"


def write(result: Result, path: Path) -> Path:
    """Write a study's report, replacing an older one.

    Args:
        result: The study.
        path: The file; its folder must exist.

    Raises:
        BadFolder: If it cannot be written, or is a file of another kind.
    """
    refuse_another_kind(path, ".html", ".htm")
    text = build(result)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise BadFolder(
            f"{path}: cannot be written ({error.strerror}). Choose another place: "
            "normlab report DIR -o FILE."
        ) from None
    finally:
        with suppress(OSError):  # where nothing can be written, nothing is left
            temporary.unlink(missing_ok=True)
    return path
