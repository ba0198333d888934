"""A plane of parameter space: an origin, two directions and a window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from normlab.errors import BadSetting
from normlab.records.surface import Mark

Arrays = Mapping[str, NDArray[np.floating]]
Window = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Plane:
    """The points `origin + a first + b second`.

    Attributes:
        kind: random, path, common or parameters.
        origin: Parameters at (0, 0); those not named are the model's own.
        first: First direction; parameters not named stay where they are.
        second: Second direction.
        across: Least and greatest `a` that are shown at a reach of 1.
        along: Least and greatest `b`.
        marks: Named places.
        real: By the name of a mark the network that was really there: parameters
            and buffers, those not named are the model's own. Its loss is measured
            too, as the mark's true loss.
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

    def grid(
        self, points: int, reach: float = 1.0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coordinates at which the plane is sampled; (0, 0) is one of them.

        Args:
            points: Samples per direction, odd.
            reach: Size of the window as a multiple of the plane's own.

        Raises:
            BadSetting: If `points` is even or below 3, or `reach` not positive.

        Example:
            >>> plane = Plane(kind="random", first={}, second={})
            >>> plane.grid(5, reach=2.0)[0]
            array([-2., -1.,  0.,  1.,  2.])
        """
        if isinstance(points, bool) or not isinstance(points, (int, np.integer)):
            raise BadSetting(f"points={points!r} is not a whole number. Use 49.")
        if points < 3:
            raise BadSetting(f"points={points} makes no surface. Use 3 or more.")
        if points % 2 == 0:
            raise BadSetting(
                f"points={points} is even, so no sample falls on the origin of the"
                f" plane. Use {points + 1}."
            )
        if not (np.isfinite(reach) and reach > 0):
            raise BadSetting(f"reach={reach} is not a positive number. Use 1.0.")
        return _axis(self.across, points, reach), _axis(self.along, points, reach)


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
        Mark(name='here', a=2.0, b=1.0, off_plane=5.0, plane_loss=None, true_loss=None)
    """
    centre = {**held, **plane.origin}
    apart = {n: np.asarray(array, np.float64) - centre[n] for n, array in place.items()}
    a, b = (
        float(sum(np.vdot(apart[one], along[one]) for one in along))
        for along in (plane.first, plane.second)
    )
    squares = 0.0
    for n, rest in apart.items():
        for step, along in ((a, plane.first), (b, plane.second)):
            if n in along:
                rest = rest - step * along[n]
        squares += float(np.square(rest).sum())
    return Mark(name=name, a=a, b=b, off_plane=float(np.sqrt(squares)))


def _axis(window: Window, points: int, reach: float) -> NDArray[np.float64]:
    """Evenly spaced samples of the window, moved so that 0 is one of them."""
    centre, half = sum(window) / 2, reach * (window[1] - window[0]) / 2
    step = 2 * half / (points - 1)
    before = int(np.clip(round((half - centre) / step), 0, points - 1))
    return step * np.arange(-before, points - before, dtype=np.float64)
