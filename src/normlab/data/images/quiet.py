"""Image readers without their asides, which would reach the user's screen."""

from __future__ import annotations

import ctypes
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from PIL import Image

_LIBTIFF = ("TIFFSetErrorHandler", "TIFFSetWarningHandler")
_LOCK = threading.Lock()
_undo = ExitStack()
_inside = 0


@contextmanager
def quiet() -> Iterator[None]:
    """Read images; what Pillow and libtiff say on the way is not shown.

    Their warnings, log records and lines on standard error are about notes beside the
    pixels, or come with an error that says the same. The first to enter silences, the
    last to leave, of whatever thread, puts everything back. Only these libraries are
    silenced: nothing that another thread prints is lost.

    Example:
        >>> with quiet():
        ...     logging.getLogger("PIL.TiffImagePlugin").error("never shown")
        >>> logging.getLogger("PIL").level
        0
    """
    global _inside, _undo
    with _LOCK:
        if not _inside:
            _undo = _silenced()
        _inside += 1
    try:
        yield
    finally:
        with _LOCK:
            _inside -= 1
            if not _inside:
                _undo.close()


def _silenced() -> ExitStack:
    undo = ExitStack()
    undo.enter_context(warnings.catch_warnings())
    warnings.filterwarnings("ignore", module="PIL")
    log = logging.getLogger("PIL")
    undo.callback(log.setLevel, log.level)
    log.setLevel(logging.CRITICAL + 1)
    for name in _LIBTIFF:
        _silence_libtiff(name, undo)
    return undo


def _silence_libtiff(name: str, undo: ExitStack) -> None:
    """Take away the function of libtiff that writes to descriptor 2."""
    try:
        # found through Pillow's own module: the libtiff that it is linked with
        choose = getattr(ctypes.CDLL(Image.core.__file__), name)
    except (AttributeError, OSError):  # Pillow without libtiff, or with it built in
        return
    choose.argtypes = [ctypes.c_void_p]
    choose.restype = ctypes.c_void_p
    undo.callback(choose, choose(None))
