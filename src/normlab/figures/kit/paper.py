"""A figure as a paper wants it: so wide, with letters of that size."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, NamedTuple

import plotly.graph_objects as go

from normlab.errors import BadSetting
from normlab.figures.kit.picture import Picture

INCHES = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4, "px": 1 / 96}
PIXELS = 96.0  # of a page in an inch
POINTS = 72.0
LETTERS = 13.0  # pixels: the size that figures are laid out with
NARROW = 800.0  # pixels: below it panels stand below each other, as in a report
LEAST, MOST = 1.0, 60.0  # inches


class Paper(NamedTuple):
    """How large a figure is to be; what is None stays as it is laid out."""

    width: float | None = None
    """Inches."""
    font: float | None = None
    """Points."""
    title: bool = True

    @classmethod
    def of(
        cls, width: str | None = None, font: float | None = None, *, title: bool = True
    ) -> Paper:
        """What was asked for.

        Args:
            width: A number with its unit: in, cm, mm or px (96 in an inch).
            font: Points, from 3 to 40.
            title: Whether the figure has its title above it.

        Raises:
            BadSetting: If one of them makes no sense.

        Example:
            >>> Paper.of("3.25in", 8, title=False).width
            3.25
        """
        if font is not None and not 3 <= font <= 40:
            raise BadSetting(f"--font={font:g} points: give a number from 3 to 40.")
        return cls(None if width is None else _inches(width), font, title)

    def laid_out(
        self, picture: Picture, usual: float
    ) -> tuple[go.Figure, float, float]:
        """The figure, the pixels it is laid out on, and how much it is scaled by.

        Letters come out as large as was asked for, because the figure is laid out on
        a page that is so much wider or narrower and then scaled as a whole.

        Args:
            picture: What is drawn.
            usual: Pixels that figures are wide where nobody asks.
        """
        letters = LETTERS if self.font is None else self.font * PIXELS / POINTS
        scale = letters / LETTERS
        page = usual if self.width is None else self.width * PIXELS / scale
        picture = picture.on_paper()
        if page < NARROW:
            picture = _below_each_other(picture)
        figure = picture.titled() if self.title else go.Figure(picture.figure)
        return figure, page, scale


AS_LAID_OUT = Paper()
"""As in a report, with its title."""


def _inches(width: str) -> float:
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*(in|cm|mm|px)\s*", width)
    if found is None:
        raise BadSetting(
            f"--width={width} is no width. Give a number with its unit, such as "
            "3.25in, 8.5cm, 85mm or 600px."
        )
    inches = float(found[1]) * INCHES[found[2]]
    if not LEAST <= inches <= MOST:
        raise BadSetting(
            f"--width={width} is {inches:.3g} inches; give {LEAST:g} to {MOST:g}."
        )
    return inches


def _below_each_other(picture: Picture) -> Picture:
    """As on a phone: by the patch that the figure brings along, if it has several."""
    whole = picture.figure.to_dict()
    layout: dict[str, Any] = whole["layout"]
    for path, value in (layout.get("meta") or {}).get("narrow", {}).items():
        *keys, last = path.split(".")
        place = layout
        for key in keys:
            place = place.setdefault(key, {})
        place[last] = value
    return replace(picture, figure=go.Figure(whole))
