"""What a study was computed with and on, without importing any of it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("normlab", "torch", "numpy", "scipy")


def environment() -> dict[str, str]:
    """Versions, platform, processor and cores, as facts for a study's `meta`.

    Example:
        >>> sorted(environment())
        ['cores', 'cpu', 'normlab', 'numpy', 'platform', 'python', 'scipy', 'torch']
    """
    return {
        **{package: _version(package) for package in _PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _processor(),
        "cores": str(_cores()),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _processor(listing: Path = Path("/proc/cpuinfo")) -> str:
    try:
        lines = listing.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine() or "unknown"


def _cores() -> int:
    # in a container fewer cores may be usable than the machine has
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
