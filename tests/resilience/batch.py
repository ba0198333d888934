"""Many trials, two at a time, with how far they are and a table at the end."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

AT_ONCE = 2


class Trial(NamedTuple):
    """One thing that is tried, in a folder of its own; it gives what was wrong."""

    kind: str
    name: str
    faults: Callable[[Path], list[str]]


class Result(NamedTuple):
    """What came of a trial."""

    kind: str
    name: str
    faults: list[str]


def tried(
    trials: Iterable[Trial], home: Path, tell: Callable[[str], None]
) -> list[Result]:
    """Make every trial; tell after each how many there are yet, and what was wrong."""
    todo = list(trials)
    results: list[Result] = []
    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        started = [pool.submit(_one, one, home / str(n)) for n, one in enumerate(todo)]
        for future in as_completed(started):
            results.append(future.result())
            _, name, faults = results[-1]
            left = (time.monotonic() - began) / len(results)
            left *= len(todo) - len(results)
            tell(f"{len(results)} of {len(todo)}, {left / 60:.0f} min left: {name}")
            for fault in faults:
                tell(f"  WRONG {fault}")
    return results


def _one(trial: Trial, home: Path) -> Result:
    try:
        faults = trial.faults(home)
    except Exception as error:
        faults = [f"{type(error).__name__}: {error}"]
    if not faults:  # else it can be looked at
        shutil.rmtree(home, ignore_errors=True)
    return Result(trial.kind, trial.name, faults)


def table(results: Iterable[Result]) -> str:
    """How many of each kind were right."""
    kinds: dict[str, list[bool]] = {}
    for result in results:
        kinds.setdefault(result.kind, []).append(not result.faults)
    return "\n".join(f"{sum(of)} of {len(of)}  {kind}" for kind, of in kinds.items())
