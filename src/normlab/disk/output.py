"""Where a command may write: never over a link or a device, over files when told to."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from normlab.disk.remedy import remedy
from normlab.errors import BadFolder

if TYPE_CHECKING:
    from pathlib import Path


def refuse_to_replace(path: Path, *suffixes: str, force: bool = False) -> None:
    """Refuse what a command must not replace; write nothing.

    Args:
        path: Where it wants to write.
        suffixes: Of the files of the kind that it writes; none if any will do.
        force: Whether a file of this kind may be replaced.

    Raises:
        BadFolder: If there is a folder, a link, a pipe, a device, a file of another
            kind (a study.db, a user's data), or a file and no `force`.
    """
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise BadFolder(
            f"{path}: cannot be written ({error.strerror}). "
            f"{remedy(error, otherwise='Choose another place.')}"
        ) from None
    if stat.S_ISDIR(mode):
        example = path / f"study{''.join(suffixes[:1])}"
        raise BadFolder(f"{path} is a folder. Name a file in it: {example}")
    if not stat.S_ISREG(mode):
        kind = "a link" if stat.S_ISLNK(mode) else "a device or a pipe"
        raise BadFolder(
            f"{path} is no plain file ({kind}), so it is not replaced. Name one; for "
            "standard output give -o -"
        )
    if suffixes and path.suffix.lower() not in suffixes:
        raise BadFolder(
            f"{path} exists and is no {suffixes[0]} file, so it is not replaced. "
            f"Choose a name that ends in {suffixes[0]}."
        )
    if not force:
        raise BadFolder(
            f"{path} exists already. Choose another name, or replace it with --force."
        )
