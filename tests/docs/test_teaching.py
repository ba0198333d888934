"""The notebook of the lesson runs, and page and notebook say the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from normlab.base.streams import fork_rng
from normlab.facade.result import Result
from normlab.records.rows import ENDED
from tests.docs.pages import DOCS

NOTEBOOK = json.loads((DOCS / "teaching.ipynb").read_text("utf-8"))
CODE = ["".join(c["source"]) for c in NOTEBOOK["cells"] if c["cell_type"] == "code"]


def test_the_notebook_is_one_without_outputs() -> None:
    assert (NOTEBOOK["nbformat"], NOTEBOOK["nbformat_minor"]) == (4, 5)
    for cell in NOTEBOOK["cells"]:
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell["id"])
        assert cell["cell_type"] == "markdown" or cell["outputs"] == []
    names = [cell["id"] for cell in NOTEBOOK["cells"]]
    assert len(names) == len({*names})


def test_page_and_notebook_have_the_same_exercises() -> None:
    page = (DOCS / "teaching.md").read_text("utf-8")
    text = "".join(
        line for cell in NOTEBOOK["cells"] for line in cell["source"] + ["\n"]
    )
    title = re.compile(r"^## (\d\. .+)$", re.MULTILINE)
    assert title.findall(page) == title.findall(text)
    assert page.count("What to expect\n") == len(title.findall(page))


@pytest.mark.slow
def test_the_notebook_runs_and_shows_what_the_lesson_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    with fork_rng():
        for source in CODE:
            exec(source, names)
    assert names["mean"].item() == 4 and names["variance"].item() == 5
    by_hand = torch.tensor([-3.0, -1.0, 1.0, 3.0]) / 5**0.5 * 2 + 1
    torch.testing.assert_close(names["by_hand"].flatten(), by_hand)
    share = names["gradient_of_long"] / names["gradient"]
    torch.testing.assert_close(share, torch.full_like(share, 0.1))
    assert abs(names["sum_of_gradients"]) < 1e-12
    assert [*map(str, names["folded"].report.done)] == ["1 folded into 0"]
    for study, runs in {"rates": 24, "sizes": 12, "twins": 6}.items():
        result = names[study]
        assert isinstance(result, Result)
        assert [run.status in ENDED for run in result.record.runs] == [True] * runs
    drift = next(c for c in names["twins"].claims() if c.id == "steadier-activations")
    assert drift.estimate < 1
