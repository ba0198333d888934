"""Along the gradient, along the step that was taken, and from layer to layer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from normlab.base.filters import lengths_of
from normlab.probes.along import ENDS, LENGTHS, UNSEEN, Slope, follow
from normlab.probes.anatomy import Anatomy
from normlab.probes.context import ProbeContext
from normlab.probes.gradient_shift import Shift, gradient_shift, layers_behind_others
from normlab.probes.notes import NotingProbe, Row, as_pending, pending
from normlab.probes.probe_mode import probe_mode_
from normlab.probes.vectors import difference, geometric_mean, norm
from normlab.records.observed.contract import Place
from normlab.records.observed.gradient import GradientArrays, ShiftArrays
from normlab.records.observed.phases import moments
from normlab.train.step_state import StepState

AGAINST_EVERY = 3
"""At which moments the line along -a g is followed, which takes three passes in ten."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Before:
    """The run before a step: what is needed once the step has been taken."""

    step: int
    rate: float
    inputs: Tensor
    labels: Tensor
    parameters: dict[str, Tensor]


class Gradient(NotingProbe):
    """Measures on pairs of moments, before and after one step, on its batch.

    Args:
        anatomy: In which order parameters are used.
        weights: The shared weight tensors, in order of first use.
        steps: Before which steps to look.
        against: Before which of them to follow the line against the gradient too.
    """

    kind = GradientArrays

    def __init__(
        self,
        anatomy: Anatomy,
        *,
        weights: Sequence[str],
        steps: Collection[int],
        against: Collection[int],
    ) -> None:
        where = self.kind.row(lengths=torch.tensor(LENGTHS), ends=torch.tensor(ENDS))
        super().__init__(steps, where)
        self._order = anatomy.order
        self._weights = weights
        self._against = against
        self._before: _Before | None = None

    @property
    def touches(self) -> bool:
        """Only once the step has been taken."""
        return self._before is not None

    def due(self, step: int) -> bool:
        """Before and after each of the steps."""
        return super().due(step) or super().due(step - 1)

    def observe(self, state: StepState) -> None:
        """Measure the step just taken, and remember where the next one starts."""
        before = self._before
        named = state.model.named_parameters()
        now = {name: p.detach().clone() for name, p in named}
        self._before = self._remembered(state, now)
        if before is not None and before.step == state.step - 1:
            self._notes.add(before.step, self._measure(state, before, now))

    def _remembered(self, state: StepState, now: dict[str, Tensor]) -> _Before | None:
        if state.step not in self._due or state.upcoming is None:
            return None
        inputs, labels = state.upcoming()
        return _Before(
            step=state.step,
            rate=state.rate,
            inputs=inputs,
            labels=labels,
            parameters=now,
        )

    def _measure(self, state: StepState, before: _Before, after: Row) -> Row:
        model = state.model
        parameters = dict(model.named_parameters())
        for name, values in before.parameters.items():
            parameters[name].data.copy_(values)
        probe_mode_(model)
        slope = Slope(
            loss=lambda: state.loss(model(before.inputs), before.labels),
            weights=[parameters[name] for name in self._weights],
        )
        loss, gradient = slope()
        origin = [before.parameters[name] for name in self._weights]
        update = difference([after[name] for name in self._weights], origin)
        lengths = lengths_of(model, self._weights)
        rows = [lengths[name] for name in self._weights]
        line = partial(follow, slope, origin=origin, gradient=gradient)
        against = before.step in self._against
        along_g = line(direction=gradient, factor=-before.rate) if against else UNSEEN
        along_u = line(direction=update, rows=rows)
        for weight, values in zip(slope.weights, origin, strict=True):
            weight.data.copy_(values)
        of_layer = dict(zip(self._weights, gradient, strict=True))
        shifts = gradient_shift(
            slope,
            parameters=parameters,
            after=after,
            order=self._order,
            gradients={n: of_layer[n] for n in layers_behind_others(self._weights)},
        )
        row = self.kind.row(
            rate=before.rate,
            loss=loss,
            norm=norm(gradient),
            loss_along_g=along_g.loss,
            predictiveness=along_g.predictiveness,
            beta=along_g.smoothness,
            update_norm=along_u.unit,
            loss_along_u=along_u.loss,
            slope_along_u=along_u.slope,
            change_along_u=along_u.change,
            beta_u=along_u.smoothness,
            beta_u_by_row=along_u.smoothness_by_row,
            row_length=geometric_mean(rows),
        ) | self._shifts(shifts)
        found = {n: torch.tensor(v, dtype=torch.float64) for n, v in row.items()}
        return found | self.kind.row(against=torch.tensor(against))

    def _shifts(self, shifts: Mapping[str, Shift]) -> dict[str, float]:
        row: dict[str, float] = {}
        for name, shift in shifts.items():
            at = Place(self._weights.index(name), name)
            row |= ShiftArrays.row(at, shift=shift.relative, shift_cosine=shift.cosine)
        return row

    def arrays(self) -> Mapping[str, Tensor]:
        """Rows so far, and the moment that waits for its step."""
        return {**super().arrays(), **_packed(self._before)}

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take back what `arrays` gave."""
        super().restore(arrays)
        waiting = pending(arrays)
        self._before = _unpacked(waiting) if waiting else None


def _packed(before: _Before | None) -> Row:
    if before is None:
        return {}
    when = torch.tensor([before.step, before.rate], dtype=torch.float64)
    whole = {"when": when, "inputs": before.inputs, "labels": before.labels}
    whole |= {f"parameter:{name}": t for name, t in before.parameters.items()}
    return as_pending(whole)


def _unpacked(waiting: Mapping[str, Tensor]) -> _Before:
    step, rate = waiting["when"].tolist()
    return _Before(
        step=int(step),
        rate=rate,
        inputs=waiting["inputs"],
        labels=waiting["labels"],
        parameters={
            name.removeprefix("parameter:"): tensor
            for name, tensor in waiting.items()
            if name.startswith("parameter:")
        },
    )


def gradient(of: ProbeContext) -> Gradient | None:
    """The probe of one run, some moments in each phase; none without shared weights."""
    if not of.weights:
        return None
    steps = moments(of.length.steps)
    return Gradient(
        of.anatomy,
        weights=of.weights,
        steps=frozenset(steps),
        against=frozenset(steps[::AGAINST_EVERY]),
    )
