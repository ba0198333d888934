"""Bowls of known shape have the elongation they were made with."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normlab.analysis.claims.definition import Omitted
from normlab.analysis.claims.rounder_contours import Bowl, bowl_of
from normlab.records.surface import Mark, Surface


def bowl(
    curvatures: tuple[float, float], *, angle: float = 0.0, floor: float = 0.1
) -> Surface:
    """A quadratic around (a, b) = (1, 0.5) whose axes are turned by `angle`."""
    a, b = np.linspace(-1, 3, 13), np.linspace(-1.5, 2.5, 13)
    across, along = np.meshgrid(a - 1.0, b - 0.5)
    u = math.cos(angle) * across + math.sin(angle) * along
    v = -math.sin(angle) * across + math.cos(angle) * along
    loss = floor + (curvatures[0] * u**2 + curvatures[1] * v**2) / 2
    marks = (
        Mark(name="start", a=-1.0, b=-1.5, plane_loss=floor + 30.0),
        Mark(name="end batch", a=1.0, b=0.5, plane_loss=floor),
    )
    return Surface(
        a=a,
        b=b,
        loss=loss,
        directions=({}, {}),
        plane="common",
        statistics="batch",
        batch_size=64,
        examples=64,
        estimated_error=0.0,
        computed=np.ones((13, 13), bool),
        marks=marks,
    )


@given(
    ratio=st.floats(1.0, 4.0),
    angle=st.floats(0.0, math.pi),
)
def test_the_elongation_of_a_quadratic_is_found_at_any_angle(
    ratio: float, angle: float
) -> None:
    found = bowl_of(bowl((ratio**2, 1.0), angle=angle), "batch")
    assert isinstance(found, Bowl)
    assert found.elongation == pytest.approx(ratio, rel=1e-6)
    assert found.r2 == pytest.approx(1.0)


def test_only_the_low_part_is_fitted() -> None:
    surface = bowl((4.0, 1.0))
    walled = np.where(surface.loss > 3.2, 1e6, surface.loss)
    found = bowl_of(replace(surface, loss=walled), "batch")
    assert isinstance(found, Bowl)
    assert found.elongation == pytest.approx(2.0)


def test_holes_are_left_out() -> None:
    surface = bowl((4.0, 1.0))
    loss = surface.loss.copy()
    loss[6, 6] = np.nan
    found = bowl_of(replace(surface, loss=loss), "batch")
    assert isinstance(found, Bowl)
    assert found.elongation == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("surface", "reason"),
    [
        (bowl((1.0, -0.5), floor=5.0), "a curvature is not positive"),
        (bowl((900.0, 900.0)), "too few points"),
    ],
)
def test_what_is_not_a_bowl_says_why(surface: Surface, reason: str) -> None:
    found = bowl_of(surface, "batch")
    assert isinstance(found, Omitted)
    assert reason in found.because


def test_a_rough_surface_is_not_a_bowl() -> None:
    surface = bowl((1.0, 1.0))
    loss = surface.loss.copy()
    loss[::2] += 2.0
    found = bowl_of(replace(surface, loss=loss), "batch")
    assert isinstance(found, Omitted)
    assert found.because == (
        "batch: a quadratic explains at most 90% of the loss, not a bowl"
    )


def test_an_arm_without_a_mark_has_no_bowl() -> None:
    assert isinstance(bowl_of(bowl((1.0, 1.0)), "layer"), Omitted)
