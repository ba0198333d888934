"""What hidden units see on a fixed batch, from one probed step to the next."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from normlab.probes.anatomy import Anatomy
from normlab.probes.forward import is_fact, observe_pass
from normlab.probes.notes import PENDING, Notes, Row
from normlab.train.step_state import StepState

SHOWN = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbeBatch:
    """Training images that a probe looks at again and again."""

    images: Tensor  # (n,), their numbers in the training part
    inputs: Tensor  # (n, ...), as the network sees them
    labels: Tensor  # (n,)


class Activations:
    """Distributions at every norm and nonlinearity, with the batch's statistics.

    Args:
        anatomy: Where to look.
        batch: What is passed through the network.
        seed: Of the streams that choose units and positions.
        steps: When to look; the last one is the end of the run.
    """

    name = "activations"
    touches = True

    def __init__(
        self,
        anatomy: Anatomy,
        batch: ProbeBatch,
        *,
        seed: int,
        steps: Collection[int],
    ) -> None:
        self._anatomy = anatomy
        self._inputs = batch.inputs
        self._seed = seed
        self._due = steps
        facts = {
            "images": batch.images,
            "labels": batch.labels,
            "shown": batch.inputs[:SHOWN],
        }
        self._notes = Notes(facts)
        self._features: dict[str, list[Tensor]] = {}
        self._correlations: Row = {}

    def due(self, step: int) -> bool:
        """At round numbers and epoch ends."""
        return step in self._due

    def observe(self, state: StepState) -> None:
        """One forward pass of the probe batch."""
        seen = observe_pass(state.model, self._inputs, self._anatomy, seed=self._seed)
        epochs = torch.tensor(state.epoch)
        self._notes.facts |= seen.facts
        self._notes.add(state.step, {"epochs": epochs, **seen.row})
        for place, features in seen.features.items():
            self._features.setdefault(place, []).append(standardised(features).cpu())
        if state.step == max(self._due):
            self._compare_with_the_end()

    def arrays(self) -> Mapping[str, Tensor]:
        """Rows so far; features only until they are compared with the last ones."""
        pending = {
            f"{PENDING}{place}": torch.stack(rows)
            for place, rows in self._features.items()
        }
        return {**self._notes.arrays(), **self._correlations, **pending}

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take back what `arrays` gave before the end."""
        pending = {n: t for n, t in arrays.items() if n.startswith(PENDING)}
        self._features = {
            name.removeprefix(PENDING): list(stacked.unbind())
            for name, stacked in pending.items()
        }
        self._notes.facts |= {n: t for n, t in arrays.items() if is_fact(n)}
        self._notes.restore({n: t for n, t in arrays.items() if n not in pending})

    def _compare_with_the_end(self) -> None:
        for place, rows in self._features.items():
            features = torch.stack(rows).double()
            correlations = (features * features[-1]).mean(dim=2)
            self._correlations[f"{place}:correlation"] = correlations.float()
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
