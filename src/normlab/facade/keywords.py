"""What Python users pass as keywords, as plain values that a study.toml can hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from normlab.spec.names import PYTHON
from normlab.spec.options import name_of

_NARROW = {"float16": np.float16, "float32": np.float32}


def arm_table(given: Any) -> Any:
    """An arm as a table, named after its norm unless it says its own name.

    Example:
        >>> arm_table("ghost(chunk=8)")
        {'name': 'ghost-chunk8', 'norm': 'ghost(chunk=8)'}
        >>> arm_table(partial(dict, momentum=0.2))["name"]
        'dict-momentum0.2'
    """
    if isinstance(given, str):
        return {"name": name_of(given), "norm": given}
    norm = given.get("norm") if isinstance(given, Mapping) else given
    if not callable(norm):
        return dict(given) if isinstance(given, Mapping) else {"norm": given}
    options = norm.keywords if isinstance(norm, partial) else {}
    made = norm.func if isinstance(norm, partial) else norm
    parts = [getattr(made, "__name__", type(made).__name__)]
    parts += [f"{key}{value}" for key, value in options.items()]
    name = re.sub(r"[^A-Za-z0-9_.+-]", "", "-".join(parts)).lstrip("_.+-")[:64]
    more = dict(given) if isinstance(given, Mapping) else {}
    return {"name": name or "norm", **more, "norm": norm}


def several(given: Any, single: type | tuple[Any, ...] = ()) -> Any:
    """A tuple of one or more; what is neither stays as it is, for the spec to refuse.

    Example:
        >>> from numbers import Integral, Real
        >>> several(0.1, Real), several([8, 64], Integral), several(None, str)
        ((0.1,), (8, 64), None)
    """
    given = plain(given)
    if isinstance(given, single):
        return (given,)
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        return given
    return tuple(map(plain, given))


def plain(value: Any) -> Any:
    """A single number of NumPy or torch as Python's own, as short as it is written.

    Example:
        >>> plain(np.float32(0.1)), plain(np.array(3)), plain("batch")
        (0.1, 3, 'batch')
    """
    if getattr(value, "ndim", None) != 0:
        return value
    # float32's nearest to 0.1 is 0.10000000149011612, which nobody wrote
    narrow = _NARROW.get(str(value.dtype).removeprefix("torch."))
    return float(str(narrow(value.item()))) if narrow else value.item()


def named(given: object) -> str:
    """What study.toml calls it: its name or path, else "python"."""
    if isinstance(given, Path):
        return str(given.absolute())
    return given if isinstance(given, str) else PYTHON
