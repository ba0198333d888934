"""One run: one arm, at one learning rate, from one seed.

`Run.advance` is the whole of training. What is found out on the way leaves as
events; who keeps them, and where, is not the loop's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from normlab.base.outside import Outside
from normlab.base.streams import seeded
from normlab.data.batches import BatchStream, chained
from normlab.data.dataset import Part
from normlab.data.feed import Feed
from normlab.records.events import (
    Diverged,
    EpochDone,
    Event,
    Finished,
    InterimEval,
    Noted,
    Steps,
)
from normlab.train.checkpoint import Checkpoint
from normlab.train.descent import descent_for
from normlab.train.evaluate import CHUNK, Evaluation
from normlab.train.evaluator import Evaluator, finite_or_none
from normlab.train.gradients import Gradients
from normlab.train.last_finite import LastFinite
from normlab.train.observers import Observers
from normlab.train.plain_sgd import PlainSGD
from normlab.train.run_config import RunConfig
from normlab.train.schedule import rate_at
from normlab.train.step_state import Observer, StepState, log_spaced

_UNUSABLE = "test outputs that are not finite count as wrong answers"
_BY_CHUNK = (
    f"what it says of a test image depends on the others in the chunk (of at most "
    f"{CHUNK}), and so do its test loss and accuracy"
)

# Losses stay on the device and are fetched this many steps at a time.
BLOCK = 50


class Run:
    """Trains `model` as `config` says and says what happens, event by event.

    Args:
        model: Built and initialised; it is trained in place.
        config: Data, recipe and streams.
        observers: Look at the run between two steps and leave no trace in it.
        start: Where an earlier attempt had got to.
    """

    def __init__(
        self,
        model: nn.Module,
        config: RunConfig,
        *,
        observers: Sequence[Observer] = (),
        start: Checkpoint | None = None,
    ) -> None:
        recipe, dataset = config.recipe, config.dataset
        self._config = config
        self._model = model.to(config.device)
        if not model.training:
            model.train()
        model.zero_grad()  # whoever built it may have left some
        self._batches = BatchStream(
            len(dataset.train),
            batch_size=recipe.batch_size,
            seed=config.key.seed,
            last_batch=recipe.last_batch,
        )
        self._train = self._feed(dataset.train)
        self._exam = Evaluator(
            model, dataset, config.loss, seed=config.key.seed, device=config.device
        )
        self._observers = Observers(observers, seed=config.key.seed)
        self._descent = descent_for(
            model,
            recipe,
            config.key.rate,
            factory=config.optimizer,
        )
        self._gradients = Gradients(
            model, config.loss, written_out=isinstance(self._descent, PlainSGD)
        )
        self._outside = Outside(model)
        self._finite = LastFinite()
        self._last: Evaluation | None = None  # on the test images, after the last epoch
        self.epoch = 0  # finished epochs
        self.step = 0  # steps taken
        self.batch_digest = ""  # of the batches taken
        if start is not None:
            self._go_on_from(start)

    def _go_on_from(self, start: Checkpoint) -> None:
        self._model.load_state_dict(start.model)
        self._outside.put(start.outside)
        self._descent.restore(start.descent, start.scalars)
        self.epoch = start.epoch
        self.step = start.epoch * self._batches.steps_per_epoch
        self.batch_digest = self._batches.digest(start.epoch)
        self._observers.restore(start.observed)

    def events(self) -> Iterator[Event]:
        """Train to the end, or until the loss is no longer a number.

        After each `EpochDone` the caller may take a `checkpoint()`.
        """
        began = perf_counter()
        while self.epoch < self._config.recipe.epochs:
            for event in self._train_epoch():
                yield event
                if isinstance(event, Diverged):
                    return
        self._observe(None, self._train)
        yield from self._observers.notes()
        yield from self._observers.reports()
        last = self._last or self._exam.test(self.step)
        if self._exam.depends_on_chunk():
            yield Noted(text=_BY_CHUNK)
        yield Finished(
            batch_digest=self.batch_digest,
            correct=last.correct,
            seconds=perf_counter() - began,
        )

    def checkpoint(self) -> Checkpoint:
        """Everything that the rest of the run depends on, at the end of an epoch."""
        tensors, scalars = self._descent.state()
        return Checkpoint(
            epoch=self.epoch,
            model=dict(self._model.state_dict()),
            descent=tensors,
            scalars=scalars,
            observed=self._observers.memories(),
            outside=self._outside.packed(),
        )

    def beside(self) -> list[str]:
        """Names of what has moved in the model that is no parameter and no buffer."""
        return sorted(self._outside.packed().values)

    def _train_epoch(self) -> Iterator[Event]:
        key, epoch = self._config.key, self.epoch + 1
        live = self._config.dataset.live
        feed = self._feed(live.epoch(key.seed, epoch)) if live else self._train
        batches = self._batches.epoch(epoch)
        epoch_losses: list[NDArray[np.float32]] = []
        epoch_seconds = 0.0
        untold: list[NDArray[np.float32]] = []
        untold_seconds = 0.0
        with seeded(key.seed, "train", epoch, key.arm):
            for start, block in self._blocks(batches):
                if start % BLOCK == 0:
                    self._finite.remember(self._model)
                self._observe(block[0], feed)
                yield from self._observers.notes()
                losses, seconds = self.advance(block, feed)
                yield from (Noted(text=said) for said in self._gradients.notes())
                finite = np.isfinite(losses)
                untold.append(losses)
                untold_seconds += seconds
                end = start + len(block)
                # observers cut blocks too short to be told of one by one
                if end % BLOCK == 0 or end == len(batches) or not finite.all():
                    yield self._steps(untold, untold_seconds)
                    untold, untold_seconds = [], 0.0
                if not finite.all():
                    yield from self._observers.reports()
                    first = self.step - len(block) + 1 + int(finite.argmin())
                    yield from self._diverged(first)
                    return
                epoch_losses.append(losses)
                epoch_seconds += seconds
                if log_spaced(self.step) and end < len(batches):
                    yield _told(self.step, self._exam.glimpse(self.step))
        self.epoch = epoch
        self.batch_digest = chained(self.batch_digest, batches)
        glimpse = self._exam.glimpse(self.step)
        self._last = self._exam.test(self.step, glimpse=glimpse)
        yield _told(self.step, glimpse)
        if self._last.unusable:
            yield Noted(text=_UNUSABLE)
        yield self._epoch_done(np.concatenate(epoch_losses), epoch_seconds, self._last)

    def advance(
        self, batches: Sequence[Tensor], feed: Feed | None = None
    ) -> tuple[NDArray[np.float32], float]:
        """Take one step for each batch.

        Args:
            batches: Vectors of image numbers.
            feed: Where these images are; the training part if not given.

        Returns:
            The loss of each step before it was taken (nats per example), and the
            seconds that all of it took.
        """
        feed = feed or self._train
        losses = []
        began = perf_counter()
        for number, indices in enumerate(batches):
            inputs, labels = feed.take(indices)
            if not number:
                self._gradients.look_again(inputs)
            loss = self._gradients(inputs, labels)
            self._descent.step(self._rate())
            losses.append(loss)
            self.step += 1
            if self._observers.listening:
                value = loss.item()
                paused = perf_counter()
                self._observers.hear(self.step, value, self._model)
                began += perf_counter() - paused  # to keep a network is no step
        fetched = torch.stack(losses).float().cpu().numpy()
        return fetched, perf_counter() - began

    def _blocks(self, batches: Sequence[Tensor]) -> Iterator[tuple[int, list[Tensor]]]:
        """The batches of an epoch, with the number of batches before each block.

        Cut after every `BLOCK`, where a glimpse is due and where someone will look.
        """
        start, done = 0, self.step
        for end in range(1, len(batches) + 1):
            step = done + end
            looked_at = self._observers.wants(step)
            whole = end % BLOCK == 0 or end == len(batches)
            if whole or looked_at or log_spaced(step):
                yield start, list(batches[start:end])
                start = end

    def _observe(self, upcoming: Tensor | None, feed: Feed) -> None:
        """Show the run to whoever wants to look now; `upcoming` is the next batch."""
        if not self._observers.wants(self.step):
            return
        state = StepState(
            step=self.step,
            epoch=self.epoch,
            model=self._model,
            # most only look at the model, and to gather a batch takes a while
            upcoming=None if upcoming is None else partial(feed.take, upcoming),
            rate=self._rate(),
            loss=self._config.loss,
        )
        self._observers.observe(state)

    def _steps(self, losses: list[NDArray[np.float32]], seconds: float) -> Steps:
        told = np.concatenate(losses)
        return Steps(first=self.step - told.size + 1, losses=told, seconds=seconds)

    def _rate(self) -> float:
        """Learning rate of the next step."""
        return rate_at(
            self._config.recipe,
            self._config.key.rate,
            step=self.step,
            steps_per_epoch=self._batches.steps_per_epoch,
        )

    def _epoch_done(
        self, losses: NDArray[np.float32], seconds: float, test: Evaluation
    ) -> EpochDone:
        return EpochDone(
            epoch=self.epoch,
            train_loss=float(losses.mean(dtype=np.float64)),
            test_loss=finite_or_none(test.loss),
            test_accuracy=test.accuracy,
            metrics=self._exam.metrics(self.step),
            seconds=seconds,
            batch_digest=self.batch_digest,
        )

    def _diverged(self, step: int) -> Iterator[Event]:
        if not self._finite.put_back(self._model):
            yield Diverged(step=step, batch_digest=self.batch_digest)
            return
        test = self._exam.test(self.step)
        if test.unusable:
            yield Noted(text=_UNUSABLE)
        yield Diverged(
            step=step,
            correct=test.correct,
            test_loss=finite_or_none(test.loss),
            test_accuracy=test.accuracy,
            batch_digest=self.batch_digest,
        )

    def _feed(self, part: Part) -> Feed:
        dataset = self._config.dataset
        return Feed(part, dataset.mean, dataset.std, device=self._config.device)


def _told(step: int, seen: Evaluation) -> InterimEval:
    return InterimEval(step=step, loss=seen.loss, accuracy=seen.accuracy)
