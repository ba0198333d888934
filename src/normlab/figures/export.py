"""Figures as files: drawn by a Chrome or Chromium that is on this machine."""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from normlab.disk import whole
from normlab.disk.output import refuse_to_replace
from normlab.errors import BadFolder, BadSetting, RunFailed
from normlab.figures.picture import Picture
from normlab.spec.names import known

FORMATS = ("svg", "png", "pdf")
WIDTH = 1000  # pixels
SHARPNESS = 2  # pixels of a PNG per pixel of the page
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)


def export_figures(
    pictures: Sequence[Picture], form: str, folder: Path, *, force: bool = False
) -> tuple[Path, ...]:
    """Write every picture to `folder/<its name>.<form>`; nothing is fetched.

    Args:
        pictures: What is written, each with its title.
        form: svg, png or pdf.
        folder: Is made if it is not there.
        force: Whether existing figures are replaced.

    Raises:
        BadSetting: If the format is unknown, or kaleido or a browser is missing.
        BadFolder: If the folder cannot be written, or a file in it exists.
        RunFailed: If the browser draws a figure wrongly.
    """
    if form not in FORMATS:
        raise BadSetting(
            f"--figures={form} is unknown. {known(FORMATS, instead_of=form)}"
        )
    kaleido, browser = _kaleido(), find_browser()
    paths = tuple(folder / f"{picture.kind.id}.{form}" for picture in pictures)
    if folder.is_symlink():
        raise BadFolder(f"{folder} is a link. Name the folder it leads to with -o.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadFolder(
            f"{folder}: cannot be made ({error.strerror}). Choose another place "
            "with -o FOLDER."
        ) from None
    for path in paths:
        refuse_to_replace(path, f".{form}", force=force)
    with tempfile.TemporaryDirectory(prefix="normlab-figures-") as drawn:
        # the browser writes where nobody else does
        _draw(kaleido, browser, pictures, form, Path(drawn))
        try:
            for path in paths:
                whole.write(path, (Path(drawn) / path.name).read_bytes())
        except OSError as error:
            raise BadFolder(
                f"{folder}: cannot be written ({error.strerror}). Choose another place "
                "with -o FOLDER."
            ) from None
    return paths


def _draw(
    kaleido: Any, browser: str, pictures: Sequence[Picture], form: str, folder: Path
) -> None:
    # kaleido would fetch MathJax; no figure needs it
    settings = {"mathjax": False, "path": browser}
    jobs = [
        {
            "fig": _plain(picture),
            "path": str(folder / f"{picture.kind.id}.{form}"),
            "opts": _options(picture, form),
        }
        for picture in pictures
    ]
    try:
        kaleido.write_fig_from_object_sync(jobs, kopts=settings, cancel_on_error=True)
    except Exception as error:  # whatever happens in there, it is the browser's
        raise RunFailed(
            f"{browser}: could not draw the figures ({error}). Try another browser: "
            "set BROWSER_PATH to it."
        ) from error


def find_browser() -> str:
    """The browser to draw with: `BROWSER_PATH`, or what is installed.

    Raises:
        BadSetting: If there is none.
    """
    asked = os.environ.get("BROWSER_PATH")
    found = shutil.which(asked) if asked else None
    found = found or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise BadSetting(
            "--figures needs Chrome or Chromium to draw with, and none was found. "
            "Install one (on Debian: apt install chromium) or set BROWSER_PATH."
        )
    return found


def _kaleido() -> Any:
    try:
        return importlib.import_module("kaleido")
    except ImportError:
        raise BadSetting(
            "--figures needs kaleido. Install it: pip install 'normlab[static]'"
        ) from None


def _plain(picture: Picture) -> dict[str, Any]:
    """What is drawn on paper: with its title, without sliders and frames."""
    figure = picture.titled().to_dict()
    figure.pop("frames", None)
    figure["layout"].pop("sliders", None)
    return figure


def _options(picture: Picture, form: str) -> dict[str, Any]:
    height = picture.titled().to_dict()["layout"]["height"]
    scale = SHARPNESS if form == "png" else 1
    return {"format": form, "width": WIDTH, "height": height, "scale": scale}
