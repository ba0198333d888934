"""Every network is tried as it will be trained, before anything is written.

On real batches of the sizes that will occur, in both modes, with one step of the loss
and the optimizer of the study, all of it as a worker receives it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn, TypeVar, cast

import cloudpickle
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from normlab.base.hold import preserved
from normlab.base.settings import plain_settings
from normlab.base.streams import seeded
from normlab.data.batches import BatchStream
from normlab.data.dataset import Dataset, Part
from normlab.data.feed import Feed
from normlab.errors import BadModel, BadSetting, described, one_line
from normlab.nets.check import answer, refuse_untrainable
from normlab.spec.recipe import Recipe
from normlab.study.resumable import refuse_forgetful_optimizer, refuse_other_steps
from normlab.study.slot_check import SlotsSeen, check_slots
from normlab.train.descent import Descent, OptimizerFactory, TorchDescent, descent_for
from normlab.train.evaluate import CHUNK, Loss
from normlab.user_code import refusing

_LOSS = "Give loss(logits, labels) that returns the mean loss of a batch."
_OPTIMIZER = "Give factory(parameters, lr=...) that makes a torch.optim.Optimizer."
_STEP = "Use one whose step() needs no arguments and keeps tensors and numbers."
_CUT_OFF = (
    "no gradient reaches a parameter of the model: its output is cut off from them, "
    "for example by detach(), torch.no_grad() or NumPy in forward."
)
_Called = TypeVar("_Called", bound=Callable[..., object])


@dataclass(frozen=True, kw_only=True)
class TrialFindings:
    """What a trial showed, beside that the network can be trained."""

    slots: SlotsSeen
    untouched: tuple[str, ...]
    """Parameters that no gradient of the loss reaches."""


@dataclass(frozen=True, kw_only=True)
class TrainingTrial:
    """What the networks of a study are tried with.

    Attributes:
        dataset: Its first batch and its last are taken, and test images.
        recipe: How arms are trained.
        batches: The order of the training images.
        device: Where the study is trained.
        loss: The loss of the study.
        optimizer: Makes the optimizer; None if normlab does.
        most: Examples of a batch, at most: fewer than in training do for networks that
            are known to read any number.
    """

    dataset: Dataset
    recipe: Recipe
    batches: BatchStream
    device: torch.device
    loss: Loss = cross_entropy
    optimizer: OptimizerFactory | None = None
    most: int | None = None

    def of(self, model: nn.Module, arm: str) -> TrialFindings:
        """Try a network; it, the generators and torch's settings are left as they were.

        Args:
            model: As a worker will build it.
            arm: Whose network it is.

        Raises:
            BadModel: It cannot be trained, fails on a batch, or has another output.
            BadSetting: The loss or the optimizer cannot be used, or the arm cannot be
                trained on a batch of one.
        """
        try:
            refuse_untrainable(model)
            with (
                preserved(model),
                plain_settings(),
                seeded(self.batches.seed, "trial"),
            ):
                return self._tried(model.to(self.device))
        except BadModel as refused:
            cause = refused.__cause__
            if cause and "more than 1 value per channel" in str(cause):
                raise self._too_small(arm, cause) from None
            raise BadModel(f"arm '{arm}': {refused}") from None

    def _tried(self, model: nn.Module) -> TrialFindings:
        order = self.batches.epoch(1)
        first, last = (self._batch(self.dataset.train, order[at]) for at in (0, -1))
        slots = check_slots(model.train(), first[0], self._classes)
        if self.optimizer is not None:
            refuse_forgetful_optimizer(
                model,
                lambda descent: self._step(model, descent, *first),
                made=lambda: cast(TorchDescent, self._descent(model)),
                recipe=self.recipe,
            )
        untouched: list[str] = []

        def step() -> Tensor:
            loss, untouched[:] = self._step(model, self._descent(model), *first)
            return loss

        def look() -> None:
            if len(last[0]) != len(first[0]):
                self._step(model, self._descent(model), *last)
            self._evaluate(model)

        refuse_other_steps(model, step, look)
        return TrialFindings(slots=slots, untouched=tuple(untouched))

    @property
    def _classes(self) -> int:
        return len(self.dataset.classes)

    def _batch(self, part: Part, chosen: Tensor) -> tuple[Tensor, Tensor]:
        few = part.chosen(chosen[: self.most].numpy())
        feed = Feed(few, self.dataset.mean, self.dataset.std, self.device)
        return feed.take(torch.arange(len(few)))

    def _evaluate(self, model: nn.Module) -> None:
        with torch.no_grad():
            for inputs, labels in self._test_batches():
                logits = answer(model.eval(), inputs, self._classes)
                loss_of(logits, labels, self.loss)
                if self.loss is not cross_entropy:
                    refuse_sum(logits, labels, self.loss)
        model.train()

    def _test_batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Of other sizes than in training; what is evaluated at once may be larger."""
        count, most = len(self.dataset.test), self.recipe.batch_size + 1
        chunks = torch.arange(count).tensor_split(-(-count // CHUNK))
        by_size = {min(len(chunk), most): chunk[:most] for chunk in chunks}
        for chunk in by_size.values():
            yield self._batch(self.dataset.test, chunk)

    def _step(
        self, model: nn.Module, descent: Descent, inputs: Tensor, labels: Tensor
    ) -> tuple[Tensor, list[str]]:
        """One step: its loss, and the parameters that the gradient misses, by name."""
        with seeded(self.batches.seed, "trial step"):
            logits = answer(model.train(), inputs, self._classes)
            if not logits.requires_grad:
                raise BadModel(_CUT_OFF)
            loss = loss_of(logits, labels, self.loss)
            model.zero_grad()
            with refusing(
                lambda error: BadModel(
                    f"the gradient of the loss cannot be computed: {described(error)}"
                )
            ):
                loss.backward()
            trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
            missed = [name for name, p in trained.items() if p.grad is None]
            if len(missed) == len(trained):
                raise BadModel(_CUT_OFF)
            with _told("optimizer", f"a step of {descent.name} failed", _STEP):
                descent.move(self.recipe.rates[0])
                descent.state()
        return loss.detach(), missed

    def _descent(self, model: nn.Module) -> Descent:
        rate = self.recipe.rates[0]
        if self.optimizer is None:
            return descent_for(model, self.recipe, rate)
        with _told("optimizer", "the factory failed", _OPTIMIZER):
            made: object = self.optimizer(list(model.parameters()), lr=rate)
        if not isinstance(made, torch.optim.Optimizer):
            what = f"the factory made a {type(made).__name__}"
            _refuse("optimizer", what, _OPTIMIZER)
        return TorchDescent(made, rate)

    def _too_small(self, arm: str, error: BaseException) -> BadSetting:
        size, images = self.recipe.batch_size, len(self.dataset.train)
        what = f"{images} training images leave a last batch of 1, which"
        remedy = "Use --last-batch drop, or another batch size."
        if size == 1:
            what, remedy = "a batch of 1 is what", "Use a batch size of 2 or more."
        return BadSetting(
            f"recipe.batch_size = {size}: {what} arm '{arm}' cannot be trained on "
            f"({one_line(error)}). {remedy}"
        )


def loss_of(logits: Tensor, labels: Tensor, loss: Loss) -> Tensor:
    """The loss of a batch, if it is one number that a network can be trained with.

    Raises:
        BadSetting: If it is not.
    """
    with _told("loss", "the function failed", _LOSS):
        value: object = loss(logits, labels)
    if not isinstance(value, Tensor):
        _refuse("loss", f"the function returned a {type(value).__name__}", _LOSS)
    if value.ndim:
        what = f"the function returned a tensor of shape {tuple(value.shape)}, not one"
        _refuse("loss", f"{what} number", _LOSS)
    if logits.requires_grad and not value.requires_grad:
        what = "the function returned a tensor without a gradient"
        _refuse("loss", what, f"{_LOSS} Leave out detach() and item().")
    return value


def refuse_sum(logits: Tensor, labels: Tensor, loss: Loss) -> None:
    """Refuse a loss that is not the same of a batch and of that batch twice.

    Tables and claims give it per example, whatever the size of the test part.

    Raises:
        BadSetting: If the loss is no mean over examples.

    Example:
        >>> scores, labels = torch.zeros(4, 2), torch.zeros(4).long()
        >>> refuse_sum(scores, labels, nn.CrossEntropyLoss())
        >>> refuse_sum(scores, labels, nn.CrossEntropyLoss(reduction="sum"))
        Traceback (most recent call last):
        normlab.errors.BadSetting: loss: it grows with the number of examples: ...
    """
    once, twice = (
        _without_chance(loss, logits.repeat(times, 1), labels.repeat(times))
        for times in (1, 2)
    )
    coarsest = max(torch.finfo(kind).eps for kind in (logits.dtype, once.dtype))
    tolerance = max(1e-3, 8 * coarsest)
    one, two = float(once), float(twice)
    if not math.isfinite(one) or math.isclose(
        one, two, rel_tol=tolerance, abs_tol=1e-6
    ):
        return
    found = f"{one:.4g} of a batch and {two:.4g} of that batch twice"
    grows = math.isclose(two, 2 * one, rel_tol=tolerance)
    what = "grows with the number of examples" if grows else "is no mean over examples"
    _refuse("loss", f"it {what}: {found}", "Use reduction='mean'.")


def _without_chance(loss: Loss, logits: Tensor, labels: Tensor) -> Tensor:
    with seeded("loss of the trial"):  # what it draws is the same for both
        return loss(logits, labels)


def as_sent(given: _Called, key: str) -> _Called:
    """A copy as a worker receives it, so that trying leaves the original alone.

    Raises:
        BadSetting: If it cannot be sent.
    """
    remedy = "Give a function that holds no open files, locks or generators."
    with _told(key, "it cannot be sent to a worker: pickling failed", remedy):
        return cloudpickle.loads(cloudpickle.dumps(given))


@contextmanager
def _told(key: str, doing: str, remedy: str) -> Iterator[None]:
    """Say an error of the user's code in one line."""

    def told(error: BaseException) -> BadSetting:
        what = f"{doing} with {described(error).rstrip('.')}"
        return BadSetting(f"{key}: {what}. {remedy}")

    with refusing(told):
        yield


def _refuse(key: str, what: str, remedy: str) -> NoReturn:
    raise BadSetting(f"{key}: {what}. {remedy}")
