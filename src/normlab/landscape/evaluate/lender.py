"""A network to do with as one likes: copies of it, or itself, put back afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from normlab.base.hold import preserved
from normlab.landscape.evaluate.moving import borrowed, private_copy, shares_memory
from normlab.landscape.evaluate.objective import Objective
from normlab.landscape.intake.sample import Sample
from normlab.landscape.trial.trial import Findings, Trial
from normlab.landscape.trial.witness import Undo


class Lender:
    """Lends a network in eval mode.

    One whose copies stand on their own is copied, and nothing is ever written to the
    user's. One whose copies go on using the original, as those of functions do, is lent
    itself, and put back to the last bit.

    Args:
        model: Any module.
        sample: A few of its examples show how it behaves.
        objective: Mean loss of a network on a batch.

    Raises:
        BadModel: If the model cannot be copied, or does not take the data.
    """

    def __init__(self, model: nn.Module, sample: Sample, objective: Objective) -> None:
        self._gradients = objective.gradients
        self.outside: dict[int, Undo] = {}
        with preserved(model):
            self.net = self._copy_of(model)
            self.found = Trial(self.net, model, objective, sample).findings()
        self.in_place = False
        if self.found.reads_original or shares_memory(self.net, model):
            self.lend_itself(model)
            with self.lent() as net:
                self.found: Findings = Trial(net, None, objective, sample).findings()
        self.outside |= self.found.outside

    def lend_itself(self, model: nn.Module) -> None:
        """From now on lend the model, since its copies do not stand on their own."""
        self.in_place, self.net = True, model

    @property
    def borrows(self) -> bool:
        """Whether one network is lent at a time, and put back."""
        return self.in_place or bool(self.outside)

    @contextmanager
    def lent(self) -> Iterator[nn.Module]:
        """A network for as long as the body lasts."""
        if self.borrows:
            undo = self.outside.values()
            with borrowed(self.net, undo, gradients=self._gradients) as net:
                yield net
        else:
            yield self.copy()

    def copy(self) -> nn.Module:
        """A network to keep."""
        return self._copy_of(self.net)

    def _copy_of(self, model: nn.Module) -> nn.Module:
        return private_copy(model, gradients=self._gradients)
