"""How much memory there is, and what is refused before it is allocated."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from pathlib import Path

from normlab.errors import BadData, NormlabError

PLAIN = 256 << 20
"""Bytes that a file may unpack to in any case."""
_PACKED = 32
"""Times its own size that a larger one may: digits take 5, black images 1,000."""
_READING = 260 << 20
"""Addresses that Python, NumPy and SciPy take, whatever they compute."""
_TRAINING = 1200 << 20
"""With torch; a worker takes as many, under a limit of its own."""
_PER_CORE = 40 << 20
"""For the stack and the buffer of each thread that OpenBLAS starts."""
_CGROUP = Path("/sys/fs/cgroup")
_MEMINFO, _STATM = Path("/proc/meminfo"), Path("/proc/self/statm")


def free() -> int:
    """Bytes that this process can still fill: of the machine, its group, its limits."""
    page = os.sysconf("SC_PAGE_SIZE")
    found = [page * os.sysconf("SC_PHYS_PAGES")]
    with suppress(OSError, ValueError, IndexError):  # another system than Linux
        lines = (line.split() for line in _MEMINFO.read_text().splitlines())
        found += [1024 * int(w[1]) for w in lines if w[0] == "MemAvailable:"]
    with suppress(OSError, ValueError):  # no group, or "max"
        most = int((_CGROUP / "memory.max").read_text())
        found.append(most - int((_CGROUP / "memory.current").read_text()))
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        with suppress(OSError):
            found.append(soft - page * int(_STATM.read_text().split()[0]))
    return max(0, min(found))


def refuse_few_addresses(what: str, *, torch: bool) -> None:
    """Refuse a limit of address space (ulimit -v) too small to load the libraries.

    They would not say so: OpenBLAS and OpenMP abort, end by an interrupt that nobody
    sent, or ask again for ever, deaf to every signal but SIGKILL.

    Args:
        what: Needs the space.
        torch: Whether it loads torch.

    Raises:
        NormlabError: If this process may not have what is needed at least.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    needed = (_TRAINING if torch else _READING) + _PER_CORE * (os.cpu_count() or 1)
    if soft != resource.RLIM_INFINITY and soft < needed:
        raise NormlabError(
            f"this process may use {size_text(soft)} of address space (ulimit -v), and "
            f"{what} needs {size_text(needed)} at least. Raise the limit."
        )


def refuse_more_than_fits(need: int, what: str, remedy: str) -> None:
    """Raise BadData if so many bytes are more than are free.

    Args:
        need: In memory, with the copies that are made of them.
        what: Begins the sentence.
        remedy: Ends it.
    """
    if need > free():
        raise BadData(
            f"{what} would need {size_text(need)} of memory, and {size_text(free())} "
            f"are free. {remedy}."
        )


def refuse_to_unpack(
    claimed: int, held: int, what: str, remedy: str, *, times: int = _PACKED
) -> None:
    """Raise BadData if a packed file claims implausibly much, or more than fits.

    What is refused can be given all the same: not packed, which is what `remedy` says.

    Args:
        claimed: Bytes that it unpacks to.
        held: Bytes that it has.
        what: Begins the sentence.
        remedy: Ends it.
        times: Its own size that is plausible.
    """
    if claimed > max(PLAIN, times * held):
        raise BadData(
            f"{what} holds {size_text(held)} and claims to unpack to "
            f"{size_text(claimed)} or more, which is not plausible. {remedy}."
        )
    refuse_more_than_fits(2 * claimed, what, remedy)


def most_unpacked(held: int) -> int:
    """Bytes that a packed file of so many can plausibly hold."""
    return max(PLAIN, _PACKED * held)


def size_text(count: int) -> str:
    """So many bytes in the largest unit that they fill.

    Example:
        >>> size_text(5 << 20), size_text(12)
        ('5.0 MB', '12 bytes')
    """
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count} bytes"
