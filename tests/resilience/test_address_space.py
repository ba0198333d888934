"""A limit of address space costs one line, whatever the libraries would do under it."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

import normlab
from tests.records.studies import finished

MB = 2**20


def under(limit: int, *words: str) -> subprocess.CompletedProcess[str]:
    """A command in a process that may have `limit` MB of address space."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit * MB, limit * MB))

    return subprocess.run(
        [sys.executable, "-m", "normlab", *words],
        preexec_fn=limited,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished(tmp_path_factory.mktemp("limited") / "s").path


@pytest.mark.parametrize("limit", [60, 100, 150, 200, 250, 300, 350, 500])
def test_reading_ends_well_or_in_one_line(study: Path, limit: int) -> None:
    done = under(limit, "show", str(study))
    lines = done.stderr.splitlines()
    assert (done.returncode, len(lines)) in {(0, 0), (2, 1)}
    assert all(line.startswith("normlab: error: ") for line in lines)


@pytest.mark.parametrize("limit", [100, 400, 700, 1000])
@pytest.mark.parametrize("command", ["run", "resume", "rerun", "surface"])
def test_training_is_refused_in_one_line(
    study: Path, command: str, limit: int, tmp_path: Path
) -> None:
    words = {
        "run": ["--out", str(tmp_path / "new")],
        "resume": [str(study)],
        "rerun": [str(study), "--out", str(tmp_path / "new")],
        "surface": ["mlp", "-o", str(tmp_path / "new")],
    }
    done = under(limit, command, *words[command])
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("normlab: error: ") and "ulimit -v" in line
    assert not (tmp_path / "new").exists()


FROM_PYTHON = """
import resource, sys
limit = int(sys.argv[1]) * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
import normlab
try:
    getattr(normlab, sys.argv[2])
except normlab.NormlabError as error:
    print(error)
"""


@pytest.mark.parametrize("limit", [100, 500])
@pytest.mark.parametrize("name", normlab.__all__)
def test_so_it_is_from_python_whatever_is_asked_for(name: str, limit: int) -> None:
    """Asking for a name loads all that it needs, or says in one line that it cannot."""
    words = [sys.executable, "-c", FROM_PYTHON, str(limit), name]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    refused = "ulimit -v" in done.stdout
    if name in {"NormlabError", "__version__"}:
        assert not refused
    elif limit == 100 or name not in normlab._WITHOUT_TORCH:
        assert refused
