"""A plane of parameter space: an origin, two directions and a window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from normlab.errors import BadSetting
from normlab.landscape.planes.vectors import Arrays as Arrays
from normlab.landscape.planes.vectors import flat
from normlab.records.surface import Mark

Window = tuple[float, float]


MAX_POINTS = 1001  # per axis, as in the table [surfaces] of a study


@dataclass(frozen=True, kw_only=True)
class Plane:
    """The points `origin + a first + b second`; without a width along, a line.

    Attributes:
        kind: random, path, common, models, line or parameters.
        origin: Parameters at (0, 0); those not named are the model's own.
        first: First direction; parameters not named stay where they are.
        second: Second direction.
        across: Least and greatest `a` that are shown at a reach of 1.
        along: Least and greatest `b`; (0, 0) makes it the line `origin + a first`.
        marks: Named places.
        real: By the name of a mark the network that was really there, its parameters
            and its buffers; none at all is the model itself. Its loss is measured
            too, as the mark's true loss. Parameters not named are the model's own;
            where buffers are missing, nothing is measured.
        facts: Numbers that belong to the plane.
    """

    kind: str
    origin: Arrays = field(default_factory=dict)
    first: Arrays
    second: Arrays
    across: Window = (-1.0, 1.0)
    along: Window = (-1.0, 1.0)
    marks: tuple[Mark, ...] = ()
    real: Mapping[str, Arrays] = field(default_factory=dict)
    facts: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_line(self) -> bool:
        """Whether there is one direction alone."""
        return _is_window(self.along) and tuple(self.along) == (0, 0)

    def refuse_window(self) -> None:
        """See that there is something to be shown.

        Raises:
            BadSetting: If a window does not go from a lower to a higher number.
        """
        for name, window in {"across": self.across, "along": self.along}.items():
            if not _wide(window) and not (name == "along" and self.is_line):
                raise BadSetting(
                    f"plane: {name}={window!r} does not go from a lower to a higher"
                    " number. A line goes across, with along=(0, 0)."
                )

    def grid(
        self, points: int, reach: float = 1.0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coordinates at which the plane is sampled; (0, 0) is one of them.

        Args:
            points: Samples per direction, odd.
            reach: Size of the window as a multiple of the plane's own.

        Raises:
            BadSetting: If `points` is even, below 3 or above 1,001, `reach` not
                positive, or there is nothing between the ends of a window.

        Example:
            >>> plane = Plane(kind="random", first={}, second={})
            >>> plane.grid(5, reach=2.0)[0]
            array([-2., -1.,  0.,  1.,  2.])
        """
        if isinstance(points, bool) or not isinstance(points, (int, np.integer)):
            raise BadSetting(f"points={points!r} is not a whole number. Use 49.")
        if points < 3:
            raise BadSetting(f"points={points} makes no surface. Use 3 or more.")
        if points > MAX_POINTS:
            raise BadSetting(
                f"points={points:,} is more than any picture shows. Use {MAX_POINTS:,}"
                " or fewer."
            )
        if points % 2 == 0:
            raise BadSetting(
                f"points={points} is even, so no sample falls on the origin of the"
                f" plane. Use {points + 1}."
            )
        if not (_is_number(reach) and np.isfinite(reach) and reach > 0):
            raise BadSetting(f"reach={reach!r} is not a positive number. Use 1.0.")
        self.refuse_window()
        along = np.zeros(1) if self.is_line else _axis(self.along, points, reach)
        return _axis(self.across, points, reach), along


def projected(plane: Plane, name: str, place: Arrays, *, held: Arrays) -> Mark:
    """Where a network is seen on a plane whose directions are orthonormal.

    Args:
        plane: The plane.
        name: What the mark is called.
        place: All parameters of the network.
        held: Where a measurement holds the parameters that the plane does not name.

    Returns:
        A mark whose distance from the plane is over all parameters.

    Example:
        >>> e = np.eye(3)
        >>> plane = Plane(kind="path", origin={"w": e[2]},
        ...               first={"w": e[0]}, second={"w": e[1]})
        >>> place = {"w": np.array([2.0, 1.0, 5.0]), "bias": np.array([3.0])}
        >>> projected(plane, "here", place, held={"bias": np.zeros(1)})
        Mark(name='here', a=2.0, b=1.0, off_plane=5.0, ...)
    """
    centre = {**held, **plane.origin}
    apart = {n: flat(array) - flat(centre[n]) for n, array in place.items()}
    first, second = (
        {n: flat(array) for n, array in direction.items()}
        for direction in (plane.first, plane.second)
    )
    a, b = (
        float(sum(np.vdot(apart[n], array) for n, array in direction.items()))
        for direction in (first, second)
    )
    squares = 0.0
    for n, rest in apart.items():
        for step, direction in ((a, first), (b, second)):
            if n in direction:
                rest = rest - step * direction[n]
        squares += float(np.square(rest).sum())
    return Mark(name=name, a=a, b=b, off_plane=float(np.sqrt(squares)))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _is_window(value: object) -> bool:
    """Whether it is two numbers."""
    if not isinstance(value, tuple | list | np.ndarray) or len(value) != 2:
        return False
    return all(map(_is_number, value))


def _wide(window: Window) -> bool:
    """Whether it goes from a lower to a higher number."""
    if not _is_window(window):
        return False
    low, high = window
    return bool(np.isfinite([low, high]).all() and low < high)


def _axis(window: Window, points: int, reach: float) -> NDArray[np.float64]:
    """Evenly spaced samples of the window, moved so that 0 is one of them."""
    centre, half = sum(window) / 2, reach * (window[1] - window[0]) / 2
    step = 2 * half / (points - 1)
    before = int(np.clip(round((half - centre) / step), 0, points - 1))
    return step * np.arange(-before, points - before, dtype=np.float64)
