"""What a probe remembers: one row of tensors per look."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

import torch
from torch import Tensor

from normlab.base.reals import real
from normlab.records.observed.contract import STEPS, ProbeArrays
from normlab.train.step_state import PENDING

Row = dict[str, Tensor]


class Notes:
    """Rows of named tensors, stacked when they are asked for.

    Args:
        kind: Of the arrays that they become.
        facts: Tensors that belong to all looks alike.

    Example:
        >>> from normlab.records.observed.path import PathArrays
        >>> notes = Notes(PathArrays)
        >>> notes.add(3, PathArrays.row(norm=torch.tensor(0.5)))
        >>> notes.add(4, PathArrays.row(norm=torch.tensor(0.25)))
        >>> notes.arrays()
        {'steps': tensor([3, 4]), 'norm': tensor([0.5000, 0.2500])}
    """

    def __init__(self, kind: type[ProbeArrays], facts: Row | None = None) -> None:
        self.facts = {n: fact.cpu().clone() for n, fact in (facts or {}).items()}
        self._kind = kind
        self._steps: list[int] = []
        self._rows: dict[str, list[Tensor]] = {}

    def add(self, step: int, row: Mapping[str, Tensor]) -> None:
        """Remember one look; every look has the same names, facts among them."""
        self._steps.append(step)
        for name, value in row.items():
            known = real(value.detach()).cpu()
            if self._repeats(name):
                self._rows.setdefault(name, []).append(known)
            else:
                self.facts[name] = known

    def arrays(self) -> Row:
        """Every name with its rows, looks first; and `steps`.

        What was not there at every look (of a network that changes) is left out.
        """
        stacked = {name: torch.stack(rows) for name, rows in self._rows.items()}
        whole = {
            name: tensor
            for name, tensor in {**self.facts, **stacked}.items()
            if not self._repeats(name) or len(tensor) == len(self._steps)
        }
        return {STEPS: torch.tensor(self._steps, dtype=torch.int64), **whole}

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take back what `arrays` gave; what no field is called is passed over."""
        self._steps = arrays[STEPS].tolist()
        known = {n: t for n, t in arrays.items() if self._kind.axes(n) is not None}
        known.pop(STEPS)
        self._rows = {n: [*t.unbind()] for n, t in known.items() if self._repeats(n)}
        self.facts |= {n: t for n, t in known.items() if not self._repeats(n)}

    def _repeats(self, name: str) -> bool:
        return STEPS in (self._kind.axes(name) or ())


class NotingProbe:
    """What is the same in all probes that keep notes.

    Args:
        steps: When to look.
        facts: Arrays that belong to all looks alike.
    """

    kind: ClassVar[type[ProbeArrays]]

    def __init__(self, steps: Collection[int], facts: Row | None = None) -> None:
        self._due = steps
        self._notes = Notes(self.kind, facts)

    @property
    def name(self) -> str:
        """What its file is called."""
        return self.kind.probe

    def due(self, step: int) -> bool:
        """At the steps that it was made for."""
        return step in self._due

    def arrays(self) -> Mapping[str, Tensor]:
        """Everything so far."""
        return self._notes.arrays()

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take back what `arrays` gave."""
        self._notes.restore(arrays)


def pending(arrays: Mapping[str, Tensor]) -> Row:
    """Of what a probe gave, what it needs to finish a measurement."""
    return {
        name.removeprefix(PENDING): tensor
        for name, tensor in arrays.items()
        if name.startswith(PENDING)
    }


def as_pending(arrays: Mapping[str, Tensor]) -> Row:
    """The other way round."""
    return {PENDING + name: tensor for name, tensor in arrays.items()}
