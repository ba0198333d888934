"""Two processes begin a study in one folder at the same time, over and over."""

from __future__ import annotations

import multiprocessing
import random
import sys
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

from normlab.errors import BadFolder
from normlab.records.folder import StudyFolder
from normlab.spec.plan import plan
from tests.records.studies import SPEC, finish


class _Regret(Exception):
    """Nothing comes of it, before a run has started."""


def start(number: int, home: str, rounds: int, barrier: Barrier) -> None:
    """Begin in each round; whoever may keeps one run, or takes it back."""
    pauses = random.Random(number)
    for at in range(rounds):
        path = Path(home, f"{at:03}")
        regrets = number == 0 and at % 3 == 0
        barrier.wait()
        time.sleep(pauses.random() * 0.004)
        try:
            with StudyFolder.begin(path, SPEC, {"by": str(number)}) as folder:
                if regrets:
                    raise _Regret
                with folder.write() as writer:
                    writer.add_runs(plan(SPEC))
                    finish(writer, plan(SPEC)[0])
        except BadFolder as refused:
            Path(home, f"{at:03}-{number}").write_text(f"refused: {refused}")
        except _Regret:
            Path(home, f"{at:03}-{number}").write_text("regretted")
        else:
            Path(home, f"{at:03}-{number}").write_text("kept")
        barrier.wait()


def main() -> None:
    """As many rounds as are asked for, in the folder that is given."""
    home, rounds = sys.argv[1], int(sys.argv[2])
    forked = multiprocessing.get_context("fork")
    barrier = forked.Barrier(2, timeout=60)
    both = [
        forked.Process(target=start, args=(number, home, rounds, barrier))
        for number in (0, 1)
    ]
    for process in both:
        process.start()
    for process in both:
        process.join()
    sys.exit(max(abs(process.exitcode or 0) for process in both))


if __name__ == "__main__":
    main()
