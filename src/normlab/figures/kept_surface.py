"""What is drawn of a loss surface, and a surface as records keep it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from normlab.figures.observed import Arrays


class MarkLike(Protocol):
    """A named place on a plane."""

    @property
    def name(self) -> str:
        """What is there; places on the path are called `step N`."""
        ...

    @property
    def a(self) -> float:
        """Coordinate along the first direction."""
        ...

    @property
    def b(self) -> float:
        """Coordinate along the second direction."""
        ...

    @property
    def off_plane(self) -> float:
        """Distance between the place and the plane."""
        ...

    @property
    def plane_loss(self) -> float | None:
        """Loss at its point on the plane."""
        ...

    @property
    def true_loss(self) -> float | None:
        """Loss of the network that was really there."""
        ...


class SurfaceLike(Protocol):
    """What is drawn of a surface; `landscape.Surface` and `Kept` are such."""

    @property
    def a(self) -> NDArray[np.float64]:
        """Coordinates along the first direction, shape `(columns,)`."""
        ...

    @property
    def b(self) -> NDArray[np.float64]:
        """Coordinates along the second direction, shape `(rows,)`."""
        ...

    @property
    def loss(self) -> NDArray[np.float64]:
        """Nats per example, shape `(rows, columns)`; nan where not finite."""
        ...

    @property
    def marks(self) -> Sequence[MarkLike]:
        """Named places on the plane."""
        ...

    @property
    def evaluation(self) -> str:
        """The statistics that norms used, with their batch size."""
        ...

    @property
    def estimated_error(self) -> float:
        """Of interpolated points, relative to the local loss."""
        ...


@dataclass(frozen=True, kw_only=True)
class KeptMark:
    """A mark as records keep it."""

    name: str
    a: float
    b: float
    off_plane: float
    plane_loss: float | None
    true_loss: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Kept:
    """A surface as records keep it."""

    a: NDArray[np.float64]  # (columns,)
    b: NDArray[np.float64]  # (rows,)
    loss: NDArray[np.float64]  # (rows, columns), nan where not finite
    marks: tuple[KeptMark, ...]
    evaluation: str
    estimated_error: float


def kept(arrays: Arrays) -> Kept:
    """A surface from the arrays that records hold of it.

    Args:
        arrays: `a`, `b`, `loss`, `evaluation`, `estimated_error` and, one entry per
            mark, `mark_name`, `mark_a`, `mark_b`, `mark_off_plane`,
            `mark_plane_loss`, `mark_true_loss` (nan: unknown).
    """
    columns = ("name", "a", "b", "off_plane", "plane_loss", "true_loss")
    rows = zip(*(arrays[f"mark_{column}"].tolist() for column in columns), strict=True)
    return Kept(
        a=arrays["a"],
        b=arrays["b"],
        loss=arrays["loss"],
        marks=tuple(
            KeptMark(
                name=str(name),
                a=a,
                b=b,
                off_plane=off,
                plane_loss=None if np.isnan(plane) else plane,
                true_loss=None if np.isnan(true) else true,
            )
            for name, a, b, off, plane, true in rows
        ),
        evaluation=str(arrays["evaluation"]),
        estimated_error=float(arrays["estimated_error"]),
    )
