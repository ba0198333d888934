"""Whether a finished study trains as the article's own script does.

Reads `normlab show DIR --json` and compares the mean over the seeds with one run of
the article's script: the mean training loss of the first epoch within 5 %, of the
later ones within 15 % (one seed's own scatter), and the test accuracy after the last
epoch between 98.0 % and 98.3 %. Ends with exit code 1 if something is outside.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import mean

from timing import NORMLAB, append_json, parser_for, table

REFERENCE = {
    "none": (0.294, 0.0976, 0.0630, 0.0431, 0.0303),
    "batch": (0.194, 0.0774, 0.0492, 0.0362, 0.0244),
}
TOLERANCE_FIRST, TOLERANCE_LATER = 0.05, 0.15
ACCURACY = (0.980, 0.983)
Row = tuple[str, str, str, str, str]


def epochs_by_arm(folder: Path) -> dict[str, list[list[dict]]]:
    """The epochs of every finished run, by arm."""
    command = [str(NORMLAB), "show", str(folder), "--json"]
    shown = subprocess.run(command, capture_output=True, text=True)
    if shown.returncode:
        sys.exit(shown.stderr.strip())
    arms: dict[str, list[list[dict]]] = {}
    for run in json.loads(shown.stdout)["runs"]:
        if run["status"] == "done":
            arms.setdefault(run["arm"], []).append(run["epochs"])
    return arms


def loss_rows(arm: str, runs: list[list[dict]]) -> list[Row]:
    """Mean training loss of each epoch beside the reference."""
    rows = []
    for index, expected in enumerate(REFERENCE[arm]):
        found = mean(epochs[index]["train_loss"] for epochs in runs)
        allowed = TOLERANCE_LATER if index else TOLERANCE_FIRST
        off = found / expected - 1
        rows.append(
            (
                f"{arm}: loss of epoch {index + 1}",
                f"{found:.4f}",
                f"{expected:.4f}",
                f"{off:+.1%} of ±{allowed:.0%}",
                "ok" if abs(off) <= allowed else "OUTSIDE",
            )
        )
    return rows


def accuracy_row(arm: str, runs: list[list[dict]]) -> Row:
    """Mean test accuracy after the last epoch."""
    found = mean(epochs[-1]["test_accuracy"] for epochs in runs)
    low, high = ACCURACY
    within = low <= found <= high
    allowed = f"{low:.1%} to {high:.1%}"
    return (
        f"{arm}: test accuracy",
        f"{found:.2%}",
        "",
        allowed,
        "ok" if within else "OUTSIDE",
    )


def main() -> None:
    """Compare and print."""
    parser = parser_for(__doc__)
    parser.add_argument("folder", type=Path, help="a finished study")
    given = parser.parse_args()
    arms = epochs_by_arm(given.folder)
    rows: list[Row] = []
    for arm, expected in REFERENCE.items():
        runs = arms.get(arm, [])
        if not runs or any(len(epochs) != len(expected) for epochs in runs):
            sys.exit(f"{given.folder}: arm {arm} has no finished runs of 5 epochs.")
        rows += [*loss_rows(arm, runs), accuracy_row(arm, runs)]
    print(table(("mean over the seeds", "ours", "reference", "allowed", ""), rows))
    append_json(given.json, "accuracy", {row[0]: row[1] for row in rows})
    sys.exit(any(row[-1] != "ok" for row in rows))


if __name__ == "__main__":
    main()
