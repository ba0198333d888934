"""Weights of one network put into another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from normlab.errors import BadModel
from normlab.landscape.planes.networks import own_names
from normlab.records.bare_names import matched


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
    kept = model.state_dict()
    # a file of before may hold what is not kept any more
    tensors = {**dict(model.named_buffers()), **kept}
    unknown = [n for n in state if n not in names and state[n].dtype.kind in "fc"]
    given = {own[full]: state[name] for name, full in names.items()}
    missing = [n for n in kept if n in own and own[n] not in given]
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
