"""Other norms in the place of those that a network has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import torch
from torch import nn

from normlab.base.slots import NormMaker, with_settings
from normlab.base.streams import fork_rng
from normlab.base.taps import tapped
from normlab.errors import BadModel, BadSetting
from normlab.norms.recognize import is_batch_norm, switched_off
from normlab.norms.registry import maker
from normlab.spec.norms import FAMILIES
from normlab.surgery.affine import scale_and_shift
from normlab.surgery.carried import carry, parted
from normlab.surgery.chart import chart
from normlab.surgery.edits import Replaced, made
from normlab.surgery.examples import Example, examples_in, run
from normlab.surgery.found import Chart, Norm
from normlab.surgery.given import copied, untouched
from normlab.surgery.report import Left, Operated, Report

_KNOWN = ("torch.", "normlab.")
To: TypeAlias = str | NormMaker
"""A norm by its name, or what makes one: `norm(features, dims=2)`."""


def _sync(features: int, dims: int = 0, **settings: float | None) -> nn.Module:
    del dims  # one class for all
    return with_settings(nn.SyncBatchNorm(features), settings)


_TORCHS: dict[str, Callable[..., nn.Module]] = {"sync": _sync}
NAMES = (*FAMILIES, *(name for name in _TORCHS if name not in FAMILIES))
"""What a norm can be converted to."""


def norm_maker(to: To, options: dict[str, Any]) -> tuple[str, NormMaker]:
    """A norm's name and what makes it.

    Raises:
        BadSetting: If there is no norm of that name, or it has no such option.
    """
    if not isinstance(to, str):
        return getattr(to, "__name__", type(to).__name__), to
    if to not in NAMES:
        raise BadSetting(f"there is no norm '{to}'. There are: {', '.join(NAMES)}.")
    known = [option.name for option in FAMILIES[to].options] if to in FAMILIES else []
    for name in options:
        if name not in known:
            raise BadSetting(
                f"norm '{to}' has no option '{name}'. It has: "
                f"{', '.join(known) or 'none'}."
            )
    if to in FAMILIES:
        return to, maker(to, **options)
    return to, _TORCHS[to]


def convert(
    model: nn.Module, to: To, example: Example | list[Example], **options: float
) -> Operated:
    """Put another norm in the place of each that an example reaches.

    Scale, shift, eps, momentum and running statistics are carried over where the new
    norm has a place for them; an activation that a class carried beside its norm stays,
    if norm and activation give the same. Where a norm with a shift goes and nothing
    comes, the layer in front of it gets a bias of zeros if it has none.

    Args:
        model: Left as it is, in whatever modes it is.
        to: `none`, `batch`, `layer`, `group`, ... or `sync`; or a function
            `norm(features, dims)`.
        example: A batch as the model takes it: a tensor, a tuple (several arguments) or
            a dict (keywords); a list of such.
        options: Of the norm, e.g. `groups=4`.

    Returns:
        A copy of the network, with the report. What stays is in `report.left`.

    Raises:
        BadModel: If the model cannot be copied or run.
        BadSetting: If there is no such norm.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
        >>> new, report = convert(net, "group", torch.zeros(2, 3, 8, 8))
        >>> new[1]
        GroupNorm(4, 8, ...)
        >>> print(report)
        convert: 1 done, 0 left
        1 -> group for norm(8, dims=2)
        without their running statistics, for which group norm has no place: 1
    """
    examples, (name, norm) = examples_in(example), norm_maker(to, options)
    with untouched(model), torch.no_grad():
        found = chart(model, examples)
        new = copied(model, examples)
        edits = [replacement(new, one, name, norm) for one in found.norms]
        done = [edit for edit in edits if isinstance(edit, Replaced)]
        left = [edit for edit in edits if isinstance(edit, Left)]
        left += _unreached(found)
        notes = [*_lost(new, done, name, norm)]
        for edit in done:
            edit.make(new, norm)
        _refuse_unused(new, examples, [edit.path for edit in done])
    return Operated(new, Report("convert", tuple(done), tuple(left), tuple(notes)))


def _unreached(found: Chart) -> Iterator[Left]:
    for path in found.unreached:
        yield Left(path, "the example does not reach it")


def replacement(
    model: nn.Module, found: Norm, name: str, norm: NormMaker
) -> Replaced | Left:
    """The edit that puts another norm there, or why there can be none."""
    if found.is_function:
        where = f"'{found.path}'" if found.path else "the network"
        return Left(
            found.path, f"{found.kind} is called as a function by {where}, not a module"
        )
    old = model.get_submodule(found.path)
    if not found.path:
        return Left("", "the norm is the whole network")
    if isinstance(_around(model, found.path), nn.TransformerEncoderLayer):
        return Left(
            found.path, "torch computes a whole TransformerEncoderLayer at once, and "
            "takes only the numbers of its norms"
        )  # fmt: skip
    if len(found.shape) not in range(2, 6):
        return Left(
            found.path,
            f"it normalises values of {len(found.shape)} axes; 2 to 5 are understood, "
            "the examples first",
        )
    if name == "frozen" and not found.statistics:
        return Left(found.path, "it keeps no running statistics to freeze")
    last = found.axis == -1 and len(found.shape) > 2
    try:
        new = made(norm, found.slot, last=last)
    except BadModel as refused:
        return Left(found.path, str(refused))
    if reason := switched_off(new, found.shape):
        return Left(found.path, f"{name} norm there {reason}")
    rest: tuple[str, ...] = ()
    if is_batch_norm(old) and not type(old).__module__.startswith(
        ("torch.", "normlab.")
    ):
        parts = parted(old, found.steps, found.slot)
        if parts is None:
            kind = type(old).__name__
            return Left(found.path, f"a {kind} does more than the norm it is made from")
        old, rest = parts
    if reason := _foreign(old, found):
        return Left(found.path, reason)
    shifts = getattr(old, "bias", None) is not None and not list(new.parameters())
    biased = [
        feeder
        for feeder in found.feeders
        if shifts and getattr(model.get_submodule(feeder), "bias", 0) is None
    ]
    return Replaced(found.path, name, found.slot, last, rest, tuple(biased))


def _around(model: nn.Module, path: str) -> nn.Module:
    """The module that a module stands in."""
    return model.get_submodule(path.rpartition(".")[0])


def _foreign(old: nn.Module, found: Norm) -> str | None:
    """Why what a norm holds could not be carried over; None if it can.

    What is not torch's may follow other formulas under the names of batch norm's.
    """
    if getattr(old, "_forward_hooks", None):
        return "it has forward hooks, which would be lost"
    if not found.statistics or type(old).__module__.startswith(_KNOWN):
        return None
    before = scale_and_shift(old, found.shape, found.axis)
    plain = carry(old, made(maker("batch"), found.slot, last=found.axis == -1))
    after = scale_and_shift(plain, found.shape, found.axis)
    same = (
        before is not None
        and after is not None
        and all(
            torch.allclose(one, two, rtol=1e-5, atol=1e-5)
            for one, two in zip(before, after, strict=True)
        )
    )
    if same:
        return None
    return f"what a {found.kind} does with its numbers is not what batch norm does"


def _lost(
    model: nn.Module, done: Sequence[Replaced], name: str, norm: NormMaker
) -> Iterator[str]:
    """What the norms hold and the new ones have no place for."""
    for what, words in (("running_mean", "running statistics"), ("bias", "shift")):
        paths = [
            edit.path
            for edit in done
            if getattr(model.get_submodule(edit.path), what, None) is not None
            and getattr(norm(*edit.slot), what, None) is None
        ]
        if paths:
            yield f"without their {words}, for which {name} norm has no place: " + (
                ", ".join(paths)
            )


def _refuse_unused(
    model: nn.Module, examples: Sequence[Example], paths: Sequence[str]
) -> None:
    """Refuse a network that goes on calling what was replaced, or cannot be run."""
    used: set[str] = set()
    modes = {module: module.training for module in model.modules()}
    model.eval()
    looks = {path: lambda _, path=path: used.add(path) for path in paths}
    with fork_rng(), tapped(model, inputs=looks):
        for example in examples:
            run(model, example)
    for module, training in modes.items():
        module.training = training
    stale = [path for path in paths if path not in used]
    if stale:
        raise BadModel(
            f"the network keeps '{stale[0]}' under a second name that is no module of "
            "it (in a list, say), and would go on calling that. Use nn.ModuleList."
        )
