"""What arms differ in beside the norms that they were given, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn

from normlab.base.content import module_content
from normlab.base.slots import slots_of
from normlab.norms.registry import is_norm
from normlab.spec.study import StudySpec
from normlab.study.source import BuiltIn, Source
from normlab.study.trial import Seen

_NAMED = 4  # of a kind; a network may have hundreds


class Told(NamedTuple):
    """What readers must know of the networks of a study, in sentences."""

    differences: tuple[str, ...]
    """In what arms differ beside their norms."""
    notes: tuple[str, ...]


def told(
    spec: StudySpec,
    source: Source,
    models: Mapping[str, nn.Module],
    seen: Mapping[str, Seen],
) -> Told:
    """What arms differ in, the norms they were not given, and what the trial showed.

    What an arm itself sets of a built-in network is not named again.

    Args:
        spec: The study.
        source: Where the networks come from.
        models: The network of each arm at step 0.
        seen: What the trial showed of each.
    """
    baseline = spec.baseline
    found = {
        arm.name: differences(
            models[baseline.name], models[arm.name], (baseline.name, arm.name)
        )
        for arm in spec.arms
        if not (isinstance(source, BuiltIn) and arm.model != baseline.model)
    }
    shown = {
        "norms that did not come from norm(...)": {
            arm: (*other_norms(model), *seen[arm].slots.functions)
            for arm, model in models.items()
        },
        "norms that were not called": {a: s.slots.unreached for a, s in seen.items()},
        "layers without a bias in front of a norm without a shift": {
            arm: one.slots.without_shift for arm, one in seen.items()
        },
        "parameters that no gradient reaches": {
            arm: one.untouched for arm, one in seen.items()
        },
    }
    return Told(
        tuple(f"{'; '.join(texts)}" for texts in found.values() if texts),
        tuple(by_arm(what, names) for what, names in shown.items() if any(names.values())),
    )


def other_norms(model: nn.Module) -> tuple[str, ...]:
    """The norms of a network that were not made for a slot, with their paths.

    What is no norm of torch's or normlab's counts as one by its name.

    Example:
        >>> other_norms(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
        ('1 (BatchNorm1d)',)
    """
    slots = slots_of(model)
    return tuple(
        f"{path} ({type(module).__name__})"
        for path, module in model.named_modules()
        if _normalises(module) and not _within(path, slots)
    )


def by_arm(what: str, names: Mapping[str, tuple[str, ...]]) -> str:
    """Names of each arm's network, in one sentence.

    Example:
        >>> by_arm("norms", {"none": ("1", "4"), "batch": ()})
        'norms: 1, 4 in none'
        >>> by_arm("norms", {"none": ("1", "4"), "batch": ("1", "4")})
        'norms: 1, 4 in every arm'
    """
    if len(set(names.values())) == 1:
        return f"{what}: {_some(next(iter(names.values())))} in every arm"
    having = [f"{_some(found)} in {arm}" for arm, found in names.items() if found]
    return f"{what}: {'; '.join(having)}"


def differences(one: nn.Module, other: nn.Module, names: tuple[str, str]) -> list[str]:
    """Modules, tensors and plain attributes outside of norms that differ, by name.

    Args:
        one: The network of an arm, at step 0.
        other: That of another arm; what they share must be equal by now.
        names: Of the arms.
    """
    norms = [p for model in (one, other) for p, m in model.named_modules() if is_norm(m)]
    spots = {*norms, *slots_of(one), *slots_of(other)}
    kinds, sizes, held = (
        [of(model, spots) for model in (one, other)] for of in (_kinds, _sizes, _held)
    )
    lone = [_only(*kinds), _only(*reversed(kinds))]
    lone_at = [path for paths in lone for path in paths]
    found = [
        f"only in {name}: {_some(f'{path} ({kind})' for path, kind in paths.items())}"
        for name, paths in zip(names, lone, strict=True)
        if paths
    ]
    changed = [
        f"{path} ({' and '.join(pair)})"
        for path, *pair in _both(*kinds)
        if not _within(path, lone_at)
    ]
    found += [f"another kind: {_some(changed)}"] if changed else []
    for name, mine, others in ((names[0], *sizes), (names[1], *reversed(sizes))):
        more = [n for n in mine if n not in others and not _within(n, lone_at)]
        found += [f"only in {name}: {_some(more)}"] if more else []
    resized = {n.rpartition(".")[0] for n, *_ in _both(*sizes)}
    shapes = [f"{n} ({a} and {b})" for n, a, b in _both(*sizes)]
    found += [f"another shape: {_some(shapes)}"] if shapes else []
    values = [
        name
        for name in sorted(held[0].keys() | held[1].keys())
        if held[0].get(name) != held[1].get(name)
        and name.rpartition(".")[0] not in resized
        and not _within(name, lone_at)
    ]
    return [*found, *([f"another value: {_some(values)}"] if values else [])]


def _normalises(module: nn.Module) -> bool:
    named = re.search("norm", type(module).__name__, re.IGNORECASE)
    return is_norm(module) or (named is not None and not list(module.children()))


def _within(name: str, places: Iterable[str]) -> bool:
    """Whether a name is that of one of the places, or of something in it."""
    return any(f"{name}.".startswith(f"{place}.") for place in places)


def _kinds(model: nn.Module, spots: set[str]) -> dict[str, str]:
    return {
        path: type(module).__name__
        for path, module in model.named_modules()
        if not _within(path, spots)
    }


def _sizes(model: nn.Module, spots: set[str]) -> dict[str, tuple[int, ...]]:
    tensors: dict[str, Tensor] = {
        **dict(model.named_parameters(remove_duplicate=False)),
        **dict(model.named_buffers(remove_duplicate=False)),
    }
    return {n: tuple(t.shape) for n, t in tensors.items() if not _within(n, spots)}


def _held(model: nn.Module, spots: set[str]) -> dict[str, object]:
    """Plain attributes; where modules are listed once more, they are seen already."""
    modules = dict(model.named_modules())
    return {
        ".".join(filter(None, (path, name))): content
        for path, _, attributes in module_content(model)
        if not _within(path, spots)
        for name, content in attributes
        if name != "training" and not _has_module(getattr(modules[path], name, None))
    }


def _has_module(value: Any) -> bool:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_has_module, value))
    return isinstance(value, nn.Module)


def _only(mine: Mapping[str, str], others: Mapping[str, str]) -> dict[str, str]:
    """What only the first has; of modules in such a module nothing."""
    lone = {path: kind for path, kind in mine.items() if path not in others}
    outer = {path: path.rpartition(".")[0] for path in lone}
    return {path: kind for path, kind in lone.items() if outer[path] not in lone}


def _both(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What both have, and otherwise."""
    names = [name for name in one if name in other and one[name] != other[name]]
    return [(name, one[name], other[name]) for name in names]


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return f"{', '.join(listed[:_NAMED])}{more}"
