"""Calibration of the claims: benchmarks/calibration.py [--train | --simulated].

Draws studies that should find nothing from a pool of real runs, and counts false
verdicts and intervals that miss (see `normlab.calibration.drawn`, `placebo`). Growing
studies and intervals of accuracies are simulated; with --simulated these alone. Counts
go to benchmarks/results/calibration.json, their tables to docs/claims.md. With --train
the pool is trained anew first (see `pool.py`); without it, the kept one is used.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from normlab.calibration.accuracies import SIZES, coverage
from normlab.calibration.declared import simulated
from normlab.calibration.error_rates import (
    ANY,
    EQUAL,
    FAILING,
    LADDERS,
    calibrate,
)
from normlab.calibration.pool import Pool, read_pool, write_pool
from normlab.calibration.share import most

ROOT = Path(__file__).resolve().parents[1]
POOL = ROOT / "tests" / "calibration" / "data" / "pool.npz"
RESULT = ROOT / "benchmarks" / "results" / "calibration.json"
PAGE = ROOT / "docs" / "claims.md"
BEGIN, END = "<!-- made by make calibrate -->\n", "<!-- made so far -->\n"
SEEDS, STUDIES = (3, 5, 10), 2000
MANY_LOOKS = 6  # that are named one by one
GROWING = 20_000  # simulated studies of each design
COVERED = 0.97  # more is named: such intervals are wider than they need to be
_SHARES = ("alone", "false", "equal", "missed")
_SIZES = " / ".join(map(str, SEEDS))


def calibrated(pool: Pool, studies: int) -> dict[str, Any]:
    """Everything that is kept of a calibration."""
    began = time.monotonic()
    rows = calibrate(pool, sizes=SEEDS, studies=studies)
    print(f"drawn and judged: {time.monotonic() - began:.0f} s")
    return {
        "about": (
            "Studies that should find nothing, drawn from a pool of real runs, by "
            "what their arms differ in. 'judged' have an effect from three pairs or "
            "more. Of these, 'alone' are called supported, contradicted or mixed if "
            "the claim is judged by itself, 'false' after correction for all claims "
            "of the study, 'equal' are called no-difference with every effect moved "
            "by the margin. 'missed' of the intervals do not cover equality. error: "
            "of a share of 5 %, with that of the pool. good: each share is at most 5 "
            "% and two errors, and of intervals at most 7 % miss."
        ),
        "pool": {
            "runs": len(pool.runs),
            "normalized": len(pool.normalized),
            "steps": int(pool.runs[0].step_losses.size),
            "ladders": len(pool.ladders),
            "rates": [run.key.rate for run in pool.ladders[0]],
        },
        "studies": studies,
        "claims": [{**_rounded(asdict(row)), "good": row.good} for row in rows],
    }


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    row["pairs"] = round(row["pairs"], 4)
    for name in _SHARES:
        row[name]["error"] = round(row[name]["error"], 5)
    return row


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


def tables(kept: dict[str, Any]) -> str:
    """The kept counts as tables in Markdown, percent for 3 / 5 / 10 seeds."""
    named: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for row in kept["claims"]:
        named.setdefault(row["kind"], {}).setdefault(row["claim"], []).append(row)
    lines = [f"Per cent of {kept['studies']:,} studies with {_SIZES} seeds.", ""]
    for kind in (EQUAL, LADDERS, FAILING):
        lines += [*_equal(kind, named.pop(kind)), ""] if kind in named else []
    lines += [
        "| placebo | any claim false, corrected | most often false by itself |",
        "|---|---|---|",
        *(_placebo(kind, claims) for kind, claims in named.items()),
        *growing_table(kept),
        *accuracies_table(kept),
    ]
    return "\n".join(lines) + "\n"


def _equal(kind: str, claims: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    yield (
        f"| {kind} | pairs that count | false by itself | false, corrected "
        "| called equal at the margin | intervals cover |"
    )
    yield "|---|---|---|---|---|---|"
    for claim, rows in claims.items():
        name = claim if claim == ANY else f"`{claim}`"
        name += "" if all(row["good"] for row in rows) else " (**too many**)"
        false = _percents(rows, "false")
        if claim == ANY:
            yield f"| {name} | | | {false} | | |"
            continue
        pairs = f"{100 * sum(row['pairs'] for row in rows) / len(rows):.0f}"
        if any(row["judged"] < row["studies"] for row in rows):
            pairs += f"; {' / '.join(str(row['judged']) for row in rows)} studies"
        alone, equal = (_percents(rows, name) for name in ("alone", "equal"))
        yield f"| {name} | {pairs} | {alone} | {false} | {equal} | {_cover(rows)} |"


def _placebo(kind: str, claims: dict[str, list[dict[str, Any]]]) -> str:
    every = claims.pop(ANY)
    worst = max(claims, key=lambda claim: max(_rate(r["alone"]) for r in claims[claim]))
    good = all(row["good"] for rows in (*claims.values(), every) for row in rows)
    name = kind if good else f"{kind} (**too many**)"
    alone = _percents(claims[worst], "alone")
    return f"| {name} | {_percents(every, 'false')} | `{worst}`: {alone} |"


def _percents(rows: list[dict[str, Any]], share: str) -> str:
    return " / ".join(_percent(row[share]) for row in rows)


def _percent(share: dict[str, Any]) -> str:
    return _share(share["wrong"], share["of"])


def _share(wrong: int, of: int) -> str:
    return f"{100 * wrong / of:.1f}" if of else "–"


def _rate(share: dict[str, Any]) -> float:
    return share["wrong"] / share["of"] if share["of"] else 0.0


def _cover(rows: list[dict[str, Any]]) -> str:
    cells = []
    for row in rows:
        missed = row["missed"]
        if not missed["of"]:
            cells.append("–")
            continue
        covered = 1 - _rate(missed)
        cells.append(f"{100 * covered:.1f}{' (wide)' if covered > COVERED else ''}")
    return " / ".join(cells)


def put(page: str, made: str) -> str:
    """The page with the tables between its marks replaced."""
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
    made = tables(kept)
    PAGE.write_text(put(PAGE.read_text(), made))
    print(made)


if __name__ == "__main__":
    main()
