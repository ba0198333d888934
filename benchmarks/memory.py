"""Memory of a whole study: peak of the PSS summed over all its processes.

Starts `normlab run --measure none` (ten runs) on two workers and reads
`/proc/PID/smaps_rollup` of the command and all processes below it a few times per
second. PSS counts a page that several processes share in equal parts, so the sum is
what the study really occupies: data that workers map together counts once. Linux only.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from timing import NORMLAB, append_json, parser_for, table

LIMIT_GB = 1.2


def descendants(root: int) -> list[int]:
    """`root` and every process below it."""
    children: dict[int, list[int]] = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # the name, in brackets, may hold anything: fields are counted after it
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # gone in the meantime
        children[parent].append(int(stat.parent.name))
    found, pending = [], [root]
    while pending:
        process = pending.pop()
        found.append(process)
        pending += children[process]
    return found


def pss_bytes(process: int) -> int:
    """Proportional set size; 0 if the process is gone."""
    try:
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    for line in rollup.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def watch(command: list[str], interval: float) -> tuple[dict[int, int], int]:
    """PSS of each process at the moment of the largest sum, and samples taken."""
    study = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak: dict[int, int] = {}
    samples = 0
    while study.poll() is None:
        now = {process: pss_bytes(process) for process in descendants(study.pid)}
        peak = max(peak, now, key=lambda seen: sum(seen.values()))
        samples += 1
        time.sleep(interval)
    if study.returncode:
        sys.exit(f"{' '.join(command)} ended with {study.returncode}")
    return peak, samples


def main() -> None:
    """Run the study, watch it, print the peak."""
    parser = parser_for(__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", default="5")
    parser.add_argument("--interval", type=float, default=0.2, help="seconds")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [str(NORMLAB), "run", "--measure", "none", "--quiet"]
        command += ["--workers", str(given.workers), "--epochs", str(given.epochs)]
        command += ["--seeds", given.seeds, "--out", f"{folder}/study"]
        peak, samples = watch(command, given.interval)
    total = sum(peak.values()) / 1e9
    rows = [(f"process {p}", f"{b / 1e9:.3f}", "") for p, b in sorted(peak.items())]
    rows.append((f"all, peak of {samples} samples", f"{total:.3f}", f"<= {LIMIT_GB}"))
    print(table(("PSS", "GB", "target"), rows))
    figures = {"peak_gb": total, "workers": given.workers, "processes": len(peak)}
    append_json(given.json, "memory", figures)


if __name__ == "__main__":
    main()
