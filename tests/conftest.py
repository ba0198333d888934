"""Fixtures for every test: one compute thread, and nothing may leak."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import settings


# a deadline would make every law a timed test
settings.register_profile("normlab", deadline=None)
settings.load_profile("normlab")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    # torch sets an environment variable when its first optimizer is made
    torch.optim.SGD([torch.zeros(1)], lr=1.0).zero_grad()


@pytest.fixture(autouse=True)
def _nothing_leaks() -> Iterator[None]:
    """A test that moves default generators, threads or the environment fails."""
    before = (
        torch.get_rng_state().numpy().tobytes(),
        repr(np.random.get_state()),
        random.getstate(),
        dict(os.environ),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
    )
    threads = set(threading.enumerate())
    yield
    leaked = [t for t in threading.enumerate() if t not in threads and not t.daemon]
    after = (
        torch.get_rng_state().numpy().tobytes(),
        repr(np.random.get_state()),
        random.getstate(),
        dict(os.environ),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
    )
    names = ("torch RNG", "numpy RNG", "random", "environment", "dtype", "grad mode")
    # pytest itself keeps the running test's name in the environment
    for state in (before[3], after[3]):
        state.pop("PYTEST_CURRENT_TEST", None)
    moved = [name for name, a, b in zip(names, before, after, strict=True) if a != b]
    assert not moved, f"the test changed {', '.join(moved)}"
    assert not leaked, f"the test left threads behind: {leaked}"
