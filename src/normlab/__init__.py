"""normlab: what batch normalization does to a network, with paired evidence.

* `compare`: train twins with and without it, and say what differed: a `Result`.
* `Study`: the same in two steps, and `resume` after an interruption.
* `Result.open`: a study that was trained before, with its table, claims and figures.
* `fold`, `convert`, `insert`, `freeze`: another network of any `torch.nn.Module`, and a
  report of what was done; `assert_frozen` says whether what was frozen stayed;
  `load_converted` reads what the same commands have written.
* `surface`: the loss on a plane through the parameters of any network; the planes are
  made by `random_plane`, `named_plane`, `models_plane`, `path_plane`, `common_plane`,
  and `load_surface` reads what was kept.
* `GhostBatchNorm`, `NoisyBatchNorm`, `BatchRenorm`, `MaskedBatchNorm`: norms that torch
  does not have.
* `recalibrate`: running statistics anew, from data; `merge_statistics` pools those of
  replicas; in `pause_statistics` they stay.
* `Definition`: a claim of your own, from functions of `Twins` that give a number or say
  what is `Omitted`.
* `NormlabError`: what every error of normlab is.

Every public name lives in a module of its own and is imported when it is first
asked for, so that `import normlab` and `normlab --help` never import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from normlab.analysis.claims.definition import Definition as Definition
    from normlab.analysis.claims.definition import Omitted as Omitted
    from normlab.analysis.claims.definition import Twins as Twins
    from normlab.errors import NormlabError as NormlabError
    from normlab.facade.compare import compare as compare
    from normlab.facade.result import Result as Result
    from normlab.facade.study import Study as Study
    from normlab.facade.surface import load_surface as load_surface
    from normlab.facade.surface import surface as surface
    from normlab.landscape.planes.common import common_plane as common_plane
    from normlab.landscape.planes.models import models_plane as models_plane
    from normlab.landscape.planes.named import named_plane as named_plane
    from normlab.landscape.planes.path import path_plane as path_plane
    from normlab.landscape.planes.random import random_plane as random_plane
    from normlab.norms.ghost import GhostBatchNorm as GhostBatchNorm
    from normlab.norms.masked import MaskedBatchNorm as MaskedBatchNorm
    from normlab.norms.noisy import NoisyBatchNorm as NoisyBatchNorm
    from normlab.norms.renorm import BatchRenorm as BatchRenorm
    from normlab.surgery.convert import convert as convert
    from normlab.surgery.fold import fold as fold
    from normlab.surgery.freeze import assert_frozen as assert_frozen
    from normlab.surgery.freeze import freeze as freeze
    from normlab.surgery.insert import insert as insert
    from normlab.surgery.recalibrate import recalibrate as recalibrate
    from normlab.surgery.statistics import merge_statistics as merge_statistics
    from normlab.surgery.statistics import pause_statistics as pause_statistics
    from normlab.train.converted import load_converted as load_converted

    __version__: str

_HOMES = {
    "BatchRenorm": "normlab.norms.renorm",
    "Definition": "normlab.analysis.claims.definition",
    "GhostBatchNorm": "normlab.norms.ghost",
    "MaskedBatchNorm": "normlab.norms.masked",
    "NoisyBatchNorm": "normlab.norms.noisy",
    "NormlabError": "normlab.errors",
    "Omitted": "normlab.analysis.claims.definition",
    "Result": "normlab.facade.result",
    "Study": "normlab.facade.study",
    "Twins": "normlab.analysis.claims.definition",
    "assert_frozen": "normlab.surgery.freeze",
    "common_plane": "normlab.landscape.planes.common",
    "compare": "normlab.facade.compare",
    "convert": "normlab.surgery.convert",
    "fold": "normlab.surgery.fold",
    "freeze": "normlab.surgery.freeze",
    "insert": "normlab.surgery.insert",
    "load_converted": "normlab.train.converted",
    "load_surface": "normlab.facade.surface",
    "merge_statistics": "normlab.surgery.statistics",
    "models_plane": "normlab.landscape.planes.models",
    "named_plane": "normlab.landscape.planes.named",
    "path_plane": "normlab.landscape.planes.path",
    "pause_statistics": "normlab.surgery.statistics",
    "random_plane": "normlab.landscape.planes.random",
    "recalibrate": "normlab.surgery.recalibrate",
    "surface": "normlab.facade.surface",
}

_WITHOUT_TORCH = ("Definition", "Omitted", "Result", "Twins", "load_surface")

__all__ = [
    "BatchRenorm",
    "Definition",
    "GhostBatchNorm",
    "MaskedBatchNorm",
    "NoisyBatchNorm",
    "NormlabError",
    "Omitted",
    "Result",
    "Study",
    "Twins",
    "__version__",
    "assert_frozen",
    "common_plane",
    "compare",
    "convert",
    "fold",
    "freeze",
    "insert",
    "load_converted",
    "load_surface",
    "merge_statistics",
    "models_plane",
    "named_plane",
    "path_plane",
    "pause_statistics",
    "random_plane",
    "recalibrate",
    "surface",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # slow to import, and rarely asked for

        return version("normlab")
    if name not in _HOMES:
        raise AttributeError(f"module 'normlab' has no attribute '{name}'")
    if name != "NormlabError":  # by which a refusal is caught
        _refuse_few_addresses(name)
    return getattr(import_module(_HOMES[name]), name)


def _refuse_few_addresses(name: str) -> None:
    """Refuse a small `ulimit -v` before a library is loaded that dies of it."""
    import sys

    from normlab.disk.room import refuse_few_addresses

    torch = name not in _WITHOUT_TORCH
    if ("torch" if torch else "numpy") not in sys.modules:
        refuse_few_addresses(f"normlab.{name}", torch=torch)


def __dir__() -> list[str]:
    return __all__
