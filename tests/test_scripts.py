"""Scripts that no test runs still find what they import."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
IMPORTS = """
import sys
from importlib import import_module
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    import_module(name)
"""
NEEDS = {"jax_loop": "jax"}


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["benchmarks", "docs", "docs/experiments"])
def test_every_script_finds_what_it_imports(folder: str) -> None:
    names = sorted(file.stem for file in (ROOT / folder).glob("*.py"))
    lacking = [n for n in names if n in NEEDS and not find_spec(NEEDS[n])]
    names = [name for name in names if name not in lacking]
    assert names
    command = [sys.executable, "-c", IMPORTS, str(ROOT / folder), *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
