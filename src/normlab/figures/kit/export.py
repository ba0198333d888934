"""Figures as files: drawn by a Chrome or Chromium that is on this machine."""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from PIL import Image

from normlab.disk import whole
from normlab.disk.output import refuse_to_replace
from normlab.disk.remedy import remedy
from normlab.errors import BadFolder, BadSetting, RunFailed
from normlab.figures.kit.paper import AS_LAID_OUT, NARROW, PIXELS, Paper
from normlab.figures.kit.picture import Picture
from normlab.spec.names import known

_ELSEWHERE = "Choose another place with -o FOLDER."
FORMATS = ("svg", "png", "pdf")
QUALITY = 25  # per cent, of what pages embed
WIDTH = 1000  # pixels
SHARPNESS = 2  # pixels of a PNG per pixel of the page
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)


def export_figure(
    picture: Picture, path: Path, *, paper: Paper = AS_LAID_OUT, force: bool = False
) -> None:
    """Write one picture to a file, whose name says the format.

    Args:
        picture: What is written.
        path: Ends in .svg, .png or .pdf.
        paper: How wide it is to be, with letters of which size, with a title or not.
        force: Whether an existing file of this kind is replaced.

    Raises:
        BadSetting: If the format is unknown, or kaleido or a browser is missing.
        BadFolder: If the file exists or cannot be written.
        RunFailed: If the browser draws the figure wrongly.
    """
    refuse_to_replace(path, f".{form_of(path, picture.kind.id)}", force=force)
    drawer = Drawer("a figure")
    try:
        drawer.draw([(picture, path)], paper)
    except OSError as error:
        raise BadFolder(
            f"{path}: cannot be written ({error.strerror}). "
            f"{remedy(error, otherwise='Choose another place with -o PATH.')}"
        ) from None


def form_of(path: Path, name: str) -> str:
    """How a file of that name is drawn.

    Args:
        path: The file to write.
        name: Of the figure.

    Raises:
        BadSetting: If its name ends as no format does.
    """
    form = path.suffix.removeprefix(".").lower()
    if form not in FORMATS:
        raise BadSetting(
            f"{path}: figures are written as {', '.join(FORMATS)}. Give a name that "
            f"ends so, such as {name}.pdf"
        )
    return form


