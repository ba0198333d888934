"""The path through weight space: how long steps are, and how they turn."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor, nn

from normlab.probes.notes import PENDING, Notes, Row, key
from normlab.probes.schedule import BURST
from normlab.probes.vectors import (
    copies,
    cosine,
    difference,
    dots,
    norm,
    parameters_called,
)
from normlab.train.moment import Moment


class Path:
    """Norms of updates, angles between successive ones, and the way from the start.

    Args:
        model: At step 0.
        weights: The shared weight tensors, in order of first use.
        pairs: Steps that the first update of a pair starts from.
        last: The last step of the run.
        momentum: Of the recipe; nan where that says nothing.
    """

    name = "path"
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
        self._weights = weights
        self._origin = copies(parameters_called(model, weights))
        self._pairs = pairs
        self._due = {last} | {step + i for step in pairs for i in range(3)}
        self._last = last
        self._notes = Notes({"momentum": torch.tensor(momentum)})
        self._distances = Notes()
        # where the last look found the weights, and the update that led there
        self._before: tuple[int, list[Tensor], list[Tensor]] | None = None

    def due(self, step: int) -> bool:
        """At the beginning, in the middle and at the end of each pair of updates."""
        return step in self._due

    def look(self, moment: Moment) -> None:
        """Compare with the last look if that was one step ago."""
        step = moment.step
        weights = parameters_called(moment.model, self._weights)
        here = [weight.detach() for weight in weights]
        if step % BURST == 0 or step == self._last:
            self._measure_distance(step, here)
        update: list[Tensor] = []
        if self._before is not None and self._before[0] == step - 1:
            _, there, previous = self._before
            update = difference(here, there)
            if previous and step - 2 in self._pairs:
                self._notes.add(step - 2, self._turn(previous, update))
        goes_on = step + 1 in self._due
        self._before = (step, copies(here), update) if goes_on else None

    def _measure_distance(self, step: int, here: list[Tensor]) -> None:
        self._origin = [start.to(here[0].device) for start in self._origin]
        far = norm(difference(here, self._origin))
        self._distances.add(step, {"distance": torch.tensor(far)})

    def _turn(self, first: list[Tensor], second: list[Tensor]) -> Row:
        lengths = [[norm([t]) for t in update] for update in (first, second)]
        products = dots(first, second)
        whole = [math.hypot(*parts) for parts in lengths]
        row = {"norm": whole[0], "cosine": cosine(sum(products), *whole)}
        for number, name in enumerate(self._weights):
            here = (lengths[0][number], lengths[1][number])
            row[key(number, name, "norm")] = here[0]
            row[key(number, name, "cosine")] = cosine(products[number], *here)
        return {name: torch.tensor(value) for name, value in row.items()}

    def arrays(self) -> Mapping[str, Tensor]:
        """Rows so far, and what the pair that is under way needs."""
        far = {f"distance_{n}" if n == "steps" else n: t for n, t in self._distant()}
        return {**self._notes.arrays(), **far, **self._pending()}

    def _distant(self) -> list[tuple[str, Tensor]]:
        return list(self._distances.arrays().items())

    def _pending(self) -> Row:
        if self._before is None:
            return {}
        step, there, update = self._before
        row = {"step": torch.tensor(step)}
        row |= {f"weight:{n}": t for n, t in zip(self._weights, there, strict=True)}
        row |= {f"update:{n}": t for n, t in zip(self._weights, update, strict=False)}
        return {PENDING + name: tensor for name, tensor in row.items()}

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take back what `arrays` gave."""
        self._before = None
        if PENDING + "step" in arrays:
            there, update = (
                [
                    arrays[n]
                    for w in self._weights
                    if (n := PENDING + kind + w) in arrays
                ]
                for kind in ("weight:", "update:")
            )
            self._before = int(arrays[PENDING + "step"]), there, update
        far = ("distance_steps", "distance")
        kept = {n: t for n, t in arrays.items() if not n.startswith(PENDING)}
        self._notes.restore({n: t for n, t in kept.items() if n not in far})
        if "distance" in arrays:
            steps, distance = (arrays[name] for name in far)
            self._distances.restore({"steps": steps, "distance": distance})
