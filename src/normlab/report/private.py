"""What is passed on names no folder and no user of the machine it was made on."""

from __future__ import annotations

import re
from pathlib import Path

_START = r"(?:[A-Za-z]:[\\/]|~?/)"
_QUOTED = re.compile(rf"""(?P<mark>['"])(?P<path>{_START}[^'"\n]+)(?P=mark)""")
_PLAIN = re.compile(
    rf"""(?:(?<=^)|(?<=[\s='"(\[,“]))"""
    rf"""{_START}(?:[^\s'"`:;,<>|*?\\/]+[\\/])+(?=[^\s\\/])"""
)
# what a system keeps for itself says nothing of a user
_DEVICES = ("/dev/", "/proc/", "/sys/")


def private(text: str, *folders: str | Path | None) -> str:
    """The text with every absolute path cut down to its last part.

    Args:
        text: Whatever is shown.
        folders: Paths that are known to be in it, however they are written.

    Example:
        >>> private("normlab run --model /home/ann/nets/mine.py:make --out ~/x/study")
        'normlab run --model mine.py:make --out study'
        >>> private('source = "/home/ann lee/photos"'), private("100 images / s, l1/l2")
        ('source = "photos"', '100 images / s, l1/l2')
    """
    for folder in sorted(map(str, filter(None, folders)), key=len, reverse=True):
        if len(Path(folder).parts) > 1 and Path(folder).is_absolute():
            text = text.replace(folder, last_part(folder))
    text = _QUOTED.sub(_shortened, text)
    return _PLAIN.sub(lambda found: _kept(found.group()), text)


def last_part(path: str) -> str:
    r"""Of a path its last part, whichever way it is written.

    Example:
        >>> last_part("/home/ann/photos/"), last_part("C:\\nets\\mine.py:make")
        ('photos', 'mine.py:make')
    """
    return re.split(r"[\\/]", path.rstrip("\\/"))[-1] or path


def _shortened(found: re.Match[str]) -> str:
    mark, path = found["mark"], found["path"]
    return found.group() if _kept(path) else f"{mark}{last_part(path)}{mark}"


def _kept(path: str) -> str:
    return path if path.startswith(_DEVICES) else ""
