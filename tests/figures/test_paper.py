"""Figures for papers: as wide as asked, with letters of the size asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from normlab.errors import BadFolder, BadSetting
from normlab.facade.result import Result
from normlab.figures.kit.export import WIDTH, export_figure
from normlab.figures.kit.paper import LETTERS, Paper

WRONG = [
    ("3.25", None, "--width=3.25 is no width. Give a number with its unit"),
    ("wide", None, "--width=wide is no width"),
    ("3cm", None, None),
    ("0.5in", None, "0.5 inches; give 1 to 60"),
    ("2e9in", None, "is no width"),
    (None, 1.0, "--font=1 points: give a number from 3 to 40"),
    (None, float("nan"), "--font=nan points"),
]


@pytest.mark.parametrize(("width", "font", "text"), WRONG)
def test_sizes_that_make_no_sense_are_refused(
    width: str | None, font: float | None, text: str | None
) -> None:
    if text is None:
        assert Paper.of(width, font).width == pytest.approx(3 / 2.54)
        return
    with pytest.raises(BadSetting, match=re.escape(text)):
        Paper.of(width, font)


@pytest.mark.parametrize("width", ["3.25in", "8.255cm", "82.55mm", "312px"])
@pytest.mark.parametrize("font", [6.0, 8.0, 9.75, 20.0])
def test_letters_come_out_as_large_as_asked(
    observed: Result, width: str, font: float
) -> None:
    picture = observed.plot("learning-curves")
    _, page, scale = Paper.of(width, font).laid_out(picture, WIDTH)
    assert page * scale == pytest.approx(3.25 * 96)  # the width, in pixels of a page
    assert LETTERS * scale == pytest.approx(font * 96 / 72)


def test_on_a_narrow_page_panels_stand_below_each_other(observed: Result) -> None:
    picture = observed.plot("learning-curves")
    wide, _, _ = Paper().laid_out(picture, WIDTH)
    narrow, _, _ = Paper.of("3.25in", 8).laid_out(picture, WIDTH)
    assert wide.layout.xaxis2.domain[0] > 0.5
    assert narrow.layout.xaxis2.domain == (0, 1)
    assert picture.figure.layout.xaxis2.domain[0] > 0.5  # as it was


def test_without_a_title_there_is_none(observed: Result) -> None:
    picture = observed.plot("cost")
    bare, _, _ = Paper.of(title=False).laid_out(picture, WIDTH)
    whole, _, _ = Paper.of().laid_out(picture, WIDTH)
    assert bare.layout.title.text is None
    assert whole.layout.title.text == picture.kind.title


def test_a_name_that_is_no_format_is_refused(observed: Result, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"such as cost\.pdf"):
        export_figure(observed.plot("cost"), tmp_path / "cost.gif")


@pytest.mark.browser
def test_the_file_is_as_wide_as_the_column(observed: Result, tmp_path: Path) -> None:
    file = tmp_path / "cost.pdf"
    observed.save_figure("cost", file, width="3.25in", font=8, title=False)
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ", file.read_bytes())
    assert box is not None
    assert float(box[1]) == pytest.approx(234, abs=1)  # points: 3.25 of 72
    with pytest.raises(BadFolder, match="exists already"):
        observed.save_figure("cost", file)
