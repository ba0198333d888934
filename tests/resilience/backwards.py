"""Runs a program of Python's with a clock that goes back a second each second."""

from __future__ import annotations

import datetime
import runpy
import sys
import time

_now, _BEGAN = time.time, time.time()


class Datetime(datetime.datetime):
    """The same by that clock."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Datetime:
        """What time it seems to be."""
        return cls.fromtimestamp(time.time(), tz)


def main() -> None:
    """Run `python -m MODULE ...`, which the words after this one say."""
    time.time = lambda: 2 * _BEGAN - _now()
    time.time_ns = lambda: int(time.time() * 1e9)
    datetime.datetime = Datetime  # type: ignore[misc]
    _, _, _, module, *words = sys.argv
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
