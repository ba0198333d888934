"""What only a process of its own can show: imports, pipes, encodings, codes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from normlab.records.folder import StudyFolder

from .made_up import study

HEAVY = ("torch", "numpy", "scipy", "rich", "normlab.spec.study")
RUN = "import sys; from normlab.cli import main; sys.exit(main())"

PROBE = """
import sys
from normlab.cli import main
code = main(sys.argv[1:])
print("imported:", *(name for name in {names!r} if name in sys.modules))
sys.exit(code)
"""


def normlab(
    *words: str, cwd: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROBE.format(names=HEAVY), *words],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("words", ["--help", "run --help", "resume", "rnu"])
def test_what_needs_no_study_imports_nothing_heavy(words: str, tmp_path: Path) -> None:
    assert normlab(*words.split(), cwd=tmp_path).stdout.endswith("imported:\n")


@pytest.mark.parametrize(
    "words",
    ["show s", "show s --json", "list", "export s --format csv -o s.csv", "run --lr x"],
)
def test_what_only_shows_never_imports_torch(words: str, tmp_path: Path) -> None:
    study(tmp_path / "s")
    done = normlab(*words.split(), cwd=tmp_path)
    imported = done.stdout.splitlines()[-1].split()
    assert "normlab.spec.study" in imported
    assert "torch" not in imported


def test_a_shell_is_told_what_may_follow(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=tmp_path,
        env={
            **os.environ,
            "_NORMLAB_COMPLETE": "complete_bash",
            "COMP_WORDS": "normlab run --ep",
            "COMP_CWORD": "2",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.split() == ["--epochs"]


def test_an_error_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    done = normlab("show", "nowhere", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("normlab: error: nowhere: does not exist.")
    assert done.stderr.count("\n") == 1


def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    study(tmp_path / "s")
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer) as pipe:
        done = subprocess.run(
            [sys.executable, "-c", RUN, "show", "s"],
            cwd=tmp_path,
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_old_encoding_does_not_stop_the_account(tmp_path: Path) -> None:
    study(tmp_path / "s")
    done = normlab("show", "s", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", ["show s", "list"])
def test_nobody_listening_is_no_trouble(words: str, tmp_path: Path) -> None:
    study(tmp_path / "s")
    done = subprocess.run(
        [sys.executable, "-m", "normlab", *words.split()],
        preexec_fn=lambda: os.close(1),  # as `>&-` in a shell
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_progress_that_nobody_reads_ends_with_the_resume_command(
    tmp_path: Path,
) -> None:
    _write_data(tmp_path / "d.npz")
    words = f"run {STUDY} --epochs 50"
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, *words.split()],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None and process.stderr is not None
        while "epoch 1/50" not in process.stdout.readline():
            pass
        process.stdout.close()
        told = process.stderr.read()
    assert process.returncode == 1
    assert told == (
        "normlab: stopped; everything so far is kept. Go on with: normlab resume s\n"
    )


STUDY = "--data d.npz --seeds 2 --batch-size 20 --measure none --out s"


def _write_data(path: Path) -> None:
    images, labels = np.zeros((40, 20, 20), np.uint8), np.arange(40) % 2
    images[labels == 1] = 255
    np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)


def _no_file_of_a_network() -> None:
    """As a disk that fills up: study.db has room, two megabytes of weights have not."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))


def test_a_study_that_can_write_no_more_stops_with_one_line_and_goes_on(
    tmp_path: Path,
) -> None:
    _write_data(tmp_path / "d.npz")
    words = f"{STUDY} --epochs 1"
    stopped = subprocess.run(
        [sys.executable, "-c", RUN, "run", *words.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        preexec_fn=_no_file_of_a_network,
    )
    assert stopped.returncode == 2
    assert stopped.stderr.startswith("normlab: error: s/checkpoints/")
    assert "cannot be written (File too large" in stopped.stderr
    assert stopped.stderr.endswith("Then go on with: normlab resume s\n")
    assert stopped.stderr.count("\n") == 1
    before = StudyFolder.open(tmp_path / "s").statuses()
    assert "failed" not in before and "done" not in before
    assert normlab("resume", "s", cwd=tmp_path).returncode == 0
    assert StudyFolder.open(tmp_path / "s").statuses() == {"done": 4}
