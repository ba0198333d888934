"""However large a study is, its texts can be read."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from normlab.analysis.text.layout import WIDTH
from normlab.records.rows import Status
from normlab.report.build import build
from normlab.terminal.summary_text import summary_text
from tests.analysis.large import (
    Dimension,
    grown,
    of_arms,
    of_both_axes,
    of_epochs,
    of_points,
    of_rates,
    of_seeds,
)

NUMBER = r"\d[\d.,e+-]*"
LONG_LIST = re.compile(rf"{NUMBER}(?:[, ]+{NUMBER}){{12,}}")
LARGE = (
    (of_seeds, 1000),
    (of_arms, 99),
    (of_rates, 200),
    (of_points, 150),
    (of_both_axes, 150),
    (of_epochs, 300),
)
THIRDS: tuple[Status, ...] = ("diverged", "failed", "queued")
PAGE = 60 * WIDTH
LINES = 2_000  # that somebody may still scroll through: a hundred arms take most


def shown(dimension: Dimension, size: int, third: Status) -> list[str]:
    return summary_text(grown(dimension(size), third), Path("s")).splitlines()


def is_row(line: str) -> bool:
    """Whether it is a row of a table, whose cells stand two blanks apart."""
    cells = re.split(" {2,}", line)
    return len(cells) > 1 and max(map(len, cells)) <= WIDTH


@pytest.mark.parametrize("third", THIRDS)
@pytest.mark.parametrize(("dimension", "size"), LARGE)
def test_show_keeps_to_the_width_of_a_terminal_and_to_some_pages(
    dimension: Dimension, size: int, third: Status
) -> None:
    lines = shown(dimension, size, third)
    assert len(lines) <= LINES
    assert not [line for line in lines if len(line) > WIDTH and not is_row(line)]


@pytest.mark.parametrize("third", THIRDS)
@pytest.mark.parametrize(("dimension", "size"), LARGE)
def test_no_line_of_show_lists_what_nobody_reads(
    dimension: Dimension, size: int, third: Status
) -> None:
    lines = shown(dimension, size, third)
    assert not [line for line in lines if LONG_LIST.search(line)]


@pytest.mark.parametrize(("dimension", "size"), LARGE)
def test_no_text_of_the_report_lists_what_nobody_reads(
    dimension: Dimension, size: int
) -> None:
    html = build(grown(dimension(size), "failed"))
    page = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
    texts = [unescape(text) for text in re.split(r"<[^>]*>", page)]
    assert not [text for text in texts if LONG_LIST.search(text)]
    assert max(map(len, texts)) < PAGE
