"""Makes or conducts a study and dies at one exact moment; started by tests."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from normlab.records.folder import StudyFolder
from normlab.spec.plan import plan
from tests.records.studies import SPEC, finish

EVENTS = (
    "open",
    "os.rename",
    "os.remove",
    "os.mkdir",
    "fcntl.flock",
    "sqlite3.connect",
)


def die_at(moment: int, below: str) -> None:
    """Be killed before the n-th time that a file below a folder is touched."""
    left = moment

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event not in EVENTS and not event.startswith("os."):
            return
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    del below
    sys.addaudithook(audit)


def main(task: str, place: str, moment: int) -> None:
    path = Path(place)
    die_at(moment, place)
    if task == "make":
        with StudyFolder.begin(path, SPEC) as folder, folder.write() as writer:
            writer.add_runs(plan(SPEC))
    else:
        with StudyFolder.open(path).write() as writer:
            finish(writer, plan(SPEC)[0])
    print("whole")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
