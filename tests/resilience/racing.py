"""Two processes begin, then go on with, a study at the same time, over and over."""

from __future__ import annotations

import multiprocessing
import random
import sys
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

from normlab.errors import BadFolder
from normlab.records.folder import StudyFolder
from normlab.spec.plan import plan
from tests.records.studies import SPEC, finish

PLAIN = {".lock", "arrays", "study.db", "study.toml"}


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
        if (path / "study.db").exists():
            time.sleep(pauses.random() * 0.004)
            Path(home, f"{at:03}-{number}-on").write_text(go_on(path))
        barrier.wait()


def go_on(path: Path) -> str:
    """Finish the second run, or be refused."""
    try:
        with StudyFolder.open(path).write() as writer:
            writer.rewind(plan(SPEC)[1], 0)
            finish(writer, plan(SPEC)[1])
    except BadFolder as refused:
        return f"refused: {refused}"
    return "kept"


def faults(home: Path, rounds: int) -> Iterator[tuple[int, str]]:
    """What went wrong, and in which round."""
    for at in range(rounds):
        path = home / f"{at:03}"
        ends = [Path(home, f"{at:03}-{number}").read_text() for number in (0, 1)]
        for fault in _lost(path, ends):
            yield at, f"{fault}; {ends}"


def _lost(path: Path, ends: list[str]) -> list[str]:
    winners = [number for number in (0, 1) if ends[number] == "kept"]
    if not winners:
        StudyFolder.refuse_taken(path)  # as good as new
        return [] if "regretted" in ends else ["nobody kept it"]
    went = [path.with_name(f"{path.name}-{n}-on").read_text() for n in (0, 1)]
    record = StudyFolder.open(path).read()
    names = {place.name for place in path.iterdir()}
    right = {
        "both kept it": len(winners) == 1,
        "it is another's": record.meta["by"] == str(winners[0]),
        "a run is lost": [run.status for run in record.runs[:2]] == ["done", "done"],
        f"something is left: {sorted(names)}": names == PLAIN,
        f"nobody could go on: {went}": "kept" in went,
        f"refused otherwise: {went}": all(w == "kept" or "in use" in w for w in went),
    }
    return [fault for fault, holds in right.items() if not holds]


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
