"""All tensors in what a network takes or answers, by where they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor


def leaves(value: object, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """All tensors in tuples, lists, mappings and dataclasses, by where they are.

    Example:
        >>> import torch
        >>> [path for path, _ in leaves({"out": (torch.ones(1), torch.ones(1))})]
        ['out.0', 'out.1']
    """
    parts: Any
    match value:
        case Tensor():
            yield path, value
            return
        case Mapping():
            parts = value.items()
        case tuple() if hasattr(value, "_fields"):
            parts = value._asdict().items()  # type: ignore[attr-defined]
        case tuple() | list():
            parts = enumerate(value)
        case _ if is_dataclass(value):
            parts = ((f.name, getattr(value, f.name)) for f in fields(value))
        case _:
            return
    for name, one in parts:
        yield from leaves(one, f"{path}.{name}" if path else f"{name}")


def named_leaves(value: object) -> str:
    """The same in words, with their shapes, for what is said of an answer.

    Example:
        >>> import torch
        >>> named_leaves({"logits": torch.ones(4, 10), "loss": torch.ones(())})
        'logits (4, 10), loss ()'
    """
    return ", ".join(f"{path} {tuple(one.shape)}" for path, one in leaves(value))
