"""A network and its plane from what lies in files: a factory, and checkpoints."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Sized
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

from torch import nn

from normlab.base.streams import seeded
from normlab.errors import BadSetting
from normlab.landscape.planes.models import models_plane
from normlab.landscape.planes.path import path_plane
from normlab.landscape.planes.plane import Plane
from normlab.landscape.planes.weight_files import short_names
from normlab.nets import registry
from normlab.nets.answers import answering
from normlab.nets.custom import from_address
from normlab.nets.own_norm import norm_from_file
from normlab.norms.registry import NormMaker, maker
from normlab.spec.nets import NETS
from normlab.spec.settings import parse_norms

_NORM = "batch"


class Shaped(Protocol):
    """Data, or what a factory is told of them."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example."""
        ...

    @property
    def classes(self) -> Sized:
        """What is told apart."""
        ...


class Shape(NamedTuple):
    """Of examples that there are no data of."""

    shape: tuple[int, ...]
    classes: Sized


def built_network(
    address: str,
    norm: str | None,
    dataset: Shaped,
    *,
    seed: int,
    options: Mapping[str, Any] | None = None,
    output: str | None = None,
) -> nn.Module:
    """The network as it starts; of `FILE.py:factory` the file is executed.

    Args:
        address: A built-in name, or `FILE.py:factory`. The function is called with a
            norm if it needs one, and with `shape` and `classes` if it asks for them.
        norm: Which norm, with options as in `ghost(chunk=8)`; None is that of a
            function that has its own, else batch norm.
        dataset: Gives shape and classes.
        seed: Of the initial weights.
        options: Keywords for the function.
        output: Which part of its answer it shall answer with (`nets.answers`).

    Raises:
        BadModel: If there is no such network, or it cannot be built.
        BadSetting: If the norm is unknown, or the function takes none.
    """
    shape, classes = dataset.shape, len(dataset.classes)
    arms = parse_norms(norm or _NORM)
    if len(arms) != 1:
        raise BadSetting(f"--norm={norm} names {len(arms)} norms. Name one.")
    (arm,) = arms
    make_norm: NormMaker = (
        norm_from_file(arm.file, arm.own)
        if arm.file and arm.own
        else maker(arm.norm, **arm.options.model_dump())
    )
    with seeded(seed, "init"):
        if address in NETS:
            if options or output is not None:
                raise BadSetting(
                    f"{address} is a network of normlab's, which takes no "
                    "--model-option and no --model-output. Leave them out."
                )
            return registry.build(address, make_norm, shape, classes)
        factory = from_address(address, options)
        if not factory.takes_norm and norm is not None:
            raise BadSetting(
                f"--norm={norm}: {factory.name} takes no norm. Leave --norm out."
            )
        alone = norm is None and factory.has_own_norms
        model = factory.build(None if alone else make_norm, shape, classes)
        return answering(model, output)


def checkpoints_plane(
    checkpoints: Mapping[str, Mapping[str, Any]], model: nn.Module
) -> Plane:
    """The line between two checkpoints, or the plane of the path of three or more.

    Args:
        checkpoints: By their file names, in time order.
        model: Whose weights they are.

    Raises:
        BadData: If they are not of this model, or do not span a line or a plane.
    """
    if len(checkpoints) == 2:
        return models_plane(
            dict(
                zip(short_names(list(checkpoints)), checkpoints.values(), strict=True)
            ),
            model=model,
        )
    return path_plane(
        list(checkpoints.values()), steps_of(list(checkpoints)), model=model
    )


def steps_of(names: Sequence[str]) -> list[int]:
    """The numbers that the names of files end with, where these tell the order.

    Else they are counted.

    Example:
        >>> steps_of(["net-10.pt", "net-200.pt"]), steps_of(["early.pt", "late.pt"])
        ([10, 200], [0, 1])
    """
    parts = [re.fullmatch(r"(.*?)(\d+)", name) for name in short_names(names)]
    found = [(one[1], int(one[2])) for one in parts if one is not None]
    steps = [step for _, step in found]
    alike = len(found) == len(names) and len({text for text, _ in found}) == 1
    rising = all(before < after for before, after in pairwise(steps))
    return steps if alike and rising else list(range(len(names)))
