"""What is refused before it is allocated."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = (
    ("run", "--seeds", "1", "--epochs", "1", "--out", "study"),
    ("surface", "mlp"),
)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize("megabytes", [500, 800])  # C++ aborts, OpenBLAS spins
def test_too_few_addresses_for_torch_are_told(
    tmp_path: Path, words: tuple[str, ...], megabytes: int
) -> None:
    few = megabytes << 20
    ended = subprocess.run(
        [sys.executable, "-m", "normlab", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (few, few)),
        check=False,
    )
    assert ended.returncode == 2
    assert "not enough memory" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
