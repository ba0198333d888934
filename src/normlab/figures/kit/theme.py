"""How every figure looks, on light and on dark paper.

The hues are Okabe and Ito's, which people with any colour vision tell apart; the
pale ones are darker on light paper, so that every line keeps a contrast of 3 to 1.
Arms differ by dash and marker as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import plotly.graph_objects as go

Colour = tuple[int, int, int]  # red, green, blue; 0 to 255

# 7 colours, 6 dashes and 8 markers: the first 42 arms all look different
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MARKERS = (
    "circle",
    "square",
    "diamond",
    "triangle-up",
    "triangle-down",
    "pentagon",
    "hexagon",
    "star",
)
ON_COLOUR = "#ffffff"  # text on a coloured area, the same on either paper
TRACK = "#d50032"  # a path across coloured areas
SEQUENTIAL = "Cividis"  # even in lightness, and the same to every colour vision


@dataclass(frozen=True, kw_only=True)
class Style:
    """What tells one arm from the others."""

    label: str
    """What readers see it called."""
    rgb: Colour
    dash: str
    marker: str

    def colour(self, opacity: float = 1.0) -> str:
        """As Plotly writes it."""
        return css(self.rgb, opacity)


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Paper, ink and the palette of the arms."""

    paper: Colour
    ink: Colour
    muted: Colour
    grid: Colour
    arms: tuple[Colour, ...]

    def styles(self, arms: Mapping[str, str]) -> dict[str, Style]:
        """The style of every arm, fixed by its place in the study.

        Args:
            arms: Their names, and what readers see them called.

        Example:
            >>> LIGHT.styles({"a": "with", "b": "without"})["b"].dash
            'dash'
        """
        return {
            arm: Style(
                label=label,
                rgb=self.arms[i % len(self.arms)],
                dash=DASHES[i % len(DASHES)],
                marker=MARKERS[i % len(MARKERS)],
            )
            for i, (arm, label) in enumerate(arms.items())
        }

    def template(self) -> go.layout.Template:
        """Fonts, paper and grid lines."""
        axis = {
            "gridcolor": css(self.grid),
            "linecolor": css(self.muted),
            "zeroline": False,
            "showline": True,
            "ticks": "outside",
            "tickcolor": css(self.muted),
            "ticklen": 4,
            "separatethousands": True,
            "automargin": True,
            "title": {"standoff": 8},
        }
        scene = {
            "backgroundcolor": css(self.paper),
            "gridcolor": css(self.grid),
            "linecolor": css(self.muted),
        }
        return go.layout.Template(
            layout={
                "font": {
                    "family": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif",
                    "size": 13,
                    "color": css(self.ink),
                },
                "paper_bgcolor": css(self.paper),
                "plot_bgcolor": css(self.paper),
                "colorway": [css(rgb) for rgb in self.arms],
                "xaxis": axis,
                "yaxis": axis,
                "scene": {"xaxis": scene, "yaxis": scene, "zaxis": scene},
                "hoverlabel": {
                    "bgcolor": css(self.paper),
                    "bordercolor": css(self.muted),
                    "font": {"color": css(self.ink)},
                },
                "legend": {
                    "orientation": "h",
                    "x": 0,
                    "xanchor": "left",
                    "yref": "container",
                    "y": 1,
                    "yanchor": "top",
                    "bgcolor": css(self.paper, 0.0),
                },
            }
        )


def css(rgb: Colour, opacity: float = 1.0) -> str:
    """A colour as CSS and Plotly write it; pages find and swap this form.

    Example:
        >>> css((0, 114, 178)), css((0, 114, 178), 0.2)
        ('rgb(0,114,178)', 'rgba(0,114,178,0.2)')
    """
    triple = ",".join(map(str, rgb))
    return f"rgb({triple})" if opacity == 1 else f"rgba({triple},{opacity:g})"


LIGHT = Theme(
    paper=(255, 255, 255),
    ink=(27, 31, 36),
    muted=(89, 96, 105),
    grid=(226, 229, 233),
    arms=(
        (0, 114, 178),
        (213, 94, 0),
        (0, 140, 102),
        (178, 80, 140),
        (138, 109, 0),
        (46, 139, 192),
        (90, 90, 90),
    ),
)

DARK = Theme(
    paper=(21, 24, 29),
    ink=(232, 234, 237),
    muted=(160, 167, 176),
    grid=(48, 54, 63),
    arms=(
        (86, 180, 233),
        (255, 140, 70),
        (60, 200, 160),
        (226, 150, 200),
        (240, 228, 66),
        (130, 205, 255),
        (190, 190, 190),
    ),
)


def swaps() -> dict[str, str]:
    """For every colour of the light look the one that replaces it in the dark.

    Example:
        >>> swaps()["0,114,178"]
        '86,180,233'
    """
    pairs = [
        (LIGHT.paper, DARK.paper),
        (LIGHT.ink, DARK.ink),
        (LIGHT.muted, DARK.muted),
        (LIGHT.grid, DARK.grid),
        *zip(LIGHT.arms, DARK.arms, strict=True),
    ]
    return {",".join(map(str, a)): ",".join(map(str, b)) for a, b in pairs}
