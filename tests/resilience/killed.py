"""Makes a study over and over, each time killed one step later; a test starts it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from normlab.records import _arrays
from normlab.records.folder import StudyFolder
from normlab.spec.plan import plan
from tests.records.studies import SPEC, finish
from tests.records.test_surface import whole


def make(path: Path) -> None:
    """Begin a study and queue its runs."""
    with StudyFolder.begin(path, SPEC) as folder, folder.write() as writer:
        writer.add_runs(plan(SPEC))


def fail(path: Path) -> None:
    """Begin a study of which nothing comes, so that it is taken back."""
    try:
        with StudyFolder.begin(path, SPEC):
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass


def go_on(path: Path) -> None:
    """Finish a run of a study, with its arrays and a surface."""
    if not path.exists():
        make(path)
    with StudyFolder.open(path).write() as writer:
        finish(writer, plan(SPEC)[0])
        writer.surface(whole())
        _arrays.write(
            _arrays.place(path, "none-1", "path"), {"steps": whole().surface.a}
        )


def killed(task: Callable[[Path], None], path: Path, moment: int) -> bool:
    """Whether the task was killed before the n-th thing it does to files."""
    child = os.fork()
    if child == 0:
        _die_at(moment)
        task(path)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _die_at(moment: int) -> None:
    left = moment

    def audit(event: str, _: object) -> None:
        nonlocal left
        if event.startswith(("os.", "open", "fcntl.", "sqlite3.")):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(audit)


def main() -> None:
    """One folder for each moment, until the task comes to its end."""
    task, home = {"make": make, "fail": fail, "go_on": go_on}[sys.argv[1]], sys.argv[2]
    task(Path(home, "whole"))  # what is imported on the way is no moment of its own
    moment = 1
    while killed(task, Path(home, f"{moment:03}"), moment):
        moment += 1


if __name__ == "__main__":
    main()
