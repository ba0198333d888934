"""Enough address space, asked for before any library is loaded.

Where it is limited (`ulimit -v`, as schedulers do), OpenBLAS and OpenMP end the process
themselves while they are loaded: with a line of theirs, with exit code 1 or 127, or by
an interrupt that nobody sent. No exception of Python's tells of it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from normlab.errors import NormlabError

_MB = 2**20
_READING = 260 * _MB  # Python, NumPy and SciPy
_TRAINING = 1_200 * _MB  # torch too; a worker needs as much, under a limit of its own
_PER_CORE = 40 * _MB  # the stack and the buffer of each thread that OpenBLAS starts
_TRAIN = {"run", "resume", "rerun", "surface"}


def refuse_too_little(arguments: Sequence[str]) -> None:
    """Refuse a limit under which the libraries of a command cannot be loaded.

    Args:
        arguments: Words after `normlab`.

    Raises:
        NormlabError: If this process may not have what the command needs at least.
    """
    limit = _limit()
    if limit is None:
        return
    trains = next((word for word in arguments if word in _TRAIN), None)
    needed = (_TRAINING if trains else _READING) + _PER_CORE * (os.cpu_count() or 1)
    if limit < needed:
        raise NormlabError(
            f"this process may use {limit // _MB:,} MB of address space (ulimit -v), "
            f"and {trains or 'normlab'} needs {needed // _MB:,} MB at least. Raise the "
            f"limit."
        )


def _limit() -> int | None:
    """Bytes; None where there is no limit, or none is known."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft
