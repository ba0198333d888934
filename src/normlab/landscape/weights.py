"""Weights in files: read without executing anything, and put into a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import nn

from normlab.errors import BadData, BadModel
from normlab.landscape.networks import own_names, state_of
from normlab.records.bare_names import matched

SAFETENSORS = ".safetensors"
TORCH = (".pt", ".pth", ".ckpt", ".bin")


def read_weights(path: Path) -> dict[str, NDArray[Any]]:
    """Parameters and buffers of a network, by their names in the file.

    Args:
        path: A .safetensors file, such as the `network.safetensors` of a run, or what
            `torch.save` wrote of a state_dict, alone or in a checkpoint. Of the
            latter nothing but tensors and plain values is read.

    Raises:
        BadData: If there is no such file, or it holds no weights.
    """
    if not path.is_file():
        raise BadData(f"{path}: there is no such file of weights.")
    suffix = path.suffix.lower()
    if suffix != SAFETENSORS and suffix not in TORCH:
        raise BadData(
            f"{path} is of no known kind. Give weights as {SAFETENSORS} or"
            f" {', '.join(TORCH)}."
        )
    try:
        if suffix == SAFETENSORS:
            found: Any = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except (
        Exception
    ) as error:  # whatever damage, or a class in it, makes of the reading
        first = (str(error).splitlines() or [""])[0][:120]
        raise BadData(
            f"{path}: cannot be read as weights alone ({type(error).__name__}:"
            f" {first}). Save net.state_dict(), and nothing else."
        ) from None
    return state_of(str(path), found)


def load_weights(model: nn.Module, state: Mapping[str, Any], *, where: str) -> None:
    """Put weights into a network, whose wrappers may be others than when saved.

    Args:
        model: Is changed.
        state: All of its parameters and buffers.
        where: The file, for what is said.

    Raises:
        BadModel: If a tensor is missing, is not the network's, or has another shape.
    """
    own, names = own_names(model), matched(state.keys(), own_names(model))
    tensors = model.state_dict()
    unknown = [n for n in state if n not in names and state[n].dtype.kind in "fc"]
    given = {own[full]: state[name] for name, full in names.items()}
    missing = [n for n in tensors if n in own and own[n] not in given]
    if missing or unknown:
        lacks = [f"it lacks {_some(missing)}"] if missing else []
        has = [f"the network has no {_some(unknown)}"] if unknown else []
        raise BadModel(
            f"{where} does not fit the network: {'; '.join(lacks + has)}. Give the"
            " weights of this network."
        )
    for name, array in given.items():
        tensor = tensors[name]
        if tuple(tensor.shape) != np.shape(array):
            raise BadModel(
                f"{where} does not fit the network: {name!r} has the shape"
                f" {np.shape(array)}, the network's is {tuple(tensor.shape)}."
            )
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(np.array(array)))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return ", ".join(repr(name) for name in names[:2]) + more
