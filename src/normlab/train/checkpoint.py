"""A run's state at the end of an epoch, and how it is kept on disk.

A checkpoint is one safetensors file: the tensors of the model, of the optimizer and of
whatever else has moved about them, and as metadata a JSON object with everything that
is no tensor. Nothing in it is ever executed. The order of the batches and every other
draw of normlab's follow from addresses, so the default generators need no keeping.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save as serialized
from torch import Tensor, nn

from normlab.base.digest import combined, digest
from normlab.base.packing import Packed
from normlab.disk import whole
from normlab.disk.opening import opened
from normlab.disk.remedy import refuse_want, remedy
from normlab.errors import BadFolder, NormlabError, RunFailed, described

_NAME = re.compile(r"epoch-([0-9]{1,9})\.safetensors")
_AS_PAIRS = (torch.complex128, torch.complex32)  # safetensors knows complex64 alone
_IN_THE_WAY = "Take away what is there, or bring back the folder."
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
        "run": folder.name,
        "epoch": checkpoint.epoch,
        "scalars": checkpoint.scalars,
        "observers": list(checkpoint.observed),
        "outside": checkpoint.outside.values,
    }
    _write(path, tensors, meta, signed=True)
    for epoch in sorted(epochs_saved(folder))[:-_KEPT]:
        (folder / f"epoch-{epoch}.safetensors").unlink()
    return path


def save_network(
    model: nn.Module,
    path: Path,
    *,
    lacks: Sequence[str] = (),
    edits: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write the tensors of `model` alone, whole or not at all.

    Args:
        model: Its parameters and persistent buffers are kept.
        path: Where to.
        lacks: Names of what its output depends on and the file does not hold.
        edits: What verbs have done to the network that its class builds, as JSON.

    Raises:
        BadFolder: The file cannot be written.

    Any program reads them back with `safetensors.torch.load_file(path)`.
    """
    told = {"lacks": list(lacks), "edits": list(edits)}
    _write(path, model.state_dict(), {name: one for name, one in told.items() if one})


def network(path: Path) -> dict[str, Tensor]:
    """What `save_network` wrote.

    Raises:
        OSError: It is missing, or no regular file.
        RunFailed: It holds something else.
    """
    return _network(path)[0]


def network_with_edits(path: Path) -> tuple[dict[str, Tensor], list[Any]]:
    """What `save_network` wrote, and what it was told of verbs.

    Raises:
        OSError: It is missing, or no regular file.
        RunFailed: It holds something else.
    """
    tensors, meta = _network(path)
    edits = meta.get("edits", [])
    return tensors, edits if isinstance(edits, list) else [edits]


def network_lacks(path: Path) -> list[str]:
    """Names of what the network kept in a file depends on beside its tensors.

    Raises:
        OSError: It is missing, or no regular file.
        RunFailed: It holds something else.
    """
    return list(map(str, _network(path)[1].get("lacks", [])))


def _network(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    _refuse_odd(path)
    with _damage(path, "network", RunFailed):
        tensors, meta = _read(path)
        return tensors, dict(meta)


def _read(
    path: Path, *, signed: bool = False
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    with safe_open(path, framework="pt") as file:
        told = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    text = told.get("normlab", "{}")
    if signed and told["digest"] != _digest(tensors, text):
        raise ValueError("its content is not what was written")
    meta = json.loads(text)
    for name in meta.get("complex", []):
        tensors[name] = torch.view_as_complex(tensors[name])
    return tensors, meta


def _refuse_odd(path: Path) -> None:
    """Raise an OSError if there is no file, or a link, or a pipe to wait for."""
    opened(path, within=path.parent).close()


@contextmanager
def _damage(path: Path, kind: str, refusal: type[NormlabError]) -> Iterator[None]:
    """Whatever damage makes of the reading, in one line."""
    try:
        yield
    except Exception as error:
        refuse_want(error)
        raise refusal(
            f"{path}: cannot be read as a {kind} ({described(error)})."
        ) from error


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    """Of all that a checkpoint holds, so that nothing else passes for it."""
    parts = {f"tensor {name}": digest(tensor) for name, tensor in tensors.items()}
    return combined({**parts, "text": text})


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Contiguous tensors of which no two share memory, as tied weights do."""
    apart: dict[str, Tensor] = {}
    taken: set[int] = set()
    for name, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        apart[name] = tensor.clone() if place in taken else tensor.contiguous()
        taken.add(place)
    return apart


def _write(
    path: Path,
    tensors: Mapping[str, Tensor],
    meta: dict[str, Any],
    *,
    signed: bool = False,
) -> None:
    """One safetensors file, whole or not at all; metadata that is empty is left out.

    Raises:
        BadFolder: It cannot be written.
    """
    pairs = [name for name, tensor in tensors.items() if tensor.dtype in _AS_PAIRS]
    known = {n: torch.view_as_real(t) if n in pairs else t for n, t in tensors.items()}
    meta = meta | ({"complex": pairs} if pairs else {})
    told = {"normlab": json.dumps(meta)} if meta else {}
    if signed:
        told["digest"] = _digest(known, told["normlab"])
    content = serialized(_apart(known), metadata=told or None)
    try:
        whole.make_room(path.parent)
        whole.write(path, content)
    except OSError as error:
        raise BadFolder(
            f"{path}: cannot be written ({error.strerror}). "
            f"{remedy(error, otherwise=_IN_THE_WAY)}"
        ) from error


def epochs_saved(folder: Path) -> list[int]:
    """Epochs after which a checkpoint lies in `folder`."""
    if not folder.is_dir():
        return []
    found = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    return [int(match[1]) for match in found if match]


def forget(folder: Path, epoch: int) -> None:
    """Remove what lies where the checkpoint after `epoch` epochs will be written."""
    path = folder / f"epoch-{epoch}.safetensors"
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def load(folder: Path, epoch: int) -> Checkpoint:
    """Read the checkpoint after `epoch` epochs.

    Raises:
        BadFolder: The file is missing, or is not what was kept of this run.
    """
    path = folder / f"epoch-{epoch}.safetensors"
    with _damage(path, "checkpoint", BadFolder):
        _refuse_odd(path)
        tensors, meta = _read(path, signed=True)
        if (meta["run"], meta["epoch"]) != (folder.name, epoch):
            raise ValueError("it is of another run or epoch")
        return Checkpoint(
            epoch=meta["epoch"],
            model=_below(tensors, "model."),
            descent=_below(tensors, "descent."),
            scalars=meta["scalars"],
            observed={n: _below(tensors, f"observed.{n}.") for n in meta["observers"]},
            outside=Packed(meta["outside"], _below(tensors, "outside.")),
        )


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
