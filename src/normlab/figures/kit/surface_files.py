"""A surface as a file: a page, a picture or its arrays; whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import plotly.graph_objects as go

from normlab.disk import whole
from normlab.disk.remedy import remedy
from normlab.errors import BadFolder, BadSetting
from normlab.figures.kit.export import FORMATS, Drawer
from normlab.figures.surface import contours
from normlab.records.surface import Surface
from normlab.records.surface_file import SUFFIX, save_surface

PAGES = (".html", ".htm")
PICTURES = tuple(f".{form}" for form in FORMATS)


class SurfaceFile:
    """Where a surface is to be written; what stands against it is said at once.

    Args:
        path: Its suffix says what is written: .html a page that opens offline, .svg,
            .png or .pdf a picture, .npz the arrays.
        force: Whether a file that is there may be replaced.

    Raises:
        BadSetting: If the suffix is none of these, or what draws is missing.
        BadFolder: If the file is there, is no plain one, or could not be written.
    """

    def __init__(self, path: Path, *, force: bool = False) -> None:
        self.path = path
        self._suffix = path.suffix.lower()
        known = (*PAGES[:1], *PICTURES, SUFFIX)
        if self._suffix not in (*known, *PAGES):
            raise BadSetting(
                f"-o {path}: a surface is written as {', '.join(known)}. Choose one of"
                " these endings."
            )
        _refuse_place(path, force=force)
        draws = self._suffix in PICTURES
        self._drawer = Drawer(f"-o {path.name}") if draws else None

    def write(self, surface: Surface, *, title: str) -> None:
        """Write it, whole or not at all.

        Raises:
            BadFolder: If it cannot be written.
            NotMeasured: If no point has a finite loss.
            RunFailed: If the browser draws it wrongly.
        """
        if self._suffix == SUFFIX:
            save_surface(surface, self.path)
            return
        figure = contours(surface, title=title)
        try:
            self._draw(figure)
        except OSError as error:
            raise BadFolder(
                f"{self.path}: cannot be written ({error.strerror}). "
                f"{remedy(error, otherwise='Choose another place with -o FILE.')}"
            ) from None

    def _draw(self, figure: go.Figure) -> None:
        if self._drawer is not None:
            self._drawer.draw([(figure, self.path)])
            return
        page = figure.to_html(include_plotlyjs=True, config={"displaylogo": False})
        whole.write(self.path, page.encode(errors="backslashreplace"))


def _refuse_place(path: Path, *, force: bool) -> None:
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise BadFolder(f"{path} is no plain file. Choose another name with -o FILE.")
    if path.exists() and not force:
        raise BadFolder(
            f"{path} exists already. Choose another name with -o FILE, or --force."
        )
    folder = path.parent
    if not folder.is_dir():
        raise BadFolder(f"{folder} is no folder. Make it, or choose another place.")
    if not os.access(folder, os.W_OK):
        raise BadFolder(f"{folder} cannot be written to. Choose another place.")
