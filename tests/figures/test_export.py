from __future__ import annotations

import sys
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from normlab.errors import BadFolder, BadSetting
from normlab.facade.result import Result
from normlab.figures.kit import export
from normlab.figures.kit.export import export_figures, stills
from normlab.figures.kit.paper import NARROW


def test_an_unknown_format_is_refused(observed: Result, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"--figures=gif is unknown\. Known: svg, png"):
        export_figures([observed.plot("cost")], "gif", tmp_path)


def test_without_a_browser_it_says_what_to_install(
    observed: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BROWSERS", ("no-such-browser",))
    monkeypatch.delenv("BROWSER_PATH", raising=False)
    with pytest.raises(BadSetting, match="apt install chromium"):
        export_figures([observed.plot("cost")], "svg", tmp_path)
    monkeypatch.undo()


def test_without_kaleido_it_says_what_to_install(
    observed: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kaleido", None)
    with pytest.raises(BadSetting, match=r"pip install 'normlab\[static\]'"):
        export_figures([observed.plot("cost")], "svg", tmp_path)


def test_a_folder_that_is_a_file_is_refused(observed: Result, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    with pytest.raises(BadFolder, match="cannot be made"):
        export_figures([observed.plot("cost")], "svg", tmp_path / "taken")


@pytest.mark.browser
def test_a_figure_becomes_a_file_with_its_title(
    observed: Result, tmp_path: Path
) -> None:
    (path,) = export_figures([observed.plot("cost")], "svg", tmp_path / "new")
    assert path == tmp_path / "new" / "cost.svg"
    assert "What it costs" in path.read_text()


@pytest.mark.browser
def test_a_page_gets_a_picture_of_each_figure_that_needs_no_script(
    observed: Result,
) -> None:
    names = ("cost", "surface-3d")
    found = stills([observed.plot(name) for name in names])
    assert tuple(found) == names
    for text in found.values():
        head, _, data = text.partition(",")
        assert head == "data:image/webp;base64"
        with Image.open(BytesIO(b64decode(data))) as picture:
            assert (picture.format, picture.width) == ("WEBP", NARROW)
            colours = picture.convert("L").getextrema()
            assert colours[0] < 100 < 200 < colours[1]  # something is drawn on paper
