"""How a network behaves on a few examples, before anything is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from normlab.errors import BadModel, BadSetting, NormlabError
from normlab.landscape.batch import (
    Batch,
    close,
    described,
    joined,
    mapped,
    rows,
    tensors,
    tolerance,
)
from normlab.landscape.norms import Call, norm_names, own_norms, with_averages
from normlab.landscape.objective import LossObjective, Objective
from normlab.landscape.sample import Sample
from normlab.landscape.state import State, same
from normlab.landscape.witness import Undo, Witness

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
    largest: int
    counts: str
    calls: Mapping[str, Call]
    examples: int


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
            BadSetting: If the loss reads the model, or is a sum.
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
        interacts = self.witness.drew or remembers or self._interacts()
        if not self.witness.drew:
            self._refuse_sum()
        counts = self._counts(outputs)
        self.state.put_back()
        for undo in self.witness.outside.values():
            undo()
        return Findings(
            reads_original=self.witness.read_original,
            draws=self.witness.drew,
            remembers=remembers,
            outside=self.witness.outside,
            interacts=interacts,
            largest=self.witness.largest // len(self.few),
            counts=counts,
            calls=self.calls,
            examples=len(self.few),
        )

    def _first_outputs(self) -> Any:
        """Of a few examples, or of whole batches if the network takes nothing else."""
        whole = self.sample.first(min(self.sample.batch_size, len(self.sample)))
        failed: Exception | None = None
        for few in (self.few, whole, self.sample):
            before = mapped(torch.clone, few.batch)
            try:
                with self.witness:
                    found = self.objective.outputs(self.net, few.batch)
            except Exception as error:  # code of the user's: any error may come out
                failed = failed or error
                continue
            self._refuse_changed(before, few.batch)
            self.few = few
            return found
        assert failed is not None
        raise refused(self.net, self.sample, failed) from failed

    def _try_loss(self, objective: LossObjective, outputs: Any) -> None:
        objective.refuse_unfit(outputs, self.sample.batch[1])
        beside = Witness(self.net, self.original)
        beside.overlook(tensors(outputs))
        try:
            with beside:
                float(objective.loss(outputs, self.few.batch[1]))
        except Exception as error:
            raise refused(self.net, self.sample, error) from error
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

    def _interacts(self) -> bool:
        """Whether it makes a difference which examples are computed together."""
        if len(self.few) < 2:
            return False
        return not (
            self._additive(lambda batch: self.objective.outputs(self.net, batch))
            and self._additive(
                lambda batch: torch.tensor(
                    self.objective.value(self.net, batch), dtype=torch.float64
                )
            )
        )

    def _additive(self, function: Callable[[Batch], Any]) -> bool:
        """Whether halves of the batch give halves of the rows, or of the mean."""
        size, half = len(self.few), len(self.few) // 2

        def found(cut: slice) -> list[Tensor]:
            modes = [(module, module.training) for module in self.net.modules()]
            self.state.put_back()
            for module, training in modes:
                module.training = training
            return tensors(function(rows(self.few.batch, cut)))

        try:
            whole = found(slice(0, size))
            one, other = found(slice(0, half)), found(slice(half, size))
        except Exception:  # it takes whole batches only
            return False
        for all_, first, last in zip(whole, one, other, strict=True):
            if all_.ndim == 0:
                mean = (half * first + (size - half) * last) / size
                if not close(mean, all_, self._tolerance):
                    return False
            elif len(all_) == size and not close(
                torch.cat([first, last]), all_, self._tolerance
            ):
                return False
        return True

    @property
    def _tolerance(self) -> float:
        return tolerance(self.net)

    def _refuse_sum(self) -> None:
        half = rows(self.few.batch, slice(0, max(1, len(self.few) // 2)))
        once = twice = 0.0
        with suppress(Exception):  # it takes whole batches only
            once = self.objective.value(self.net, half)
            twice = self.objective.value(self.net, joined(half, half))
        if once and abs(twice - 2 * once) <= 1e-3 * abs(once):
            raise BadSetting(
                "loss: two copies of the same examples have twice the loss, so it is a"
                " sum. Pass the mean over the examples, as reduction='mean' gives it."
            )

    def _counts(self, outputs: Any) -> str:
        """The module whose training mode takes statistics of the batch, if any.

        Torch's own layers are known, and so are norms that keep a `running_mean`.
        All others are set to train mode, without dropout. A mode in which the network
        gives something else, and in which examples interact, is that of a norm. Noise
        hides whether they do: there the norm is known by what it remembers.
        """
        known = {id(self.net.get_submodule(name)) for name in norm_names(self.net)}
        kinds: dict[type, list[nn.Module]] = {}
        for module in self.net.modules():
            if not type(module).__module__.startswith("torch.") and (
                id(module) not in known
            ):
                kinds.setdefault(type(module), []).append(module)
        every = [module for modules in kinds.values() for module in modules]
        if len(self.few) < 2 or not every or not self._counting(every, outputs):
            return ""
        for kind, modules in kinds.items():
            if self._counting(modules, outputs, recorded=self.objective.gradients):
                return kind.__name__
        return type(self.net).__name__

    def _counting(
        self, modules: list[nn.Module], outputs: Any, *, recorded: bool = True
    ) -> bool:
        """Whether these take statistics of the batch when they train.

        Some tell training from evaluation by whether operations are recorded.
        """
        watched = Witness(self.net)
        self.state.put_back()

        def outcome(batch: Batch) -> Any:
            with torch.set_grad_enabled(recorded):
                return mapped(torch.detach, self.objective.outputs(self.net, batch))

        try:
            for module in modules:
                module.training = True
            with _NoDropout(), watched:
                found = outcome(self.few.batch)
            remembers = watched.wrote_own or self.state.changed
            one, other = tensors(found), tensors(outputs)
            if len(one) != len(other) or all(map(self._alike, one, other)):
                return False
            with _NoDropout():
                return remembers if watched.drew else not self._additive(outcome)
        except Exception:  # in training it wants something else, such as targets
            return False
        finally:
            self.state.put_back()

    def _alike(self, one: Tensor, other: Tensor) -> bool:
        return one.shape == other.shape and close(one, other, self._tolerance)

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


def refused(net: nn.Module, sample: Sample, error: Exception) -> NormlabError:
    """What to say where the network or the loss fails on the data."""
    if isinstance(error, NormlabError):
        return error
    reason = _reason(error)
    few = sample.first(2).batch
    if sample.is_pair:
        what = f"inputs {described(few[0])} and targets {described(few[1])}"
        how = "loss(model(x), y)"
    else:
        what, how = f"batches {described(few)}", "objective(model, batch)"
    if "grad" in reason:
        return BadModel(
            f"surface: {type(net).__name__} or the loss asks for a gradient ({reason}),"
            " but none are kept while outputs are measured. Pass objective=f, where"
            " f(model, batch) may ask for them."
        )
    return BadModel(
        f"surface: the model or the loss does not take the data, {what}: {reason}. Try"
        f" {how} on two examples."
    )


def refused_later(net: nn.Module, error: Exception) -> NormlabError:
    """What to say where it fails although it took a few examples."""
    if isinstance(error, NormlabError):
        return error
    return BadModel(
        f"surface: {type(net).__name__} or the loss took a few examples but fails on"
        f" others, or at a point of the plane: {_reason(error)}. Try it on all of the"
        " data."
    )


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


class _NoDropout(TorchFunctionMode):
    """Inside the block the functions of dropout give what they are given."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _DROPOUTS:
            return args[0] if args else kwargs["input"]
        return func(*args, **kwargs)


_DROPOUTS = {
    functional.dropout,
    functional.dropout1d,
    functional.dropout2d,
    functional.dropout3d,
    functional.alpha_dropout,
    functional.feature_alpha_dropout,
    torch.dropout,
}
