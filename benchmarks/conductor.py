"""A study of a thousand runs, trained for real: what its conducting process needs.

Starts `normlab run` on blobs of 64 pixels with a network of 16 units, and reads
`/proc` of the conducting process, whose workers are processes of their own: processor
seconds and resident memory, quarter by quarter of the runs. Then sizes on disk, and
what the other commands need on the study. Linux only.

    nice python benchmarks/conductor.py              # 1,000 runs, three minutes
    nice python benchmarks/conductor.py --seeds 30 --refine
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from grown import SETTINGS, data_file
from growth import COMMANDS, used_by
from timing import NORMLAB, append_json, parser_for, table

TICKS = os.sysconf("SC_CLK_TCK")
RATES = "0.01,0.03,0.1"
QUARTERS = 4


class Sample(NamedTuple):
    """The conducting process at one moment."""

    ended: int  # runs
    wall: float  # seconds
    busy: float  # processor seconds, its own alone
    megabytes: float  # resident


def command(given: list[str], data: Path, out: Path) -> list[str]:
    """The study: two arms, one epoch."""
    settings = [*SETTINGS, "model.depth=1", "recipe.batch_size=8"]
    words = [f"--data={data}", "--epochs=1", f"--out={out}", *given]
    return [str(NORMLAB), "run", *words, *(f"--set={one}" for one in settings)]


def look(process: int, database: Path, began: float) -> Sample | None:
    """How it stands; None where it has not begun, or is gone."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        status = Path(f"/proc/{process}/status").read_text()
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as reading:
            (ended,) = reading.execute(
                "SELECT COUNT(*) FROM runs WHERE status IN ('done', 'diverged')"
            ).fetchone()
    except (OSError, sqlite3.Error):
        return None
    resident = [line for line in status.splitlines() if line.startswith("VmRSS")]
    if not resident:  # it has ended, and nobody has waited for it yet
        return None
    busy = (int(stat[11]) + int(stat[12])) / TICKS
    megabytes = int(resident[0].split()[1]) * 1024 / 1e6
    return Sample(ended, time.perf_counter() - began, busy, megabytes)


def watched(words: list[str], database: Path, interval: float) -> list[Sample]:
    """Run the study to its end, looking at it now and then while runs are trained."""
    began = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as study:
        samples: list[Sample] = []
        while study.poll() is None:
            sample = look(study.pid, database, began)
            if sample and (not samples or sample.ended > samples[-1].ended):
                samples.append(sample)
            time.sleep(interval)
    if study.returncode:
        sys.exit(f"{' '.join(words)} ended with {study.returncode}")
    return samples


def by_quarter(samples: list[Sample]) -> list[Sample]:
    """The first sample, and one at the end of each quarter of the runs."""
    total = samples[-1].ended
    wanted = [total * i / QUARTERS for i in range(1, QUARTERS + 1)]
    return [
        samples[0],
        *(next(one for one in samples if one.ended >= runs) for runs in wanted),
    ]


def rows(ends: list[Sample]) -> list[tuple[str, ...]]:
    """What each quarter took."""
    return [
        (
            f"runs {before.ended + 1:,}-{after.ended:,}",
            f"{after.wall - before.wall:.0f}",
            f"{1e3 * (after.busy - before.busy) / (after.ended - before.ended):.2f}",
            f"{after.megabytes:.1f}",
        )
        for before, after in pairwise(ends)
    ]


def sizes(study: Path) -> dict[str, float]:
    """Megabytes of study.db, and of everything."""
    files = [path for path in study.rglob("*") if path.is_file()]
    return {
        "study.db, MB": (study / "study.db").stat().st_size / 1e6,
        "all files, MB": sum(path.stat().st_size for path in files) / 1e6,
        "files": len(files),
    }


def main() -> None:
    """Train, watch, print."""
    parser = parser_for(__doc__)
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--refine", action="store_true", help="three rates, and more")
    parser.add_argument("--interval", type=float, default=0.2, help="seconds")
    given = parser.parse_args()
    asked = [f"--seeds={given.seeds}"]
    asked += [f"--lr={RATES}", "--refine", "--validation=200"] if given.refine else []
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study"
        words = command(asked, data_file(Path(folder)), study)
        samples = watched(words, study / "study.db", given.interval)
        head = ("", "seconds", "ms of conductor a run", "its memory, MB")
        print(f"\n{table(head, rows(by_quarter(samples)))}\n", flush=True)
        figures = sizes(study)
        for name, of in COMMANDS.items():
            places = {"study": study, "above": Path(folder)}
            used = used_by([word.format(**places) for word in of])
            figures[f"{name}, s"], figures[f"{name}, MB"] = used
    print(table(("", ""), [(name, f"{value:,.3g}") for name, value in figures.items()]))
    quarters = [sample._asdict() for sample in by_quarter(samples)]
    append_json(given.json, "conductor", {**figures, "quarters": quarters})


if __name__ == "__main__":
    main()
