"""Along the gradient, along the step that was taken, and from layer to layer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from normlab.probes.along import ENDS, LENGTHS, Line, Slope, follow
from normlab.probes.anatomy import Anatomy
from normlab.probes.gradient_shift import Shift, gradient_shift, layers_behind_others
from normlab.probes.notes import PENDING, Notes, Row, key
from normlab.probes.probe_mode import probe_mode_
from normlab.probes.vectors import difference, norm
from normlab.train.step_state import StepState


@dataclass(frozen=True, kw_only=True, eq=False)
class _Before:
    """The run before a step: what is needed once the step has been taken."""

    step: int
    rate: float
    inputs: Tensor
    labels: Tensor
    parameters: dict[str, Tensor]


class Gradient:
    """Measures on pairs of moments, before and after one step, on its batch.

    Args:
        anatomy: In which order parameters are used.
        weights: The shared weight tensors, in order of first use.
        steps: Before which steps to look.
    """

    name = "gradient"

    def __init__(
        self, anatomy: Anatomy, *, weights: Sequence[str], steps: Collection[int]
    ) -> None:
        self._order = anatomy.order
        self._weights = weights
        self._due = steps
        where = {"lengths": torch.tensor(LENGTHS), "ends": torch.tensor(ENDS)}
        self._notes = Notes(where)
        self._before: _Before | None = None

    @property
    def touches(self) -> bool:
        """Only once the step has been taken."""
        return self._before is not None

    def due(self, step: int) -> bool:
        """Before and after each of the steps."""
        return step in self._due or step - 1 in self._due

    def observe(self, state: StepState) -> None:
        """Measure the step just taken, and remember where the next one starts."""
        before = self._before
        named = state.model.named_parameters()
        now = {name: p.detach().clone() for name, p in named}
        self._before = self._remembered(state, now)
        if before is not None and before.step == state.step - 1:
            self._notes.add(before.step, self._measure(state, before, now))

    def _remembered(self, state: StepState, now: dict[str, Tensor]) -> _Before | None:
        if state.step not in self._due or state.inputs is None:
            return None
        assert state.labels is not None
        return _Before(
            step=state.step,
            rate=state.rate,
            inputs=state.inputs,
            labels=state.labels,
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
        line = partial(follow, slope, origin=origin, gradient=gradient)
        along_g = line(direction=gradient, factor=-before.rate)
        along_u = line(direction=update)
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
        start = {"rate": before.rate, "loss": loss, "norm": norm(gradient)}
        return {
            **{name: _numbers(value) for name, value in start.items()},
            **_along(along_g, along_u),
            **self._shifts(shifts),
        }

    def _shifts(self, shifts: Mapping[str, Shift]) -> Row:
        row: Row = {}
        for name, shift in shifts.items():
            number = self._weights.index(name)
            row[key(number, name, "shift")] = _numbers(shift.relative)
            row[key(number, name, "shift_cosine")] = _numbers(shift.cosine)
        return row

    def arrays(self) -> Mapping[str, Tensor]:
        """Rows so far, and the moment that waits for its step."""
        return {**self._notes.arrays(), **_pending(self._before)}

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take back what `arrays` gave."""
        waiting = {
            name.removeprefix(PENDING): tensor
            for name, tensor in arrays.items()
            if name.startswith(PENDING)
        }
        self._before = _unpacked(waiting) if waiting else None
        kept = {n: t for n, t in arrays.items() if not n.startswith(PENDING)}
        self._notes.restore(kept)


def _along(gradient: Line, update: Line) -> Row:
    return {
        "update_norm": _numbers(update.unit),
        "loss_along_g": _numbers(gradient.loss),
        "change_along_g": _numbers(gradient.change),
        "loss_along_u": _numbers(update.loss),
        "change_along_u": _numbers(update.change),
        "predictiveness": _numbers(gradient.predictiveness),
        "beta": _numbers(gradient.smoothness),
        "beta_u": _numbers(update.smoothness),
    }


def _numbers(values: float | Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _pending(before: _Before | None) -> Row:
    if before is None:
        return {}
    when = torch.tensor([before.step, before.rate], dtype=torch.float64)
    whole = {"when": when, "inputs": before.inputs, "labels": before.labels}
    whole |= {f"parameter:{name}": t for name, t in before.parameters.items()}
    return {PENDING + name: tensor for name, tensor in whole.items()}


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
