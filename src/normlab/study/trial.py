"""One harmless step with the loss and the optimizer that were given from Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, TypeVar

import cloudpickle
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from normlab.base.hold import preserved
from normlab.data.dataset import Dataset
from normlab.data.feed import Feed
from normlab.errors import BadSetting
from normlab.nets.custom import one_line
from normlab.train.descent import OptimizerFactory, TorchDescent
from normlab.train.evaluate import Loss

IMAGES = 64  # of the step, at most

_LOSS = "Give loss(logits, labels) that returns the mean loss of a batch."
_OPTIMIZER = "Give factory(parameters, lr=...) that makes a torch.optim.Optimizer."
_Called = TypeVar("_Called", bound=Callable[..., object])


def try_step(
    model: nn.Module,
    dataset: Dataset,
    *,
    loss: Loss,
    optimizer: OptimizerFactory | None,
    rate: float,
    batch_size: int,
    device: torch.device,
) -> None:
    """Take one step as training will; model and generators are left as they were.

    Args:
        model: The network of an arm.
        dataset: Its first training images are the batch.
        loss: The loss of the study.
        optimizer: Makes the optimizer; None if normlab does.
        rate: Learning rate of the step.
        batch_size: Images per step of the study.
        device: Where the study is trained.

    Raises:
        BadSetting: The loss or the optimizer cannot be used; which one is named.
    """
    if loss is cross_entropy and optimizer is None:
        return
    count = min(batch_size, len(dataset.train), IMAGES)
    few = dataset.train.chosen(np.arange(count))
    feed = Feed(few, dataset.mean, dataset.std, device)
    inputs, labels = feed.take(torch.arange(count))
    with preserved(model):
        logits = model.to(device).train()(inputs)
        value = _loss_of(logits, labels, _as_sent(loss, "loss"))
        if optimizer is not None:
            factory = _as_sent(optimizer, "optimizer")
            _descend(model, value, factory=factory, rate=rate)


def _loss_of(logits: Tensor, labels: Tensor, loss: Loss) -> Tensor:
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


def _descend(
    model: nn.Module, loss: Tensor, *, factory: OptimizerFactory, rate: float
) -> None:
    with _told("optimizer", "the factory failed", _OPTIMIZER):
        made: object = factory(list(model.parameters()), lr=rate)
    if not isinstance(made, torch.optim.Optimizer):
        _refuse("optimizer", f"the factory made a {type(made).__name__}", _OPTIMIZER)
    name = type(made).__name__
    remedy = "Use one whose step() needs no arguments and keeps tensors and numbers."
    with _told("optimizer", f"a step of {name} failed", remedy):
        descent = TorchDescent(made, rate)
        descent.step(loss, rate)
        descent.state()


def _as_sent(given: _Called, key: str) -> _Called:
    """A copy as a worker receives it, so that trying leaves the original alone."""
    remedy = "Give a function that holds no open files, locks or generators."
    with _told(key, "it cannot be sent to a worker: pickling failed", remedy):
        return cloudpickle.loads(cloudpickle.dumps(given))


@contextmanager
def _told(key: str, doing: str, remedy: str) -> Iterator[None]:
    """Say an error of the user's code in one line."""
    try:
        yield
    except Exception as error:
        what = f"{doing} with {type(error).__name__}: {one_line(error).rstrip('.')}"
        raise BadSetting(f"{key}: {what}. {remedy}") from error


def _refuse(key: str, what: str, remedy: str) -> NoReturn:
    raise BadSetting(f"{key}: {what}. {remedy}")
