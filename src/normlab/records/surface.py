"""What a measured surface is: plain arrays, readable without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from normlab.errors import BadSetting
from normlab.spec.plan import RunKey
from normlab.spec.surfaces import PlaneKind, Statistics


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A place on a plane that deserves a name: an end, a start, a snapshot.

    Attributes:
        name: What is there, for example `start` or `step 400`.
        a: Coordinate along the first direction.
        b: Coordinate along the second direction.
        off_plane: Distance between the place and its point on the plane, in
            the units of the weights.
        plane_loss: Loss at the point on the plane; None until measured.
        true_loss: Loss of the network that was really there; None if unknown.
        path: Which of several paths it lies on; empty where there is one.
    """

    name: str
    a: float
    b: float
    off_plane: float = 0.0
    plane_loss: float | None = None
    true_loss: float | None = None
    path: str = ""


@dataclass(frozen=True, kw_only=True)
class Surface:
    """Loss on a grid over a plane, `origin + a first + b second`; of a line one row.

    Its arrays cannot be written to; `array.copy()` can.

    Attributes:
        a: Coordinates along the first direction, shape (columns,).
        b: Coordinates along the second direction, shape (rows,).
        loss: Mean loss per example, shape (rows, columns); `loss[j, i]` belongs
            to `(a[i], b[j])`. NaN where the loss is not finite.
        directions: Two mappings from parameter name to array.
        plane: Kind of plane: random, path, common, models, line or parameters.
        statistics: What every norm normalised by.
        batch_size: Examples per batch where `statistics` cuts the sample.
        examples: Examples that the loss is a mean over.
        estimated_error: Largest difference between the loss measured at held-out
            points and the interpolation without them, relative to the local
            loss, where it was let pass. Held out are, behind the first grid, all
            120 points of the next; behind a later one 24 of the next, where the
            interpolation changed most; each time 12 anywhere, and more around those
            that disagree by more than 0.5 %. The other points nobody compared. 0
            where every point was computed.
        computed: True where the loss was computed, False where interpolated.
        marks: Named places on the plane.
        facts: Numbers about the plane, for example `explained_1`.
        seconds: Time spent; where it was interrupted, since it went on.
        unit: Of the loss: nats, or empty for a loss of the user's own.
        applied: What norms really normalised by, where `statistics` does not say it:
            some are frozen, or no norm is there. Empty where it does.
    """

    a: NDArray[np.float64]
    b: NDArray[np.float64]
    loss: NDArray[np.float64]
    directions: tuple[
        Mapping[str, NDArray[np.floating]], Mapping[str, NDArray[np.floating]]
    ]
    plane: str
    statistics: Statistics
    batch_size: int
    examples: int
    estimated_error: float
    computed: NDArray[np.bool_]
    marks: tuple[Mark, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    unit: str = "nats"
    applied: str = ""

    def __post_init__(self) -> None:
        shape = (len(self.b), len(self.a))
        if self.loss.shape != shape or self.computed.shape != shape:
            raise BadSetting(
                f"surface: loss {self.loss.shape} and computed {self.computed.shape}"
                f" must have the shape (len(b), len(a)) = {shape}."
            )
        for name in ("a", "b", "loss", "computed"):
            object.__setattr__(self, name, _read_only(getattr(self, name)))
        directions = tuple(
            {name: _read_only(array) for name, array in direction.items()}
            for direction in self.directions
        )
        object.__setattr__(self, "directions", directions)

    @property
    def evaluation(self) -> str:
        """The statistics with their batch size, as printed beside every figure."""
        if self.applied:
            return self.applied
        cut = self.statistics in ("batch", "recalibrated")
        return f"{self.statistics}({self.batch_size})" if cut else self.statistics

    @property
    def is_line(self) -> bool:
        """Whether it is the loss on a line: one row, along the first direction."""
        return len(self.b) == 1

    @property
    def range(self) -> str:
        """Its least and greatest finite loss in words, with the unit."""
        known = self.loss[np.isfinite(self.loss)]
        if not known.size:
            return "none finite"
        return f"{known.min():.4g} to {known.max():.4g} {self.unit}".rstrip()

    def __repr__(self) -> str:
        points = " x ".join(str(count) for count in self.loss.shape[::-1])
        return (
            f"<Surface on the plane '{self.plane}': {points} points, loss {self.range},"
            f" {self.evaluation} statistics, {self.examples:,} examples>"
        )


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


SurfaceKind = PlaneKind | Literal["bowl"]


@dataclass(frozen=True, kw_only=True)
class StudySurface:
    """A surface of a study, and what it is of.

    Attributes:
        kind: *path*: the plane of one run's own path. *common*: the plane through the
            common start and the ends of two twins. *random*: a plane of two random
            directions about the end of one run. *bowl*: the common plane, coarse, for
            the shape of the contours alone.
        run: The run that was measured on it.
        twin: The arm that, with the baseline, spans a common plane; else None.
        surface: The loss.
    """

    kind: SurfaceKind
    run: RunKey
    twin: str | None
    surface: Surface

    @property
    def name(self) -> str:
        """Unique in a study and safe in file names."""
        return surface_name(self.kind, self.run, self.twin, self.surface.statistics)


def surface_name(kind: str, run: RunKey, twin: str | None, statistics: str) -> str:
    """What the file of such a surface is called.

    Example:
        >>> surface_name("common", RunKey("none", 0.01, 0), "batch", "full")
        'common-batch-none-lr0.01-seed0-full'
    """
    return "-".join(part for part in (kind, twin, run.id, statistics) if part)


_MARK = ("name", "a", "b", "off_plane", "plane_loss", "true_loss", "path")
_SCALARS = ("plane", "statistics", "batch_size", "examples", "estimated_error")


def packed(whole: StudySurface) -> dict[str, NDArray[Any]]:
    """A surface of a study as plain arrays, for one .npz file without pickle."""
    of_study = {"kind": whole.kind, "run": whole.run, "twin": whole.twin}
    return packed_surface(whole.surface, **of_study)


def packed_surface(surface: Surface, **more: Any) -> dict[str, NDArray[Any]]:
    """A surface as plain arrays, for one .npz file without pickle.

    Args:
        surface: Any.
        more: What else is to be known of it, as JSON can hold it.
    """
    marks = [
        [m.name, m.a, m.b, m.off_plane, m.plane_loss, m.true_loss]
        + ([m.path] if m.path else [])
        for m in surface.marks
    ]
    about = {name: getattr(surface, name) for name in _SCALARS}
    about |= {"marks": marks, "facts": dict(surface.facts)}
    about |= {"seconds": surface.seconds, "unit": surface.unit, **more}
    about |= {"applied": surface.applied}
    arrays: dict[str, NDArray[Any]] = {
        "about": np.array(json.dumps(about)),
        "a": surface.a,
        "b": surface.b,
        "loss": surface.loss,
        "computed": surface.computed,
    }
    for axis, direction in enumerate(surface.directions):
        arrays |= {f"direction{axis}:{n}": array for n, array in direction.items()}
    return arrays


def unpacked(arrays: Mapping[str, NDArray[Any]]) -> StudySurface:
    """The surface that `packed` made arrays of.

    Raises:
        KeyError: If an array is missing.
    """
    about = json.loads(str(arrays["about"]))
    arm, rate, seed, point = about["run"]
    return StudySurface(
        kind=about["kind"],
        run=RunKey(arm, rate, seed, tuple((key, value) for key, value in point)),
        twin=about["twin"],
        surface=unpacked_surface(arrays),
    )


def unpacked_surface(arrays: Mapping[str, NDArray[Any]]) -> Surface:
    """The surface that `packed_surface` made arrays of.

    Raises:
        KeyError: If an array is missing.
    """
    about = json.loads(str(arrays["about"]))
    directions = tuple(
        {
            name.partition(":")[2]: array
            for name, array in arrays.items()
            if name.startswith(f"direction{axis}:")
        }
        for axis in (0, 1)
    )
    return Surface(
        a=arrays["a"],
        b=arrays["b"],
        loss=arrays["loss"],
        computed=arrays["computed"],
        directions=(directions[0], directions[1]),
        # without its last places where they are empty
        marks=tuple(Mark(**dict(zip(_MARK, m, strict=False))) for m in about["marks"]),
        facts=about["facts"],
        seconds=about["seconds"],
        unit=about.get("unit", "nats"),  # older files have neither
        applied=about.get("applied", ""),
        **{name: about[name] for name in _SCALARS},
    )
