"""The default loss, laid out for the few classes that a classifier has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from normlab.errors import BadData, BadModel
from normlab.landscape.evaluate.objective import Loss, LossObjective

_IGNORED = -100  # torch's mark for an example without a target
_WHOLE = 1e-3  # how far the shares of the classes may be from 1


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy, as `torch.nn.functional.cross_entropy` means it.

    In float32 at least: in bfloat16 two losses that differ by less than half a per
    cent would be one. With ten classes torch's softmax over the last axis leaves most
    of a vector register empty: over the first axis it takes 35 us instead of 156 for
    768 examples, in a loop where a point has 45 ms.
    """
    if torch.finfo(outputs.dtype).bits < 32:
        outputs = outputs.float()
    if targets.is_floating_point():
        return functional.cross_entropy(outputs, targets.to(outputs.dtype))
    targets = targets.long()
    if outputs.ndim != 2:
        return functional.cross_entropy(outputs, targets)
    logarithms = functional.log_softmax(outputs.t().contiguous(), dim=0)
    return functional.nll_loss(logarithms.t(), targets)


@dataclass(frozen=True)
class CrossEntropy(LossObjective):
    """Cross-entropy of logits and labels, or of logits and shares of the classes."""

    loss: Loss = cross_entropy

    def refuse_unfit(self, outputs: Any, targets: Any) -> None:
        """Refuse what has no cross-entropy.

        Args:
            outputs: Of a few examples.
            targets: All of them.

        Raises:
            BadModel: If the outputs are not logits.
            BadData: If the targets are neither labels of the classes nor shares.
        """
        if not isinstance(outputs, Tensor):
            part = _part(outputs)
            raise BadModel(
                f"surface: the model returns a {type(outputs).__name__}, not one tensor"
                f" of logits. Pass loss=lambda out, y: F.cross_entropy({part}, y), or"
                " objective=f with f(model, batch)."
            )
        if not isinstance(targets, Tensor):
            raise BadData(
                f"data: the targets are a {type(targets).__name__}, for which"
                " cross-entropy is not defined. Pass loss=."
            )
        numbers = targets.is_floating_point() or targets.is_complex()
        if numbers:
            _refuse_numbers(outputs, targets)
        if outputs.ndim < 2 or not outputs.is_floating_point() or outputs.shape[1] < 2:
            raise BadModel(
                f"surface: outputs of shape {tuple(outputs.shape)} and type"
                f" {outputs.dtype} are no logits, one real number for each of two"
                " classes or more. Pass loss=, for example"
                " torch.nn.functional.binary_cross_entropy_with_logits or mse_loss."
            )
        if not numbers:
            _refuse_labels(outputs, targets)


def _part(outputs: Any) -> str:
    if isinstance(outputs, Mapping) and not hasattr(outputs, "logits"):
        return f"out[{next(iter(outputs), 'logits')!r}]"
    return "out[0]" if isinstance(outputs, tuple | list) else "out.logits"


def _refuse_numbers(outputs: Tensor, targets: Tensor) -> None:
    same = targets.ndim > 1 and targets.shape[1:] == outputs.shape[1:]
    if same and targets.is_floating_point():
        whole = (targets.sum(1) - 1).abs() <= _WHOLE
        if bool((targets >= 0).all() and whole.all()):
            return
    raise BadData(
        f"data: the targets are real numbers of shape {tuple(targets.shape)} and not"
        " shares of the classes, at least 0 with a sum of 1, so cross-entropy is not"
        " defined. Pass loss=, for example torch.nn.functional.mse_loss."
    )


def _refuse_labels(outputs: Tensor, targets: Tensor) -> None:
    classes, places = outputs.shape[1], outputs.shape[2:]
    if targets.shape[1:] != places:
        raise BadData(
            f"data: labels of shape {tuple(targets.shape)} do not go with outputs of"
            f" shape {tuple(outputs.shape)} for {len(outputs)} examples. Pass one label"
            " for each output, for example y[:, 0], or loss=."
        )
    labels = targets.long()
    used = labels[labels != _IGNORED]
    if used.numel() and not 0 <= int(used.min()) <= int(used.max()) < classes:
        raise BadData(
            f"data: the labels go from {int(used.min())} to {int(used.max())}, but the"
            f" model has {classes} outputs. Number the classes from 0 to {classes - 1}."
        )
