"""Points handed to threads, and what these find."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import copy_context
from functools import partial
from math import ceil
from queue import SimpleQueue
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from normlab.errors import NormlabError
from normlab.user_code import refusing

Losses = NDArray[np.float64]
Points = NDArray[np.float64]
Unit = NDArray[np.int64]
"""Numbers of points that are computed one after another."""


class PointEvaluator(Protocol):
    """One thread's way to the loss."""

    points_at_once: int

    def losses(self, points: Points) -> Losses:
        """Mean loss at every point."""
        ...


def computed(
    evaluators: Sequence[PointEvaluator],
    points: Points,
    *,
    within: Callable[[], AbstractContextManager[object]],
    refused: Callable[[BaseException], NormlabError],
) -> Iterator[tuple[Unit, Losses]]:
    """The losses at some points after the others, as they are found.

    Args:
        evaluators: One for each thread; one alone needs none.
        points: Coordinates (a, b), shape (points, 2).
        within: What each thread computes in.
        refused: What to raise for an error on the way.
    """
    order = np.lexsort((points[:, 0], points[:, 1]))
    size = _unit_size(len(points), evaluators)
    units = [order[i : i + size] for i in range(0, len(order), size)]
    idle: SimpleQueue[PointEvaluator] = SimpleQueue()
    for evaluator in evaluators:
        idle.put(evaluator)

    def compute(unit: Unit) -> Losses:
        evaluator = idle.get()
        try:
            with refusing(refused), within():
                return evaluator.losses(points[unit])
        finally:
            idle.put(evaluator)

    if len(evaluators) == 1:
        yield from ((unit, compute(unit)) for unit in units)
        return
    # a thread has a number of its own, which is not the one set here
    pool = ThreadPoolExecutor(
        len(evaluators), initializer=torch.set_num_threads, initargs=(1,)
    )
    with _one_torch_thread(), pool:
        pending = {
            pool.submit(copy_context().run, compute, unit): unit for unit in units
        }
        try:
            while pending:
                for future in wait(pending, return_when=FIRST_COMPLETED).done:
                    yield pending.pop(future), future.result()
        finally:  # also when the caller was interrupted
            for future in pending:
                future.cancel()


def automatic_precision(device: str) -> Callable[[], AbstractContextManager[object]]:
    """The caller's automatic precision, which other threads know nothing of.

    Without the cache of weights: they are moved.
    """
    if not torch.is_autocast_enabled(device):
        return nullcontext
    kind = torch.get_autocast_dtype(device)
    return partial(torch.autocast, device, dtype=kind, cache_enabled=False)


def _unit_size(points: int, evaluators: Sequence[PointEvaluator]) -> int:
    """Points handed to a thread at a time: many, but the same for every thread."""
    most, threads = evaluators[0].points_at_once, len(evaluators)
    rounds = max(1, ceil(points / (most * threads)))
    return max(1, ceil(points / (rounds * threads)))


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    """Threads of ours instead of torch's: they need not meet after every operation."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
