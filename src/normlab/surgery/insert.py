"""Norms where a network has none: behind the layers that go into a nonlinearity."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

import torch
from torch import nn

from normlab.base.slots import NormMaker
from normlab.errors import BadModel
from normlab.norms.recognize import switched_off
from normlab.surgery.chart import chart
from normlab.surgery.convert import To, norm_maker
from normlab.surgery.edits import INSERTED, Inserted, made
from normlab.surgery.examples import Example, examples_in
from normlab.surgery.found import Chart, Opening
from normlab.surgery.given import copied, untouched
from normlab.surgery.report import Left, Operated, Report


def insert(
    model: nn.Module,
    norm: To,
    example: Example | list[Example],
    *,
    where: str | list[str] = "*",
    **options: float,
) -> Operated:
    """Put norms where they can stand: between an affine layer and a nonlinearity.

    The norm becomes a submodule `normlab_norm` of the layer, called behind it, so that
    names in `state_dict` and attributes such as `net.conv.weight` stay.

    Args:
        model: Left as it is.
        norm: `batch`, `layer`, `group`, ..., or a function `norm(features, dims)`.
        example: A batch as the model takes it: a tensor, a tuple (several arguments) or
            a dict (keywords); a list of such.
        where: Patterns of paths of layers, e.g. `"encoder.*"`; others are passed over.
        options: Of the norm, e.g. `groups=4`.

    Returns:
        A copy of the network, with the report; places that stay are in `report.left`.

    Raises:
        BadModel: If the model cannot be copied or run, or no place is of a pattern.
        BadSetting: If there is no such norm.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3))
        >>> new, report = insert(net, "group", torch.zeros(2, 3, 8, 8))
        >>> print(report)
        insert: 1 done, 0 left
        group behind 0 for norm(8, dims=2)
        >>> new[0].normlab_norm
        GroupNorm(4, 8, ...)
    """
    examples, (name, make) = examples_in(example), norm_maker(norm, options)
    patterns = [where] if isinstance(where, str) else where
    with untouched(model), torch.no_grad():
        found = chart(model, examples)
        asked = [o for o in found.openings if _is_one(o.path, patterns)]
        if not asked:
            raise BadModel(_none(found, patterns))
        new = copied(model, examples)
        edits = [insertion(new, one, name, make) for one in asked]
        done = [edit for edit in edits if isinstance(edit, Inserted)]
        left = [edit for edit in edits if isinstance(edit, Left)]
        left += _standing(found)
        for edit in done:
            edit.make(new, make)
    return Operated(new, Report("insert", tuple(done), tuple(left)))


def insertion(
    model: nn.Module, found: Opening, name: str, norm: NormMaker
) -> Inserted | Left:
    """The edit that puts a norm there, or why there can be none."""
    layer = model.get_submodule(found.path)
    if found.calls > 1:
        return Left(found.path, f"it runs {found.calls} times, not once")
    if hasattr(layer, INSERTED):
        return Left(found.path, "a norm was put behind it before")
    if len(found.shape) not in range(2, 6):
        return Left(found.path, f"its output has {len(found.shape)} axes, not 2 to 5")
    last = found.axis == -1
    try:
        new = made(norm, found.slot, last=last)
    except BadModel as refused:
        return Left(found.path, str(refused))
    if reason := switched_off(new, found.shape):
        return Left(found.path, f"{name} norm there {reason}")
    return Inserted(found.path, name, found.slot, last)


def _is_one(path: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _standing(found: Chart) -> Iterator[Left]:
    """The norms that a network has, which stay."""
    for norm in found.norms:
        yield Left(norm.path, "a norm of the network's own")
    for path in found.unreached:
        yield Left(path, "a norm of the network's own; the example does not reach it")


def _none(found: Chart, patterns: list[str]) -> str:
    if not found.openings:
        return (
            "no linear layer or convolution goes straight into a nonlinearity, so "
            "there is no place for a norm."
        )
    paths = [one.path for one in found.openings]
    more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
    return (
        f"no place for a norm is called {' or '.join(map(repr, patterns))}. There are: "
        f"{', '.join(paths[:5])}{more}."
    )
