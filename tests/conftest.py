"""Fixtures for every test: one compute thread, and nothing may leak."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import settings

# set before the library is imported by whichever test comes first
os.environ.setdefault("HF_HUB_OFFLINE", "1")

# a deadline would make every law a timed test
settings.register_profile("normlab", deadline=None)
settings.load_profile("normlab")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    # torch sets an environment variable when its first optimizer is made
    torch.optim.SGD([torch.zeros(1)], lr=1.0).zero_grad()


@pytest.fixture(scope="session", autouse=True)
def _hears() -> Iterator[None]:
    """Signals are heard, here and by what is started, however pytest was started."""
    # `nohup` and `&` have them ignored, which children would inherit
    heard = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, how) for number, how in heard.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _nothing_leaks() -> Iterator[None]:
    """A test that moves default generators, threads or the environment fails."""
    before, threads = _surroundings(), set(threading.enumerate())
    yield
    after = _surroundings()
    moved = [name for name in before if before[name] != after[name]]
    leaked = [t for t in threading.enumerate() if t not in threads and not t.daemon]
    assert not moved, f"the test changed {', '.join(moved)}"
    assert not leaked, f"the test left threads behind: {leaked}"


def _surroundings() -> dict[str, object]:
    # pytest itself keeps the running test's name in the environment
    environment = {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}
    return {
        "torch's generator": torch.get_rng_state().numpy().tobytes(),
        "numpy's generator": repr(np.random.get_state()),  # noqa: NPY002
        "python's generator": random.getstate(),
        "the environment": environment,
        "the default dtype": torch.get_default_dtype(),
        "the gradient mode": torch.is_grad_enabled(),
        "the number of threads": torch.get_num_threads(),
    }
