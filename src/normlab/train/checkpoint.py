"""A run's state at the end of an epoch, and how it is kept on disk.

A checkpoint is one safetensors file: the tensors of the model, of the optimizer and of
whatever else has moved about them, and as metadata a JSON object with everything that
is no tensor. Nothing in it is ever executed. The order of the batches and every other
draw of normlab's follow from addresses, so the default generators need no keeping.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialized
from torch import Tensor, nn

from normlab.base.packing import Packed
from normlab.disk import whole
from normlab.errors import BadFolder

_NAME = re.compile(r"epoch-(\d+)\.safetensors")
_AS_PAIRS = (torch.complex128, torch.complex32)  # safetensors knows complex64 alone
_KEPT = 2  # the conductor's records may lag one epoch behind the newest checkpoint


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Model, optimizer and what observers remember, after `epoch` epochs."""

    epoch: int
    model: dict[str, Tensor]
    descent: dict[str, Tensor]
    scalars: dict[str, object]  # the optimizer's numbers, JSON-able
    observed: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    outside: Packed = field(default_factory=Packed)  # what else moved in the model


def save(checkpoint: Checkpoint, folder: Path) -> Path:
    """Write `checkpoint` whole under `folder` and drop all but the newest two."""
    path = folder / f"epoch-{checkpoint.epoch}.safetensors"
    tensors = {f"model.{k}": v for k, v in checkpoint.model.items()}
    tensors |= {f"descent.{k}": v for k, v in checkpoint.descent.items()}
    tensors |= {f"outside.{k}": v for k, v in checkpoint.outside.tensors.items()}
    for name, arrays in checkpoint.observed.items():
        tensors |= {f"observed.{name}.{k}": v for k, v in arrays.items()}
    meta = {
        "epoch": checkpoint.epoch,
        "scalars": checkpoint.scalars,
        "observers": list(checkpoint.observed),
        "outside": checkpoint.outside.values,
    }
    _write(path, tensors, meta)
    for epoch in sorted(epochs_saved(folder))[:-_KEPT]:
        (folder / f"epoch-{epoch}.safetensors").unlink()
    return path


def save_network(model: nn.Module, path: Path, *, lacks: Sequence[str] = ()) -> None:
    """Write the tensors of `model` alone, whole or not at all.

    Args:
        model: Its parameters and persistent buffers are kept.
        path: Where to.
        lacks: Names of what its output depends on and the file does not hold.

    Raises:
        BadFolder: The file cannot be written.

    Any program reads them back with `safetensors.torch.load_file(path)`.
    """
    _write(path, model.state_dict(), {"lacks": list(lacks)} if lacks else {})


def network(path: Path) -> dict[str, Tensor]:
    """What `save_network` wrote."""
    return _read(path)[0]


def network_lacks(path: Path) -> list[str]:
    """Names of what the network kept in a file depends on beside its tensors."""
    return _read(path)[1].get("lacks", [])


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    with safe_open(path, framework="pt") as file:
        meta = json.loads((file.metadata() or {}).get("normlab", "{}"))
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name in meta.get("complex", []):
        tensors[name] = torch.view_as_complex(tensors[name])
    return tensors, meta


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Contiguous tensors of which no two share memory, as tied weights do."""
    apart: dict[str, Tensor] = {}
    taken: set[int] = set()
    for name, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        apart[name] = tensor.clone() if place in taken else tensor.contiguous()
        taken.add(place)
    return apart


def _write(path: Path, tensors: Mapping[str, Tensor], meta: dict[str, Any]) -> None:
    """One safetensors file, whole or not at all; metadata that is empty is left out.

    Raises:
        BadFolder: It cannot be written.
    """
    pairs = [name for name, tensor in tensors.items() if tensor.dtype in _AS_PAIRS]
    known = {n: torch.view_as_real(t) if n in pairs else t for n, t in tensors.items()}
    meta = meta | ({"complex": pairs} if pairs else {})
    text = {"normlab": json.dumps(meta)} if meta else None
    content = serialized(_apart(known), metadata=text)
    try:
        whole.make_room(path.parent)
        whole.write(path, content)
    except OSError as error:
        raise BadFolder(
            f"{path}: cannot be written ({error.strerror}). If the disk is full, free "
            "some space; what was kept stays readable."
        ) from error


def epochs_saved(folder: Path) -> list[int]:
    """Epochs after which a checkpoint lies in `folder`."""
    if not folder.is_dir():
        return []
    found = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    return [int(match[1]) for match in found if match]


def load(folder: Path, epoch: int) -> Checkpoint:
    """Read the checkpoint after `epoch` epochs.

    Raises:
        BadFolder: The file is missing or is not one of normlab's checkpoints.
    """
    path = folder / f"epoch-{epoch}.safetensors"
    try:
        tensors, meta = _read(path)
        return Checkpoint(
            epoch=meta["epoch"],
            model=_below(tensors, "model."),
            descent=_below(tensors, "descent."),
            scalars=meta["scalars"],
            observed={n: _below(tensors, f"observed.{n}.") for n in meta["observers"]},
            outside=Packed(meta.get("outside", {}), _below(tensors, "outside.")),
        )
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise BadFolder(
            f"{path}: cannot be read as a checkpoint ({error}). Delete it: the run "
            f"goes on from an earlier one."
        ) from error


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
