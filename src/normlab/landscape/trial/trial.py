"""How a network behaves on a few examples, before anything is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from normlab.errors import BadModel, BadSetting, NormlabError
from normlab.landscape.evaluate.norms import own_norms, with_averages
from normlab.landscape.evaluate.objective import LossObjective, Objective
from normlab.landscape.evaluate.state import State, same
from normlab.landscape.evaluate.tried import Call
from normlab.landscape.intake.batch import Batch, mapped, tensors
from normlab.landscape.intake.sample import Sample
from normlab.landscape.trial.refusals import refused
from normlab.landscape.trial.together import Together
from normlab.landscape.trial.uncontrolled import uncontrolled
from normlab.landscape.trial.witness import Undo, Witness
from normlab.records.surface import Statistics
from normlab.user_code import refusing

_FEW = 8  # examples: two halves, each with a variance


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a few examples showed.

    Attributes:
        reads_original: Whether a copy of the network uses the original.
        draws: Whether the default generators moved though dropout was off.
        remembers: Whether something of its own is different after a call.
        outside: How to put back what does not belong to it, but was changed.
        interacts: Whether the loss of an example depends on the others beside it.
        ordered: Whether that depends on their order too.
        largest: Values per example of the largest tensor on the way.
        counts: The module that takes statistics of the batch in training and is none
            of the known norms; empty if there is none.
        calls: What norms that are not torch's own were called with.
        examples: How many were enough.
    """

    reads_original: bool
    draws: bool
    remembers: bool
    outside: Mapping[int, Undo]
    interacts: bool
    ordered: bool
    largest: int
    counts: str
    calls: Mapping[str, Call]
    examples: int

    def refuse_uncontrolled(self, statistics: Statistics) -> None:
        """See that all norms can follow the statistics.

        Raises:
            BadModel: If one is known that cannot.
        """
        if self.counts and statistics != "running":
            raise BadModel(
                f"statistics={statistics!r}: {self.counts} takes statistics of the"
                " batch in training, but is no norm that can be told which. Let it keep"
                " buffers named running_mean and running_var, or use 'running'."
            )


@dataclass
class Trial:
    """A network in eval mode on a few examples, watched.

    Args:
        net: A private copy in eval mode, or the model itself.
        original: What `net` is a copy of; None if it is the model itself.
        objective: What is measured.
        sample: The examples.
    """

    net: nn.Module
    original: nn.Module | None
    objective: Objective
    sample: Sample
    calls: dict[str, Call] = field(default_factory=dict)

    def findings(self) -> Findings:
        """Run it, and say what was seen.

        Raises:
            BadModel: If the network or the loss does not take the data.
            BadData: If outputs and targets do not go together.
            BadSetting: If the loss reads the model, or is no mean.
        """
        with with_averages(self.net):
            return self._findings()

    def _findings(self) -> Findings:
        self.few = self.sample.first(min(_FEW, max(2, self.sample.batch_size)))
        self.state, self.witness = State(self.net), Witness(self.net, self.original)
        with self._noting_calls():
            outputs = self._first_outputs()
        remembers = self.witness.wrote_own or self.state.changed
        if isinstance(self.objective, LossObjective):
            self._try_loss(self.objective, outputs)
        self.state.put_back()
        together = Together(self.net, self.objective, self.state, self.few.batch)
        interacts = self.witness.drew or remembers or together.interacts
        ordered = interacts and not self.witness.drew and together.ordered
        if not self.witness.drew:
            together.refuse_sum()
        counts = uncontrolled(together, outputs)
        self.state.put_back()
        for undo in self.witness.outside.values():
            undo()
        return Findings(
            reads_original=self.witness.read_original,
            draws=self.witness.drew,
            remembers=remembers,
            outside=self.witness.outside,
            interacts=interacts,
            ordered=ordered,
            largest=self.witness.largest // len(self.few),
            counts=counts,
            calls=self.calls,
            examples=len(self.few),
        )

    def _first_outputs(self) -> Any:
        """Of a few examples, or of whole batches if the network takes nothing else."""
        whole = self.sample.first(min(self.sample.batch_size, len(self.sample)))
        failed: NormlabError | None = None
        for few in (self.few, whole, self.sample):
            before = mapped(torch.clone, few.batch)
            try:
                with refusing(self._refused), self.witness:
                    found = self.objective.outputs(self.net, few.batch)
            except NormlabError as error:
                failed = failed or error
                continue
            self._refuse_changed(before, few.batch)
            self.few = few
            return found
        assert failed is not None
        raise failed

    def _refused(self, error: BaseException) -> NormlabError:
        return refused(self.net, self.sample, error)

    def _try_loss(self, objective: LossObjective, outputs: Any) -> None:
        objective.refuse_unfit(outputs, self.sample.batch[1])
        beside = Witness(self.net, self.original)
        beside.overlook(tensors(outputs))
        with refusing(self._refused), beside:
            float(objective.loss(outputs, self.few.batch[1]))
        if beside.read_original:
            raise BadSetting(
                "loss: it reads the model, but the model is not what moves. Pass"
                " objective=f instead: f(model, batch) is given the one that does."
            )
        self.witness.take_in(beside)

    def _refuse_changed(self, before: Batch, now: Batch) -> None:
        pairs = zip(tensors(before), tensors(now), strict=True)
        if not all(same(one, other) for one, other in pairs):
            raise BadModel(
                f"surface: {type(self.net).__name__} changes its inputs in place, so no"
                " two passes see the same data. Begin its forward with x = x.clone()."
            )

    @contextmanager
    def _noting_calls(self) -> Iterator[None]:
        """Note what norms of unknown behaviour are called with, inside the block."""

        def noting(name: str) -> Callable[..., None]:
            def note(_: nn.Module, args: tuple[Any, ...], named: dict[str, Any]):
                self.calls[name] = mapped(torch.clone, (args, named))

            return note

        handles = [
            self.net.get_submodule(name).register_forward_pre_hook(
                noting(name), with_kwargs=True
            )
            for name in own_norms(self.net)
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
