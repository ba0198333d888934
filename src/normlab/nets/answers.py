"""Networks that answer with more than scores: the part that holds these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from torch import Tensor, nn

from normlab.base.leaves import leaves, named_leaves
from normlab.errors import BadModel, described
from normlab.user_code import refusing

Part: TypeAlias = str | Callable[[Any], Any]
"""Where the scores are in an answer (`logits`, `0`, `out.0`), or what takes them."""


@dataclass(frozen=True)
class _Picked:
    """Hangs on a network as a hook, and so travels and is copied with it."""

    part: Part

    def __call__(self, model: nn.Module, inputs: object, answer: Any) -> Any:
        del model, inputs
        if callable(self.part):
            with refusing(
                lambda error: BadModel(f"model_output failed with {described(error)}")
            ):
                return self.part(answer)
        if isinstance(answer, Tensor):  # some answer with more in training alone
            return answer
        found: Any = answer
        for name in self.part.split("."):
            found = _inside(found, name)
        if isinstance(found, Tensor):
            return found
        raise BadModel(
            f"the model's answer, a {type(answer).__name__}, has no tensor "
            f"'{self.part}'. {parts_of(answer)}"
        )


def answering(model: nn.Module, part: Part | None) -> nn.Module:
    """Let a network answer with a part of its answer; its names stay.

    Args:
        model: Is changed in place: whoever calls it gets the part.
        part: Names, keys or places with dots between, or a function of the answer; what
            is a tensor already is taken as it is by the former. None changes nothing.

    Returns:
        The same model.

    Example:
        >>> import torch
        >>> class Two(nn.Linear):
        ...     def forward(self, x): return {"logits": super().forward(x), "x": x}
        >>> answering(Two(4, 3), "logits")(torch.ones(2, 4)).shape
        torch.Size([2, 3])
    """
    if part is not None:
        model.register_forward_hook(_Picked(part))
    return model


def parts_of(answer: object) -> str:
    """What tensors there are in an answer, in a sentence, and how to take one."""
    found = [path for path, _ in leaves(answer)]
    if not found:
        return "It holds no tensor. Return the scores."
    return f"It holds {named_leaves(answer)}. Name one: --model-output {found[0]}"


def _inside(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        by_text = {str(key): one for key, one in value.items()}
        return by_text.get(name)
    if name.isdecimal() and isinstance(value, tuple | list):
        return value[int(name)] if int(name) < len(value) else None
    return getattr(value, name, None)
