"""Weights whose length does not matter, and the learning rate that results."""

from __future__ import annotations

from collections.abc import Mapping

from normlab.records.observed.contract import (
    Array,
    Arrays,
    Place,
    ProbeArrays,
    kept,
    places,
)


class RowArrays(Arrays, probe="scale"):
    """Rows w of one such weight; a: learning rate, m: momentum of SGD."""

    norm: Array = kept("‖w‖", "steps rows", unit="weight")
    effective_rate: Array | None = kept(
        "a / ((1 − m) ‖w‖²); with SGD alone", "steps rows", default=None
    )


class ScaleArrays(ProbeArrays, probe="scale"):
    """Weights in front of norms: they can be rescaled without another effect.

    Source: van Laarhoven 2017, arXiv 1706.05350.
    """

    weights: Mapping[Place, RowArrays] = places(RowArrays)
