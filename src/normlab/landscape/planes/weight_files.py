"""Weights in files: read without executing anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors.torch import load_file

from normlab.errors import BadData

SAFETENSORS = ".safetensors"
TORCH = (".pt", ".pth", ".ckpt", ".bin")


def names_file(value: object) -> bool:
    """Whether this is a file of weights by what it is called.

    Example:
        >>> names_file("best.pt"), names_file("fc1.weight[3,100]")
        (True, False)
    """
    if isinstance(value, Path):
        return True
    endings = (SAFETENSORS, *TORCH)
    return isinstance(value, str) and Path(value).suffix.lower() in endings


def read_file(path: Path) -> Any:
    """What is in it: of what `torch.save` wrote, nothing but tensors and plain values.

    Raises:
        BadData: If there is no such file, or it cannot be read as that.
    """
    if not path.is_file():
        raise BadData(f"{path}: there is no such file of weights.")
    if path.suffix.lower() not in (SAFETENSORS, *TORCH):
        raise BadData(
            f"{path} is of no known kind. Give weights as {SAFETENSORS} or"
            f" {', '.join(TORCH)}."
        )
    try:
        if path.suffix.lower() == SAFETENSORS:
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever damage, or a class in it, makes of reading
        first = (str(error).splitlines() or [""])[0][:120]
        if isinstance(error, UnpicklingError):  # torch's text tells how to execute it
            first = "it holds more than tensors and plain values, or is damaged"
        raise BadData(
            f"{path}: cannot be read as weights alone ({type(error).__name__}:"
            f" {first}). Save net.state_dict(), and nothing else."
        ) from None


def short_names(paths: Sequence[str]) -> list[str]:
    """The part of each path that tells it from the others.

    Example:
        >>> short_names(["a/seed0/net.pt", "a/seed1/net.pt"])
        ['seed0', 'seed1']
        >>> short_names(["runs/1.pt", "2.pt"])
        ['runs/1', '2']
    """
    parts = [Path(path).with_suffix("").parts for path in paths]
    while all(len(one) > 1 for one in parts) and len({one[-1] for one in parts}) == 1:
        parts = [one[:-1] for one in parts]
    while all(len(one) > 1 for one in parts) and len({one[0] for one in parts}) == 1:
        parts = [one[1:] for one in parts]
    found = [str(Path(*one)) for one in parts]
    return found if len(set(found)) == len(found) else list(paths)
