"""Whatever a model file starts ends with the command, which nothing of it holds up."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.resilience.test_workers import gone
from tests.study.cases import write_data

MAKES = """
import multiprocessing, os, signal, subprocess, sys, threading, time
from torch import nn

LASTS = [sys.executable, "-c", "import time; time.sleep(10_000)"]
FORK = multiprocessing.get_context("fork")

def note(pid):
    with open("started", "a") as file:
        print(pid, file=file)

def lasting():
    note(os.getpid())
    time.sleep(10_000)

def program(): note(subprocess.Popen(LASTS).pid)
def session(): note(subprocess.Popen(LASTS, start_new_session=True).pid)
def process(): FORK.Process(target=lasting).start()
def daemon(): FORK.Process(target=lasting, daemon=True).start()
def thread(): threading.Thread(target=time.sleep, args=(10_000,)).start()
def pool(): globals().setdefault("POOLS", []).append(FORK.Pool(2, note_all))
def note_all(): note(os.getpid())

def deaf():
    def last():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        lasting()
    FORK.Process(target=last).start()

def orphan():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            lasting()
        os._exit(0)
    os.wait()

def exit_function():
    import atexit
    atexit.register(time.sleep, 10_000)

def make(norm, shape, classes):
    for kind in KINDS.split():
        globals()[kind]()
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 8), norm(8), nn.Linear(8, classes))
"""
PROCESSES = "program session process daemon deaf orphan"
RUN = (
    "run --data data.npz --model net.py:make --seeds 1 --measure none "
    "--set execution.workers=1 --out new"
)


def command(kinds: str, folder: Path, *more: str) -> subprocess.Popen[bytes]:
    write_data(folder)
    (folder / "net.py").write_text(f"KINDS = {kinds!r}\n{MAKES}")
    words = [sys.executable, "-m", "normlab", *RUN.split(), *more]
    return subprocess.Popen(words, cwd=folder, stderr=subprocess.PIPE)


def started(folder: Path) -> list[int]:
    return list(map(int, (folder / "started").read_text().split()))


@pytest.mark.parametrize("kinds", [f"{PROCESSES} pool", "thread exit_function program"])
def test_a_command_ends_with_all_that_a_model_started(
    kinds: str, tmp_path: Path
) -> None:
    done = command(kinds, tmp_path, "--epochs", "1")
    _, told = done.communicate(timeout=60)
    assert (done.returncode, told) == (0, b"")
    assert started(tmp_path)
    assert gone(*started(tmp_path))


def test_so_does_one_that_is_stopped(tmp_path: Path) -> None:
    kinds = f"{PROCESSES} pool thread exit_function"
    done = command(kinds, tmp_path, "--epochs", "1000")
    while not list((tmp_path / "new").rglob("epoch*")) and done.poll() is None:
        time.sleep(0.05)  # a worker trains, and has built the network itself
    done.terminate()
    _, told = done.communicate(timeout=60)
    assert done.returncode == 128 + signal.SIGTERM
    assert told.startswith(b"normlab: stopped; ")
    assert told.count(b"\n") == 1
    assert gone(*started(tmp_path))
