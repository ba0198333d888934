"""Frames and the slider that moves through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go


def frames(
    states: Sequence[Sequence[Mapping[str, Any]]], traces: Sequence[int]
) -> list[go.Frame]:
    """One frame per state: what changes in each of these traces.

    Args:
        states: Of every frame, per trace, the attributes that change.
        traces: Places of these traces in the figure.
    """
    return [
        go.Frame(name=str(number), data=list(state), traces=list(traces))
        for number, state in enumerate(states)
    ]


def slider(labels: Sequence[str], *, prefix: str, active: int = 0) -> dict[str, Any]:
    """A slider with one step per frame; the report puts a native one in its place."""
    instantly = {
        "mode": "immediate",
        "frame": {"duration": 0, "redraw": True},
        "transition": {"duration": 0},
    }
    return {
        "active": active,
        "currentvalue": {"prefix": prefix},
        "pad": {"t": 48},
        "steps": [
            {"label": label, "method": "animate", "args": [[str(number)], instantly]}
            for number, label in enumerate(labels)
        ],
    }
