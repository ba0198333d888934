"""Does a model fit the data? One harmless forward pass tells."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from normlab.base.hold import preserved
from normlab.base.streams import stream
from normlab.errors import BadModel
from normlab.nets.custom import one_line


def check_model(
    model: nn.Module, shape: tuple[int, ...], classes: int, *, batch: int = 2
) -> None:
    """Run one batch through `model`, training and evaluating, and look at the output.

    The model is left as it was, bit for bit.

    Args:
        model: Any module that is to classify.
        shape: Of one example, without the batch.
        classes: The output must have shape `(batch, classes)`.
        batch: Number of examples; with 1, batch norm on vectors must fail.

    Raises:
        BadModel: If the model has nothing to train, fails, or its output has
            another type or shape.

    Example:
        >>> check_model(nn.Linear(4, 3), (4,), 3)
        >>> check_model(nn.Linear(4, 5), (4,), 3)
        Traceback (most recent call last):
        normlab.errors.BadModel: the model's output has shape (2, 5) ...
    """
    parameters = list(model.parameters())
    if any(isinstance(p, nn.UninitializedParameter) for p in parameters):
        raise BadModel(
            "the model has lazy layers, whose size is unknown until they are used. "
            "Give them their sizes; a factory may ask for shape and classes."
        )
    if not any(p.requires_grad for p in parameters):
        raise BadModel("the model has no parameter that requires a gradient.")
    device = parameters[0].device
    x = torch.randn(batch, *shape, generator=stream("check_model")).to(device)
    with preserved(model), torch.no_grad():
        for training in (True, False):
            _check_output(_forward(model.train(training), x), (batch, classes))


def _forward(model: nn.Module, x: Tensor) -> object:
    try:
        return model(x)
    except Exception as error:
        raise BadModel(
            f"the model cannot read a batch of shape {tuple(x.shape)}: "
            f"{type(error).__name__}: {one_line(error)}"
        ) from error


def _check_output(output: object, expected: tuple[int, int]) -> None:
    if not isinstance(output, Tensor):
        raise BadModel(
            f"the model's output is a {type(output).__name__}, not a tensor of shape "
            f"{expected} (examples, classes)."
        )
    if tuple(output.shape) != expected:
        raise BadModel(
            f"the model's output has shape {tuple(output.shape)} where {expected} "
            f"(examples, classes) was expected. Its last layer must have "
            f"{expected[1]} outputs."
        )
    if not output.is_floating_point():
        kind = str(output.dtype).removeprefix("torch.")
        raise BadModel(
            f"the model's output is of type {kind}, not floating point. Return the "
            f"scores, not the predicted class."
        )
