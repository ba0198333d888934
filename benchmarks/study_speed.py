"""Whole processes against each other: normlab's command line and the article's script.

Five questions, each answered by times of complete processes (start of Python, reading
data, training, evaluation, end), which take turns; a ratio is formed within each round
and the median over the rounds is printed:

* `pair`: the article's job (both arms, one seed, then the test images) by
  `normlab run --seeds 0, --measure none` and by `article_script.py`, with its loader
  over samples and, as second reference, over tensors in memory;
* `workers`: the study of ten runs on one worker and on two;
* `whole`: `normlab run --measure none`, that is ten runs, evaluation and claims,
  against the article's script for its single pair;
* `complete`: `normlab run` with all it does by default, measures, surfaces and report,
  against the article's script for its single pair;
* `help`: `normlab --help` (median of ten), and that torch is not imported for it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from timing import NORMLAB, append_json, parser_for, process_seconds, spread, table

SCRIPT = Path(__file__).with_name("article_script.py")
Measured = dict[str, list[float]]
Row = tuple[str, str, str]


def article(loader: str, epochs: int) -> float:
    """Seconds of the article's script."""
    return process_seconds(
        [sys.executable, SCRIPT, "--loader", loader, "--epochs", str(epochs)]
    )


def study(*options: str, epochs: int, measure: str = "none") -> float:
    """Seconds of one `normlab run` into a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        command = [NORMLAB, "run", "--measure", measure, "--quiet"]
        return process_seconds(
            [*command, "--epochs", str(epochs), "--out", f"{folder}/study", *options]
        )


JOBS: dict[str, Callable[[int], float]] = {
    "article script": lambda epochs: article("samples", epochs),
    "article script, tensors in memory": lambda epochs: article("memory", epochs),
    "normlab, one pair": lambda epochs: study("--seeds", "0,", epochs=epochs),
    "normlab, ten runs": lambda epochs: study(epochs=epochs),
    "normlab, ten runs, 2 workers": lambda epochs: study(
        "--workers", "2", epochs=epochs
    ),
    "normlab, ten runs, 1 worker": lambda epochs: study(
        "--workers", "1", epochs=epochs
    ),
    "normlab run, complete": lambda epochs: study(epochs=epochs, measure="full"),
}
# question -> (ratio's name, over, under, target); times are shared between questions
RATIOS = {
    "pair": (
        ("pair: article script / normlab", 0, 2, ">= 6"),
        ("pair: tensors in memory / normlab", 1, 2, ""),
    ),
    "workers": (("ten runs: 1 worker / 2 workers", 5, 4, ">= 1.8"),),
    "whole": (("ten runs / article script's pair", 3, 0, "<= 0.85"),),
    "complete": (("complete run / article script's pair", 6, 0, "<= 1.0"),),
}


def alternated(names: list[str], *, repeats: int, epochs: int) -> Measured:
    """Seconds of each job in each round; every other round goes backwards."""
    seconds: Measured = {name: [] for name in names}
    for round_ in range(repeats):
        for name in names if round_ % 2 == 0 else reversed(names):
            seconds[name].append(JOBS[name](epochs))
            print(f"  {name}: {seconds[name][-1]:.1f} s", flush=True)
    return seconds


def compare(questions: list[str], *, repeats: int, epochs: int) -> list[Row]:
    """Run the jobs that the questions need and form their ratios."""
    jobs = list(JOBS)
    wanted = [ratio for question in questions for ratio in RATIOS[question]]
    needed = sorted({index for _, over, under, _ in wanted for index in (over, under)})
    taken = alternated([jobs[i] for i in needed], repeats=repeats, epochs=epochs)
    rows = [(f"{name}, s", f"{median(s):.1f}", "") for name, s in taken.items()]
    for name, over, under, target in wanted:
        pairs = zip(taken[jobs[over]], taken[jobs[under]], strict=True)
        rows.append((name, spread([a / b for a, b in pairs]), target))
    return rows


def help_page() -> list[Row]:
    """Time of the help page, and whether torch came along."""
    seconds = median(process_seconds([NORMLAB, "--help"]) for _ in range(10))
    traced = subprocess.run(
        [sys.executable, "-X", "importtime", NORMLAB, "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    names = {line.rpartition("|")[2].strip() for line in traced.splitlines()}
    torch = sorted(name for name in names if name.partition(".")[0] == "torch")
    return [
        ("normlab --help, s", f"{seconds:.3f}", "< 0.3"),
        (f"torch modules among {len(names)} imported", str(len(torch)), "0"),
    ]


def main() -> None:
    """Answer the questions asked."""
    parser = parser_for(__doc__)
    parser.add_argument("--what", default="pair,workers,whole,complete,help")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    given = parser.parse_args()
    asked = given.what.split(",")
    if unknown := set(asked) - {*RATIOS, "help"}:
        parser.error(f"--what {','.join(sorted(unknown))}: not a question here")
    rows = help_page() if "help" in asked else []
    questions = [question for question in asked if question in RATIOS]
    if questions:
        rows += compare(questions, repeats=given.repeats, epochs=given.epochs)
    print(table(("figure", "median", "target"), rows))
    figures = {name: value for name, value, _ in rows}
    append_json(given.json, "study_speed", {"epochs": given.epochs, **figures})


if __name__ == "__main__":
    main()
