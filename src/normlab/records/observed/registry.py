"""Every probe's arrays: the classes that the files of this folder define."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from inspect import isclass
from pkgutil import iter_modules
from typing import Literal

from normlab.records import observed
from normlab.records.observed.contract import ProbeArrays


def _defined() -> Iterator[type[ProbeArrays]]:
    for file in iter_modules(observed.__path__):
        module = import_module(f"{observed.__name__}.{file.name}")
        for kind in vars(module).values():
            own = isclass(kind) and kind.__module__ == module.__name__
            if own and issubclass(kind, ProbeArrays) and kind is not ProbeArrays:
                yield kind


PROBES: tuple[type[ProbeArrays], ...] = tuple(_defined())
"""In the order of their names, in which they look."""

Measure = Literal["none", "light", "full"]

MEASURES: dict[Measure, tuple[str, ...]] = {
    "none": (),
    "light": ("activations",),
    "full": tuple(kind.probe for kind in PROBES if not kind.afterwards),
}
"""Names of the probes of each; they look in this order."""
