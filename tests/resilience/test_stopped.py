"""A command that is stopped says so in one line, at whatever moment it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from normlab.cli.stopping import Stopped, signal_behind, signals_stop
from normlab.records.folder import StudyFolder
from tests.cli.made_up import study
from tests.study.cases import MODEL, write_data

# the moment is the import of a module, the first of its kind on the way there
STOPPED = """
import os, signal, sys
from normlab.cli import main
moment, number, stops = sys.argv.pop(1), int(sys.argv.pop(1)), []
def audit(event, about):
    if event == "import" and about[0] == moment and not stops:
        stops.append(os.kill(os.getpid(), number))
sys.addaudithook(audit)
sys.exit(main())
"""
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
KEPT = "normlab: stopped; everything so far is kept. Go on with: normlab resume new\n"
NOTHING = "normlab: stopped before training began; nothing was kept.\n"
RUN = (
    "run --data data.npz --model net.py:make --seeds 1 --epochs 1 --measure none "
    "--set execution.workers=1 --out new"
)
MOMENTS = [
    ("show study", "typer", "normlab: stopped.\n"),
    ("show study", "numpy", "normlab: stopped.\n"),
    ("show study", "normlab.terminal.summary_text", "normlab: stopped.\n"),
    ("list", "normlab.records.found", "normlab: stopped.\n"),
    ("report study", "scipy", "normlab: stopped.\n"),
    ("report study", "plotly", "normlab: stopped.\n"),
    ("export study --format csv -o new.csv", "sqlite3", "normlab: stopped.\n"),
    ("--help", "typer.main", "normlab: stopped.\n"),
    (RUN, "pydantic", "normlab: stopped.\n"),
    (RUN, "torch", NOTHING),
    (RUN, "normlab.study.conduct", NOTHING),
    (RUN, "normlab.terminal.summary_text", KEPT),
    (RUN, "normlab.report.write", KEPT),
]
CASES = [(*case, SIGNALS[place % 3]) for place, case in enumerate(MOMENTS)]


def stopped(
    words: str, moment: str, number: int, folder: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", STOPPED, moment, str(number), *words.split()],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(("words", "moment", "line", "number"), CASES)
def test_one_line_and_the_code_of_the_signal(
    words: str, moment: str, line: str, number: signal.Signals, tmp_path: Path
) -> None:
    study(tmp_path / "study")
    write_data(tmp_path)
    (tmp_path / "net.py").write_text(MODEL)
    done = stopped(words, moment, number, tmp_path)
    assert (done.returncode, done.stderr) == (128 + number, line)
    assert (tmp_path / "new").exists() == (line == KEPT)
    if line == KEPT:
        assert not StudyFolder.open(tmp_path / "new").in_use
    assert not (tmp_path / "new.csv").exists()


def test_a_signal_that_python_must_ignore_comes_again() -> None:
    class Deaf:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(1000):
                pass

    with pytest.raises(Stopped), signals_stop():  # noqa: PT012
        deaf = Deaf()
        del deaf
        signal.pause()


def test_what_an_interrupted_import_raises_is_the_signal() -> None:
    error = ImportError("initialization of _multiarray failed")
    with signals_stop():
        assert signal_behind(error) is None
        with pytest.raises(Stopped):
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal_behind(error) == signal.SIGHUP
    assert signal_behind(error) is None


@pytest.mark.parametrize("at_once", [True, False])
def test_a_forked_process_stops_as_others_do(at_once: bool) -> None:
    """Also by a signal that comes while it is being forked."""
    for _ in range(20):
        reads, writes = os.pipe()
        with signals_stop():
            child = os.fork()
            if child == 0:
                os.write(writes, b"!")
                time.sleep(60)
                os._exit(0)  # it heard nothing
            if not at_once:
                os.read(reads, 1)
            os.kill(child, signal.SIGTERM)
            _, status = os.waitpid(child, 0)
        os.close(reads)
        os.close(writes)
        assert os.WTERMSIG(status) == signal.SIGTERM


HELPED = """
import multiprocessing, os, sys, time
from torch import nn

def loop():
    time.sleep(10_000)

def make(norm, shape, classes):
    helper = multiprocessing.get_context("fork").Process(target=loop, daemon=True)
    helper.start()
    with open("helpers", "a") as file:
        print(helper.pid, file=file)
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 8), norm(8), nn.Linear(8, classes))
"""


@pytest.mark.parametrize("moment", ["normlab.report.write", "no.such.module"])
def test_a_network_that_forks_keeps_no_command_waiting(
    moment: str, tmp_path: Path
) -> None:
    from tests.resilience.test_workers import gone

    write_data(tmp_path)
    (tmp_path / "net.py").write_text(HELPED)
    done = stopped(RUN, moment, signal.SIGTERM, tmp_path)
    stops = moment == "normlab.report.write"
    assert (done.returncode, done.stderr) == ((143, KEPT) if stops else (0, ""))
    assert gone(*map(int, (tmp_path / "helpers").read_text().split()))
