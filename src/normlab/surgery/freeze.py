"""Hold norms still: their statistics, their scale and shift; also in training."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from normlab.base.digest import digest
from normlab.errors import BadModel, BadSetting, RunFailed
from normlab.norms.recognize import is_norm_module
from normlab.surgery.edits import Frozen
from normlab.surgery.given import copied, untouched
from normlab.surgery.holding import Hold
from normlab.surgery.report import Left, Operated, Report


def freeze(
    model: nn.Module, *, statistics: bool = True, affine: bool = False
) -> Operated:
    """Freeze the norms of a copy of a network, for fine-tuning or acting.

    Args:
        model: Left as it is.
        statistics: Whether running statistics stay, and are used in training too.
        affine: Whether scale and shift take no gradient.

    Returns:
        The copy, with the report; `assert_frozen` says later whether they held.

    Raises:
        BadModel: If the model cannot be copied or taken apart.
        BadSetting: If nothing is to be frozen.

    Example:
        >>> new, report = freeze(nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)))
        >>> print(report)
        freeze: 1 done, 0 left
        1: statistics frozen
        >>> new.train()[1].training  # till it is called
        True
    """
    with untouched(model):
        new = copied(model)
        return Operated(new, freeze_(new, statistics=statistics, affine=affine))


def freeze_(
    model: nn.Module, *, statistics: bool = True, affine: bool = False
) -> Report:
    """The same in place: parameters stay those that an optimizer knows."""
    if not statistics and not affine:
        raise BadSetting("freeze: statistics and affine are both False. Set one.")
    done: list[Frozen] = []
    left: list[Left] = []
    for path, norm in model.named_modules():
        if not is_norm_module(norm):
            continue
        kept = statistics and getattr(norm, "running_mean", None) is not None
        learns = affine and any(True for _ in norm.parameters(recurse=False))
        if kept or learns:
            done.append(Frozen(path, kept, learns))
        else:
            what = "running statistics" if statistics else "scale or shift"
            both = " and no scale or shift" if statistics and affine else ""
            left.append(Left(path, f"it has no {what}{both}"))
    for edit in done:
        edit.make(model)
    return Report("freeze", tuple(done), tuple(left))


def assert_frozen(model: nn.Module) -> None:
    """Refuse a model whose frozen norms have moved since they were frozen.

    Args:
        model: With norms that `freeze` froze, trained since or not.

    Raises:
        BadModel: If none of its norms is frozen.
        RunFailed: If a tensor holds something else now, with its name.

    Example:
        >>> new, _ = freeze(nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)))
        >>> assert_frozen(new)
        >>> _ = new[1].running_mean.add_(1)
        >>> assert_frozen(new)
        Traceback (most recent call last):
        normlab.errors.RunFailed: 1 of 3 frozen tensors moved: 1.running_mean
    """
    found = [*_held(model)]
    if not found:
        raise BadModel("no norm of the model is frozen. Freeze them: normlab.freeze.")
    moved = [name for name, before, now in found if before != now]
    if moved:
        raise RunFailed(
            f"{len(moved)} of {len(found)} frozen tensors moved: {', '.join(moved[:5])}"
            f"{', ...' if len(moved) > 5 else ''}"
        )


def _held(model: nn.Module) -> Iterator[tuple[str, str, str]]:
    for path, norm in model.named_modules():
        for hook in norm._forward_pre_hooks.values():
            if isinstance(hook, Hold):
                now = hook.held(norm)
                for name, before in hook.digests.items():
                    full = f"{path}.{name}" if path else name
                    yield full, before, digest(now[name]) if name in now else "gone"
