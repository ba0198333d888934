"""Can a network be trained, and does it answer a batch with a score per class?"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from normlab.errors import BadModel, described
from normlab.nets.answers import parts_of
from normlab.user_code import refusing


def refuse_untrainable(model: nn.Module) -> None:
    """Refuse a network that has nothing to train, or can be neither copied nor seen.

    Raises:
        BadModel: It has lazy layers, no parameter that requires a gradient, or modules
            compiled by `torch.jit`.
    """
    for path, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            which = f"module '{path}'" if path else "the model"
            raise BadModel(
                f"{which} is compiled by torch.jit (script or trace), so it can be "
                f"neither looked into nor put back. Return the network without it."
            )
    parameters = list(model.parameters())
    if any(isinstance(p, nn.UninitializedParameter) for p in parameters):
        raise BadModel(
            "the model has lazy layers, whose size is unknown until they are used. "
            "Give them their sizes; a factory may ask for shape and classes."
        )
    if not any(p.requires_grad for p in parameters):
        raise BadModel("the model has no parameter that requires a gradient.")


def answer(model: nn.Module, inputs: Tensor, classes: int) -> Tensor:
    """What a network in its present mode says of a batch.

    Args:
        model: Any module that is to classify.
        inputs: The batch.
        classes: The output must have shape `(len(inputs), classes)`.

    Raises:
        BadModel: If the model fails, or its output has another type or shape. The
            message says in which mode.

    Example:
        >>> answer(nn.Linear(4, 3), torch.ones(2, 4), 3).shape
        torch.Size([2, 3])
        >>> answer(nn.Linear(4, 5), torch.ones(2, 4), 3)
        Traceback (most recent call last):
        normlab.errors.BadModel: the model's output has shape (2, 5) ...
    """
    mode = "training" if model.training else "eval"

    def told(error: BaseException) -> BadModel:
        if isinstance(error, BadModel):
            return error
        return BadModel(
            f"in {mode} mode the model cannot read a batch of shape "
            f"{tuple(inputs.shape)}: {described(error)}"
        )

    with refusing(told):
        output = model(inputs)
    _check_output(output, (len(inputs), classes), mode)
    return output


def _check_output(output: object, expected: tuple[int, int], mode: str) -> None:
    if not isinstance(output, Tensor):
        raise BadModel(
            f"the model's output is a {type(output).__name__}, not a tensor of shape "
            f"{expected} (examples, classes), in {mode} mode. {parts_of(output)}"
        )
    if tuple(output.shape) != expected:
        examples = output.ndim == 2 and output.shape[1] == expected[1]
        remedy = (
            "It must give one row for each example, however many there are."
            if examples
            else f"Its last layer must have {expected[1]} outputs."
        )
        raise BadModel(
            f"the model's output has shape {tuple(output.shape)} where {expected} "
            f"(examples, classes) was expected, in {mode} mode. {remedy}"
        )
    if not output.is_floating_point():
        kind = str(output.dtype).removeprefix("torch.")
        raise BadModel(
            f"the model's output is of type {kind}, not floating point, in {mode} "
            f"mode. Return the scores, not the predicted class."
        )