def export_figures(
    pictures: Sequence[Picture],
    form: str,
    folder: Path,
    *,
    paper: Paper = AS_LAID_OUT,
    force: bool = False,
) -> tuple[Path, ...]:
    """Write every picture to `folder/<its name>.<form>`; nothing is fetched.

    Args:
        pictures: What is written, each with its title.
        form: svg, png or pdf.
        folder: Is made if it is not there.
        paper: As for `export_figure`.
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
    drawer = Drawer()
    if folder.is_symlink():
        raise BadFolder(f"{folder} is a link. Name the folder it leads to with -o.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadFolder(
            f"{folder}: cannot be made ({error.strerror}). "
            f"{remedy(error, otherwise=_ELSEWHERE)}"
        ) from None
    paths = tuple(folder / f"{picture.kind.id}.{form}" for picture in pictures)
    for path in paths:
        refuse_to_replace(path, f".{form}", force=force)
    try:
        drawer.draw(list(zip(pictures, paths, strict=True)), paper)
    except OSError as error:
        raise BadFolder(
            f"{folder}: cannot be written ({error.strerror}). "
            f"{remedy(error, otherwise=_ELSEWHERE)}"
        ) from None
    return paths


def png_of(picture: Picture) -> bytes | None:
    """The picture as a PNG; None where kaleido or a browser is missing, or fails."""
    with tempfile.TemporaryDirectory(prefix="normlab-figures-") as home:
        file = Path(home, "figure.png")
        try:
            Drawer("a picture").draw([(picture, file)])
        except (BadSetting, RunFailed):  # what is interactive is shown all the same
            return None
        return file.read_bytes()


def stills(pictures: Sequence[Picture]) -> dict[str, str]:
    """Each picture by its name, small and without its title, as a page embeds it.

    Raises:
        BadSetting: If kaleido or a browser is missing.
        RunFailed: If the browser draws a figure wrongly.
    """
    with tempfile.TemporaryDirectory(prefix="normlab-figures-") as home:
        files = {p.kind.id: Path(home, f"{p.kind.id}.webp") for p in pictures}
        jobs = list(zip(pictures, files.values(), strict=True))
        Drawer("--pictures").draw(jobs, Paper(width=NARROW / PIXELS, title=False))
        return {
            name: f"data:image/webp;base64,{b64encode(_small(file)).decode()}"
            for name, file in files.items()
        }


def _small(file: Path) -> bytes:
    """The picture as closely as text in it is still sharp."""
    small = BytesIO()
    with Image.open(file) as drawn:
        drawn.convert("RGB").save(small, "WEBP", quality=QUALITY)
    return small.getvalue()


class Drawer:
    """A browser that writes figures as files; nothing is fetched.

    Args:
        wanted: What was asked for, for what is said where something is missing.

    Raises:
        BadSetting: If kaleido or a browser is missing.
    """

    def __init__(self, wanted: str = "--figures") -> None:
        self._kaleido = _kaleido(wanted)
        self._browser = find_browser(wanted)

    def draw(
        self,
        pictures: Sequence[tuple[Picture | go.Figure, Path]],
        paper: Paper = AS_LAID_OUT,
    ) -> None:
        """Write each picture to its file, whose name says the format, whole.

        Raises:
            OSError: If a file cannot be written.
            RunFailed: If the browser draws a figure wrongly.
        """
        with tempfile.TemporaryDirectory(prefix="normlab-figures-") as home:
            # the browser writes where nobody else does
            drawn = [
                Path(home, f"{i}{path.suffix}") for i, (_, path) in enumerate(pictures)
            ]
            self._draw(
                [
                    _job(picture, file, paper)
                    for (picture, _), file in zip(pictures, drawn, strict=True)
                ]
            )
            for file, (_, path) in zip(drawn, pictures, strict=True):
                whole.write(path, file.read_bytes())

    def _draw(self, jobs: Sequence[dict[str, Any]]) -> None:
        # kaleido would fetch MathJax; no figure needs it
        settings = {"mathjax": False, "path": self._browser}
        try:
            self._kaleido.write_fig_from_object_sync(
                jobs, kopts=settings, cancel_on_error=True
            )
        except Exception as error:  # whatever happens in there, it is the browser's
            raise RunFailed(
                f"{self._browser}: could not draw the figures ({error}). Try another "
                "browser: set BROWSER_PATH to it."
            ) from error


def find_browser(wanted: str = "--figures") -> str:
    """The browser to draw with: `BROWSER_PATH`, or what is installed.

    Args:
        wanted: What it is needed for.

    Raises:
        BadSetting: If there is none.
    """
    asked = os.environ.get("BROWSER_PATH")
    found = shutil.which(asked) if asked else None
    found = found or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise BadSetting(
            f"{wanted} needs Chrome or Chromium to draw with, and none was found. "
            "Install one (on Debian: apt install chromium) or set BROWSER_PATH."
        )
    return found


def _kaleido(wanted: str) -> Any:
    try:
        return importlib.import_module("kaleido")
    except ImportError:
        raise BadSetting(
            f"{wanted} needs kaleido. Install it: pip install 'normlab[static]'"
        ) from None


def _plain(figure: go.Figure) -> dict[str, Any]:
    """What is drawn on paper: without sliders and frames."""
    plain = figure.to_dict()
    plain.pop("frames", None)
    plain["layout"].pop("sliders", None)
    return plain


def _job(picture: Picture | go.Figure, path: Path, paper: Paper) -> dict[str, Any]:
    """What the browser is told; figures without a kind are drawn as they are."""
    form = path.suffix.removeprefix(".").lower()
    figure, width, scale = (
        paper.laid_out(picture, WIDTH)
        if isinstance(picture, Picture)
        else (picture, WIDTH, 1.0)
    )
    options = {
        "format": form,
        "width": width,
        "height": figure.to_dict()["layout"]["height"],
        "scale": scale * (SHARPNESS if form == "png" else 1),
    }
    return {"fig": _plain(figure), "path": str(path), "opts": options}
