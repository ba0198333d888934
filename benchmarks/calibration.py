"""A/A calibration of the claims: benchmarks/calibration.py [--train | --simulated].

Draws studies in which nothing differs from a pool of real runs of one arm, and counts
false verdicts and intervals that miss (see `normlab.calibration.equal_arms`). Growing
studies and intervals of accuracies are simulated; with --simulated these alone. Counts
go to benchmarks/results/calibration.json, their table to docs/claims.md. With --train
the pool is trained anew first (see `pool.py`); without it, the kept one is used.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from normlab.calibration.accuracies import SIZES, coverage
from normlab.calibration.declared import simulated
from normlab.calibration.error_rates import ANY, calibrate, most
from normlab.calibration.pool import Pool, read_pool, write_pool

ROOT = Path(__file__).resolve().parents[1]
POOL = ROOT / "tests" / "analysis" / "data" / "pool.npz"
RESULT = ROOT / "benchmarks" / "results" / "calibration.json"
PAGE = ROOT / "docs" / "claims.md"
BEGIN, END = "<!-- made by make calibrate -->\n", "<!-- made so far -->\n"
SEEDS, STUDIES = (3, 5, 10), 2000
MANY_LOOKS = 6  # that are named one by one
GROWING = 20_000  # simulated studies of each design


def calibrated(pool: Pool, studies: int) -> dict[str, Any]:
    """Everything that is kept of a calibration."""
    began = time.monotonic()
    rows = []
    for seeds in SEEDS:
        rows += calibrate(pool, seeds=seeds, studies=studies)
        print(f"{seeds} seeds: {time.monotonic() - began:.0f} s so far")
    return {
        "about": (
            "Studies in which nothing differs, drawn from a pool of real runs of one "
            "arm. Counts are of studies: 'judged' have an effect from every pair, "
            "'alone' of these are called supported or contradicted if the claim is "
            "judged alone, 'false' after correction for all claims of the study; "
            "'missed' of 'intervals' do not cover equality. good: each share is at "
            "most 5 % and two standard errors."
        ),
        "pool": {
            "runs": len(pool.runs),
            "steps": int(pool.runs[0].step_losses.size),
            "ladders": len(pool.ladders),
            "rates": [run.key.rate for run in pool.ladders[0]],
            "diverged": [
                sum(ladder[i].status == "diverged" for ladder in pool.ladders)
                for i in range(len(pool.ladders[0]))
            ],
        },
        "studies": studies,
        "limit": most(studies) / studies,
        "claims": [
            {
                **asdict(row),
                "false_rate": round(row.false / max(row.judged, 1), 5),
                "coverage": round(1 - row.missed / row.intervals, 5)
                if row.intervals
                else None,
                "good": row.good,
            }
            for row in rows
        ],
    }


def simulations(studies: int) -> dict[str, Any]:
    """Growing studies, and intervals of accuracies, from numbers that are known."""
    began = time.monotonic()
    growing = [{**asdict(row), "good": row.good} for row in simulated(GROWING)]
    print(f"growing studies: {time.monotonic() - began:.0f} s")
    covers = [asdict(coverage(*size, studies)) for size in SIZES]
    print(f"accuracies too: {time.monotonic() - began:.0f} s")
    return {"growing": growing, "accuracies": covers}


def growing_table(kept: dict[str, Any]) -> list[str]:
    """Simulated studies that were looked at several times."""
    lines = [
        "",
        f"Growing studies, per cent of {GROWING:,} with a false verdict at any look, "
        f"simulated; at most {100 * most(GROWING) / GROWING:.1f} may have one.",
        "",
        "| claims | looks at | seeds at most | false | if each look took 5 % |",
        "|---|---|---|---|---|",
    ]
    for row in kept["growing"]:
        design, of = row["design"], row["studies"]
        looks = design["looks"]
        told = ", ".join(map(str, looks))
        if len(looks) > MANY_LOOKS:
            told = f"each number from {looks[0]} to {looks[-1]}"
        false = _share(row["false"], of) + ("" if row["good"] else " (**too many**)")
        lines.append(
            f"| {design['claims']} | {told} | {design['at_most']} | {false} "
            f"| {_share(row['naive'], of)} |"
        )
    return lines


def accuracies_table(kept: dict[str, Any]) -> list[str]:
    """Coverage of the interval of an accuracy difference."""
    rows = kept["accuracies"]
    lines = [
        "",
        f"Accuracies, per cent of {rows[0]['studies']:,} simulated studies whose "
        "interval covers the true difference.",
        "",
        f"| test images | {' | '.join(f'{n} seeds' for n in SEEDS)} |",
        "|---|---|---|---|",
    ]
    for images in dict.fromkeys(row["images"] for row in rows):
        shares = [
            _share(row["covered"], row["intervals"])
            for row in rows
            if row["images"] == images
        ]
        lines.append(f"| {images:,} | {' | '.join(shares)} |")
    return lines


def table(kept: dict[str, Any]) -> str:
    """The kept counts as a table in Markdown, percent for 3 / 5 / 10 seeds."""
    named: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in kept["claims"]:
        named.setdefault((row["claim"], row["where"]), []).append(row)
    sizes = " / ".join(map(str, SEEDS))
    lines = [
        f"Per cent of {kept['studies']:,} studies with {sizes} seeds; at most "
        f"{100 * kept['limit']:.1f} may be wrong where all are judged.",
        "",
        "| claim | pairs that count | false, judged alone | false, corrected "
        "| intervals cover |",
        "|---|---|---|---|---|",
    ]
    for (claim, where), rows in named.items():
        name = f"`{claim}`" if claim != ANY else ANY
        name += f", {where}" if where else ""
        name += "" if all(row["good"] for row in rows) else " (**too many**)"
        pairs = _percent(float(np.mean([row["pairs"] for row in rows])))
        alone, false = (
            " / ".join(_share(row[wrong], row["judged"]) for row in rows)
            for wrong in ("alone", "false")
        )
        cover = " / ".join(
            _share(row["intervals"] - row["missed"], row["intervals"]) for row in rows
        )
        judged = [row["judged"] for row in rows]
        if min(judged) < kept["studies"]:
            pairs += f"; judged {' / '.join(map(str, judged))} studies"
        if claim == ANY:
            pairs = alone = cover = ""
        lines.append(f"| {name} | {pairs} | {alone} | {false} | {cover} |")
    lines += growing_table(kept) + accuracies_table(kept)
    return "\n".join(lines) + "\n"


def _share(wrong: int, of: int) -> str:
    return _percent(wrong / of) if of else "–"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}".replace("100.0", "100").replace("nan", "–")


def put(page: str, made: str) -> str:
    """The page with the table between its marks replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{made}\n{END}{after}"


def main() -> None:
    """Train if asked to, calibrate, print and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", action="store_true", help="train the pool anew")
    parser.add_argument(
        "--simulated", action="store_true", help="renew what is simulated alone"
    )
    parser.add_argument("--studies", type=int, default=STUDIES, help="of each size")
    given = parser.parse_args()
    if given.train:
        from pool import trained

        write_pool(POOL, trained())
    if given.simulated:
        kept = json.loads(RESULT.read_text())
    else:
        kept = calibrated(read_pool(POOL), given.studies)
    kept |= simulations(given.studies)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(kept, indent=1) + "\n")
    made = table(kept)
    PAGE.write_text(put(PAGE.read_text(), made))
    print(made)


if __name__ == "__main__":
    main()
