"""The short form of `make fuzz`: inputs of every kind under the law."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.resilience import fuzz
from tests.resilience.kinds import KINDS, Kind


@pytest.mark.parametrize("name", KINDS)
def test_the_law_holds(pattern: Path, name: str) -> None:
    counts, broken, peak = fuzz.run(pattern, name, 4, 1)
    assert not broken
    assert counts["inputs"] == counts["exit 0"] + counts["exit 2"]
    assert counts["inputs"]
    assert peak < fuzz.MOST


def _starts(home: Path) -> None:
    subprocess.run(["true"], check=True)


def _writes(home: Path) -> None:
    (home.parent / "x").write_text("x")


def _fails(home: Path) -> None:
    raise KeyError("x")


def _fills(home: Path) -> None:
    assert len(bytearray(b"x") * (5 << 28))


def _hangs(home: Path) -> None:
    time.sleep(1_000)


@pytest.mark.parametrize(
    ("breaks", "what"),
    [
        (_starts, "executed"),
        (_writes, "outside"),
        (_fails, "broken"),
        (_fills, "too large"),
        (_hangs, "hang"),
    ],
)
def test_what_breaks_the_law_is_seen(
    pattern: Path, monkeypatch: pytest.MonkeyPatch, breaks: Any, what: str
) -> None:
    kind = Kind(st.none(), lambda home, _: None, lambda law, home, _: breaks(home))
    if what == "hang":
        monkeypatch.setattr(fuzz, "SECONDS", 1)
    monkeypatch.setitem(fuzz.KINDS, "broken", kind)  # pyright: ignore[reportArgumentType]
    counts, broken, _ = fuzz.run(pattern, "broken", 1, 0)
    assert counts[what] == len(broken) == 1
