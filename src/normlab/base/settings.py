"""Torch's settings of a whole process: kept from what a user's code does to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils import _device


def _default_device() -> torch.device | None:
    """None where none was set: one that is set, also to the CPU, stands in between.

    It is a mode of the main thread, under which torch computes on slower ways with
    other last bits.
    """
    return _device.CURRENT_DEVICE


_SETTINGS: tuple[tuple[Callable[[], Any], Callable[[Any], object]], ...] = (
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_num_threads, torch.set_num_threads),
    (
        torch.are_deterministic_algorithms_enabled,
        torch.use_deterministic_algorithms,
    ),
    (_default_device, torch.set_default_device),
)


@contextmanager
def settings_kept() -> Iterator[None]:
    """Put back on exit the default type and device, whether gradients are on, threads.

    Example:
        >>> with settings_kept():
        ...     torch.set_default_dtype(torch.float64)
        >>> torch.zeros(1).dtype
        torch.float32
    """
    before = [read() for read, _ in _SETTINGS]
    try:
        yield
    finally:
        for (read, write), value in zip(_SETTINGS, before, strict=True):
            if read() != value:
                write(value)


@contextmanager
def plain_settings() -> Iterator[None]:
    """Settings as a fresh process has them, all but the number of threads.

    In them a network is built and trained the same wherever that happens, whatever
    the user's script has set.

    Example:
        >>> with torch.no_grad(), plain_settings():
        ...     torch.is_grad_enabled()
        True
    """
    with settings_kept():
        torch.set_default_device(None)
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)
        yield
