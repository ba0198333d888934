"""What hidden units see on a fixed batch, from one probed step to the next."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from normlab.probes import schedule
from normlab.probes.anatomy import Anatomy
from normlab.probes.context import ProbeBatch, ProbeContext
from normlab.probes.forward import observe_pass
from normlab.probes.notes import NotingProbe, as_pending, pending
from normlab.records.observed.activations import ActivationArrays, HiddenArrays
from normlab.records.observed.contract import Place
from normlab.train.step_state import StepState

SHOWN = 8


class Activations(NotingProbe):
    """Distributions at every norm and nonlinearity, with the batch's statistics.

    Args:
        anatomy: Where to look.
        batch: What is passed through the network.
        seed: Of the streams that choose units and positions.
        steps: When to look; the last one is the end of the run.
    """

    kind = ActivationArrays
    touches = True

    def __init__(
        self,
        anatomy: Anatomy,
        batch: ProbeBatch,
        *,
        seed: int,
        steps: Collection[int],
    ) -> None:
        shown = batch.inputs[:SHOWN]
        facts = self.kind.row(images=batch.images, labels=batch.labels, shown=shown)
        super().__init__(steps, facts)
        self._anatomy = anatomy
        self._inputs = batch.inputs
        self._seed = seed
        self._features: dict[Place, list[Tensor]] = {}

    def observe(self, state: StepState) -> None:
        """One forward pass of the probe batch."""
        seen = observe_pass(state.model, self._inputs, self._anatomy, seed=self._seed)
        self._notes.add(state.step, seen.row)
        for place, features in seen.features.items():
            self._features.setdefault(place, []).append(standardised(features).cpu())
        if state.step == max(self._due):
            self._compare_with_the_end()

    def arrays(self) -> Mapping[str, Tensor]:
        """Rows so far; features only until they are compared with the last ones."""
        features = {str(p): torch.stack(rows) for p, rows in self._features.items()}
        return {**super().arrays(), **as_pending(features)}

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take back what `arrays` gave before the end."""
        super().restore(arrays)
        self._features = {
            Place.of(name): list(stacked.unbind())
            for name, stacked in pending(arrays).items()
        }

    def _compare_with_the_end(self) -> None:
        for place, rows in self._features.items():
            features = torch.stack(rows).double()
            correlation = (features * features[-1]).mean(dim=2).float()
            self._notes.facts |= HiddenArrays.row(place, correlation=correlation)
        self._features = {}


def standardised(features: Tensor) -> Tensor:
    """Shift and scale each row to mean 0 and variance 1; constant rows become nan.

    In half precision, for many are kept: the mean product of two standardised rows
    is their correlation, to 4e-4.

    Args:
        features: `(units, images)`.
    """
    x = features.double()
    x = x - x.mean(dim=1, keepdim=True)
    return (x / x.square().mean(dim=1, keepdim=True).sqrt()).half()


def activations(of: ProbeContext) -> Activations:
    """The probe of one run: at round numbers of steps."""
    steps = schedule.round_numbers(of.length)
    return Activations(of.anatomy, of.batch, seed=of.seed, steps=steps)
