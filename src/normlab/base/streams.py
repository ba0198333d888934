"""Random numbers by address: (seed, purpose, epoch, arm where arms may differ).

A stream depends on nothing but its address. So adding a probe, an arm or a
worker changes nobody else's numbers, and twins that must draw the same numbers
simply leave the arm out of the address. This is the only module of normlab that
seeds the default generators of torch, NumPy and Python.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from operator import index
from typing import SupportsIndex

import numpy as np
import torch

from normlab.base.settings import settings_kept


def stream(*address: SupportsIndex | str) -> torch.Generator:
    """Torch generator at `address`, on the CPU, always at its beginning.

    Args:
        address: Integers and words, most general first. `1` and `"1"` are
            different places, `1` and `numpy.int64(1)` are the same one.

    Raises:
        TypeError: If a part is neither; a float has no exact spelling.

    Example:
        >>> torch.randperm(5, generator=stream(0, "batches", 1))
        tensor([2, 0, 4, 1, 3])
        >>> torch.randperm(5, generator=stream(0, "batches", 1))
        tensor([2, 0, 4, 1, 3])
    """
    return torch.Generator().manual_seed(_seed(address))


def numpy_stream(*address: SupportsIndex | str) -> np.random.Generator:
    """NumPy generator at `address`, always at its beginning.

    Args:
        address: As for `stream`; the numbers are other ones.

    Raises:
        TypeError: If a part is neither an integer nor a word.

    Example:
        >>> int(numpy_stream(0, "split").integers(1000))
        686
    """
    return np.random.default_rng(_seed(address))


@contextmanager
def seeded(*address: SupportsIndex | str) -> Iterator[None]:
    """Seed the default generators by `address` and restore them on exit.

    Dropout, torch's own initialisation and the code of users draw from the
    default generators of torch, NumPy and Python. Inside the block these are at
    the address; behind it, also after an error, they are where they were.
    An accelerator is restored if it was in use before the block.

    Args:
        address: As for `stream`.

    Raises:
        TypeError: If a part is neither an integer nor a word.

    Example:
        >>> with seeded(0, "init"):
        ...     first = torch.rand(1)
        >>> with seeded(0, "init"):
        ...     first == torch.rand(1)
        tensor([True])
    """
    with fork_rng():
        seed_generators(*address)
        yield


def seed_generators(*address: SupportsIndex | str) -> None:
    """Put the default generators of torch, NumPy and Python at the address for good.

    For a block that puts them back by itself, as that of `fork_rng`.

    Args:
        address: As for `stream`.

    Raises:
        TypeError: If a part is neither an integer nor a word.

    Example:
        >>> with fork_rng():
        ...     seed_generators(0, "init")
        ...     first = torch.rand(1)
        >>> with seeded(0, "init"):
        ...     first == torch.rand(1)
        tensor([True])
    """
    seed = _seed(address)
    if torch.accelerator.current_accelerator() is None:
        # for devices that no such torch has, `manual_seed` formats its stack each time,
        # half a millisecond
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)  # every device, also one that wakes up later
    np.random.seed([seed >> 32, seed & 0xFFFF_FFFF])  # noqa: NPY002
    random.seed(seed)


@contextmanager
def fork_rng() -> Iterator[None]:
    """Restore the default generators on exit, whatever the body draws or seeds.

    Torch's settings too, such as the default type (see `settings_kept`).

    Example:
        >>> before = torch.get_rng_state()
        >>> with fork_rng():
        ...     _ = torch.rand(100)
        >>> bool((torch.get_rng_state() == before).all())
        True
    """
    torch_state, python_state = torch.get_rng_state(), random.getstate()
    numpy_state = np.random.get_state()  # noqa: NPY002
    cuda_states = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    mps_state = torch.mps.get_rng_state() if _mps() else None
    try:
        with settings_kept():
            yield
    finally:
        torch.set_rng_state(torch_state)
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        if cuda_states:
            torch.cuda.set_rng_state_all(cuda_states)
        if mps_state is not None:
            torch.mps.set_rng_state(mps_state)


def _seed(address: tuple[SupportsIndex | str, ...]) -> int:
    """63 bits of a hash of the address; 63, for torch takes signed seeds."""
    # int() and str() once more: True is spelled 1, a NumPy number as a number
    exact = tuple(str(p) if isinstance(p, str) else int(index(p)) for p in address)
    hashed = blake2b(repr(exact).encode(), digest_size=8).digest()
    return int.from_bytes(hashed) >> 1


def _mps() -> bool:
    return torch.backends.mps.is_available()
