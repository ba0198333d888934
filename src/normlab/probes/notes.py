"""What a probe remembers: one row of tensors per state."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from normlab.base.reals import real

PENDING = "pending:"
"""Begins the names of what is needed to finish a measurement and is no result."""

Row = dict[str, Tensor]


class Notes:
    """Rows of named tensors, stacked when they are asked for.

    Args:
        facts: Tensors that belong to all moments alike.

    Example:
        >>> notes = Notes()
        >>> notes.add(3, {"loss": torch.tensor(0.5)})
        >>> notes.add(4, {"loss": torch.tensor(0.25)})
        >>> notes.arrays()
        {'steps': tensor([3, 4]), 'loss': tensor([0.5000, 0.2500])}
    """

    def __init__(self, facts: Mapping[str, Tensor] | None = None) -> None:
        self.facts = {n: fact.cpu().clone() for n, fact in (facts or {}).items()}
        self._steps: list[int] = []
        self._rows: dict[str, list[Tensor]] = {}

    def add(self, step: int, row: Mapping[str, Tensor]) -> None:
        """Remember one moment; every moment has the same names."""
        self._steps.append(step)
        for name, value in row.items():
            self._rows.setdefault(name, []).append(real(value.detach()).cpu())

    def arrays(self) -> Row:
        """Every name with its rows, moments first; and `steps`."""
        stacked = {name: torch.stack(rows) for name, rows in self._rows.items()}
        steps = torch.tensor(self._steps, dtype=torch.int64)
        return {"steps": steps, **self.facts, **stacked}

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take back what `arrays` gave; what is a fact must be known already."""
        self._steps = arrays["steps"].tolist()
        self._rows = {
            name: list(stacked.unbind())
            for name, stacked in arrays.items()
            if name != "steps" and name not in self.facts
        }


def key(number: int, place: object, what: str = "") -> str:
    """Name of an array that belongs to one place of the network.

    Example:
        >>> key(2, "relu1", "in_mean")
        '002:relu1:in_mean'
    """
    return f"{number:03d}:{place}" + (f":{what}" if what else "")
