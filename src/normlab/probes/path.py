"""The path through weight space: how long steps are, and how they turn."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from normlab.base.reals import real
from normlab.probes import schedule
from normlab.probes.context import ProbeContext
from normlab.probes.notes import NotingProbe, Row, as_pending, pending
from normlab.probes.vectors import (
    copies,
    cosine,
    difference,
    dots,
    norm,
    parameters_called,
)
from normlab.records.observed.contract import Place
from normlab.records.observed.path import PathArrays, UpdateArrays
from normlab.train.step_state import StepState


@dataclass(kw_only=True, eq=False)
class _Trail:
    """The last look at the weights, and the updates that led there.

    The memory is used again and again: looks are frequent, and what is new to a
    process costs more than the arithmetic.
    """

    weights: list[Tensor]
    update: list[Tensor]
    previous: list[Tensor]  # the update before that one
    lengths: tuple[list[float], list[float]] = ([], [])  # by weight: previous, update
    step: int = -1
    updates: int = 0  # how many successive ones are known, at most 2

    @classmethod
    def like(cls, weights: Sequence[Tensor]) -> _Trail:
        return cls(
            weights=copies(weights), update=copies(weights), previous=copies(weights)
        )

    def go_on(self, here: Sequence[Tensor]) -> None:
        """The weights after one more step."""
        self.update, self.previous = self.previous, self.update
        for new, now, before in zip(self.update, here, self.weights, strict=True):
            torch.sub(now, before, out=new)
        self.lengths = self.lengths[1], [norm([new]) for new in self.update]
        self.updates = min(self.updates + 1, 2)

    def stay(self, here: Sequence[Tensor]) -> None:
        """Where the next step starts from."""
        for before, now in zip(self.weights, here, strict=True):
            before.copy_(now)


class Path(NotingProbe):
    """Norms of updates, angles between successive ones, and the way from the start.

    Args:
        model: At step 0.
        weights: The shared weight tensors, in order of first use.
        pairs: Steps that the first update of a pair starts from.
        last: The last step of the run.
        momentum: Of the recipe; nan where that says nothing.
    """

    kind = PathArrays
    touches = False

    def __init__(
        self,
        model: nn.Module,
        *,
        weights: Sequence[str],
        pairs: Collection[int],
        last: int,
        momentum: float = math.nan,
    ) -> None:
        nowhere = self.kind.row(
            momentum=torch.tensor(momentum),
            distance_steps=torch.tensor([], dtype=torch.int64),
            distance=torch.tensor([]),
        )
        super().__init__({last} | {s + i for s in pairs for i in range(3)}, nowhere)
        self._weights = weights
        self._origin = copies(map(real, parameters_called(model, weights)))
        self._pairs = pairs
        self._last = last
        self._trail: _Trail | None = None

    def observe(self, state: StepState) -> None:
        """Compare with the last look if that was one step ago."""
        step = state.step
        found = parameters_called(state.model, self._weights)
        here = [real(weight.detach()) for weight in found]
        begins = step in self._pairs and step - 1 not in self._pairs
        if begins or step == self._last:
            self._measure_distance(step, here)
        trail = self._trail = self._trail or _Trail.like(here)
        if trail.step == step - 1:
            trail.go_on(here)
        else:
            trail.updates = 0
        if trail.updates == 2 and step - 2 in self._pairs:
            self._notes.add(step - 2, self._turn(trail))
        trail.step = step
        if step + 1 in self._due:
            trail.stay(here)

    def _measure_distance(self, step: int, here: list[Tensor]) -> None:
        self._origin = [start.to(here[0].device) for start in self._origin]
        far = norm(difference(here, self._origin))
        more = self.kind.row(
            distance_steps=torch.tensor([step]), distance=torch.tensor([far])
        )
        facts = self._notes.facts
        facts |= {name: torch.cat([facts[name], new]) for name, new in more.items()}

    def _turn(self, trail: _Trail) -> Row:
        first, second = trail.lengths
        products = dots(trail.previous, trail.update)
        whole = math.hypot(*first), math.hypot(*second)
        row = self.kind.row(norm=whole[0], cosine=cosine(sum(products), *whole))
        for number, name in enumerate(self._weights):
            angle = cosine(products[number], first[number], second[number])
            at = Place(number, name)
            row |= UpdateArrays.row(at, norm=first[number], cosine=angle)
        return {name: torch.tensor(value) for name, value in row.items()}

    def arrays(self) -> Mapping[str, Tensor]:
        """Rows so far, and what the pair that is under way needs."""
        return {**super().arrays(), **self._packed()}

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take back what `arrays` gave."""
        super().restore(arrays)
        under_way = pending(arrays)
        self._trail = self._unpacked(under_way) if under_way else None

    def _packed(self) -> Row:
        trail = self._trail
        if trail is None or trail.step + 1 not in self._due:
            return {}
        row = {"count": torch.tensor([trail.step, trail.updates])}
        row |= _named(self._weights, "weight", trail.weights)
        if trail.updates:
            row |= _named(self._weights, "update", trail.update)
        return as_pending(row)

    def _unpacked(self, row: Row) -> _Trail:
        trail = _Trail.like([row[f"weight:{name}"] for name in self._weights])
        trail.step, trail.updates = (int(n) for n in row["count"])
        if trail.updates:
            trail.update = [row[f"update:{name}"] for name in self._weights]
            trail.lengths = [], [norm([update]) for update in trail.update]
        return trail


def _named(names: Sequence[str], kind: str, tensors: Sequence[Tensor]) -> Row:
    pairs = zip(names, tensors, strict=True)
    return {f"{kind}:{name}": tensor for name, tensor in pairs}


def path(of: ProbeContext) -> Path | None:
    """The probe of one run, at bursts of steps; none without shared weights."""
    if not of.weights:
        return None
    return Path(
        of.model,
        weights=of.weights,
        pairs=schedule.bursts(of.length),
        last=of.length.steps,
        momentum=math.nan if of.momentum is None else of.momentum,
    )
