"""Curves on a grid of characters, readable without colour and in any log file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from normlab.analysis.text.layout import wrapped, wrapped_between

MARKERS = "ox+*@%&="
SEVERAL = "#"  # where curves share a cell
WIDTH, HEIGHT = 64, 13
_LABEL = 9  # columns left of the axis

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Some named curves over one pair of axes.

    Points that are not finite (or not positive on a log scale) leave a gap.
    """

    title: str
    x: str
    curves: Mapping[str, Points]
    log: bool = False
    joined: bool = False  # dots between the points of a curve

    def __str__(self) -> str:
        curves = {name: self._drawable(points) for name, points in self.curves.items()}
        everywhere = [point for points in curves.values() for point in points]
        if not everywhere:
            return f"{self.title}: nothing to draw"
        grid = _Grid.around(everywhere)
        for (name, points), marker in zip(curves.items(), _markers(), strict=False):
            if self.joined:
                grid.join(points)
            grid.mark(points, marker, name)
        return "\n".join((self._head(curves), *self._rows(grid), *self._foot(grid)))

    def _drawable(self, points: Points) -> list[tuple[float, float]]:
        scale = math.log10 if self.log else float
        floor = 0.0 if self.log else -math.inf
        return [
            (float(x), scale(y)) for x, y in points if math.isfinite(y) and y > floor
        ]

    def _head(self, curves: Mapping[str, object]) -> str:
        entries = [
            f"{marker} {name}" for name, marker in zip(curves, MARKERS, strict=False)
        ]
        if len(curves) > len(MARKERS):
            entries[-1] = f"{MARKERS[-1]} {len(curves) - len(MARKERS) + 1} others"
        if len(curves) > 1:
            entries.append(f"{SEVERAL} several")
        title = wrapped(f"{self.title}{' (log scale)' if self.log else ''}")
        return f"{title}\n{wrapped_between(entries, '   ', start='  ')}"

    def _rows(self, grid: _Grid) -> list[str]:
        labelled = {0, HEIGHT // 2, HEIGHT - 1}
        rows = []
        for row, cells in enumerate(grid.cells):
            value = grid.top - (grid.top - grid.bottom) * row / (HEIGHT - 1)
            text = _number(10**value if self.log else value) if row in labelled else ""
            line = "".join(cells).rstrip()
            rows.append(f"{text:>{_LABEL}} {'+' if text else '|'}{line}")
        return rows

    def _foot(self, grid: _Grid) -> list[str]:
        left, right = _number(grid.left), _number(grid.right)
        middle = self.x.center(WIDTH - len(left) - len(right))
        return [
            " " * _LABEL + " +" + "-" * WIDTH,
            " " * (_LABEL + 2) + left + middle + right,
        ]


class _Grid:
    """Cells of one character, row 0 on top."""

    def __init__(self, *, left: float, right: float, bottom: float, top: float) -> None:
        self.left, self.right, self.bottom, self.top = left, right, bottom, top
        self.cells = [[" "] * WIDTH for _ in range(HEIGHT)]
        self._owner: dict[tuple[int, int], str] = {}

    @classmethod
    def around(cls, points: Points) -> _Grid:
        """The smallest grid that holds all `points`."""
        xs, ys = zip(*points, strict=True)
        return cls(left=min(xs), right=max(xs), bottom=min(ys), top=max(ys))

    def mark(self, points: Points, marker: str, name: str) -> None:
        """Put `marker` at every point; cells of another curve become SEVERAL."""
        for x, y in points:
            row, column = self._cell(x, y)
            owner = self._owner.setdefault((row, column), name)
            self.cells[row][column] = marker if owner == name else SEVERAL

    def join(self, points: Points) -> None:
        """Dot the straight lines between neighbouring points, in free cells only."""
        for (x0, y0), (x1, y1) in pairwise(points):
            columns = self._cell(x1, y1)[1] - self._cell(x0, y0)[1]
            for step in range(2, columns - 1, 2):
                share = step / columns
                row, column = self._cell(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share)
                if self.cells[row][column] == " ":
                    self.cells[row][column] = "."

    def _cell(self, x: float, y: float) -> tuple[int, int]:
        column = _share(x, self.left, self.right) * (WIDTH - 1)
        row = _share(y, self.top, self.bottom) * (HEIGHT - 1)
        return round(row), round(column)


def _markers() -> str:
    # more curves than markers share the last: better than leaving curves out
    return MARKERS + MARKERS[-1] * 99


def _share(value: float, start: float, end: float) -> float:
    return 0.5 if start == end else (value - start) / (end - start)


def _number(value: float) -> str:
    return f"{value:.4g}"
