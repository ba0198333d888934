"""Numbers back out of a figure, which keeps arrays as base64."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.facade.result import Result


def traces(result: Result, name: str) -> list[dict[str, Any]]:
    """The traces of a figure, as Plotly gets them."""
    return result.plot(name).figure.to_dict()["data"]


def numbers(value: Any) -> NDArray[np.float64]:
    """An attribute of a trace as an array."""
    if not isinstance(value, dict):
        return np.asarray(value, dtype=np.float64)
    flat = np.frombuffer(b64decode(value["bdata"]), dtype=value["dtype"])
    shape = value.get("shape")
    if shape:
        flat = flat.reshape([int(part) for part in str(shape).split(",")])
    return flat.astype(np.float64)
