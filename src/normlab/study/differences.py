"""What arms differ in beside the norms that they were given, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, cast

from torch import Tensor, nn

from normlab.base.content import module_content
from normlab.base.slots import slots_of
from normlab.norms.recognize import is_called_norm, is_norm
from normlab.spec.study import StudySpec
from normlab.study.built import Redrawn
from normlab.study.source import BuiltIn, FromFactory, NetworkSource
from normlab.study.trial import TrialFindings

_NAMED = 4  # of a kind; a network may have hundreds
_Attributes = list[tuple[str, object]]


class Told(NamedTuple):
    """What readers must know of the networks of a study, in sentences."""

    network_differences: tuple[str, ...]
    """In what arms differ beside their norms."""
    network_notes: tuple[str, ...]
    """Norms that no arm was given, and what the trial showed."""


def told(
    spec: StudySpec,
    source: NetworkSource,
    models: Mapping[str, nn.Module],
    seen: Mapping[str, TrialFindings],
) -> Told:
    """What arms differ in, the norms they were not given, and what the trial showed.

    What an arm itself sets of a built-in network is not named again.

    Args:
        spec: The study.
        source: Where the networks come from.
        models: The network of each arm at step 0.
        seen: What the trial showed of each.
    """
    baseline, labels = spec.baseline, spec.labels
    found = {
        arm.name: differences(
            models[baseline.name],
            models[arm.name],
            (labels[baseline.name], labels[arm.name]),
        )
        for arm in spec.arms
        if not (isinstance(source, BuiltIn) and arm.model != baseline.model)
    }
    derived = next(filter(None, map(slots_of, models.values())), {})
    made = []
    if source.weights is not None or not source.takes_norm:
        made.append(f"arms are made of the network as it is, at: {_some(derived)}")
    if isinstance(source, FromFactory) and isinstance(source.factory, Redrawn):
        made.append(
            "the network was built already, so each seed draws its weights anew, "
            "module by module; what its constructor set otherwise is lost"
        )
    shown = {
        "norms that did not come from norm(...)": {
            labels[arm]: (*other_norms(model), *seen[arm].slots.functions)
            for arm, model in models.items()
        },
        "norms that were not called": {
            labels[arm]: one.slots.unreached for arm, one in seen.items()
        },
        "layers without a bias whose norm has none either": {
            labels[arm]: one.slots.without_shift for arm, one in seen.items()
        },
        "parameters that no gradient reaches": {
            labels[arm]: one.untouched for arm, one in seen.items()
        },
    }
    return Told(
        tuple("; ".join(texts) for texts in found.values() if texts),
        (
            *made,
            *(by_arm(what, of) for what, of in shown.items() if any(of.values())),
        ),
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
        if is_called_norm(module) and not _within(path, slots)
    )


def by_arm(what: str, names: Mapping[str, tuple[str, ...]]) -> str:
    """Names of each arm's network, in one sentence.

    Example:
        >>> by_arm("norms", {"without norm": ("1", "4"), "with batch norm": ()})
        'norms: 1, 4 without norm'
        >>> by_arm("norms", {"without norm": ("1", "4"), "with batch norm": ("1", "4")})
        'norms: 1, 4 in every arm'
    """
    if len(set(names.values())) == 1:
        return f"{what}: {_some(next(iter(names.values())))} in every arm"
    having = [f"{_some(found)} {arm}" for arm, found in names.items() if found]
    return f"{what}: {'; '.join(having)}"


def differences(one: nn.Module, other: nn.Module, names: tuple[str, str]) -> list[str]:
    """Modules, tensors and plain attributes outside of norms that differ, by name.

    Args:
        one: The network of an arm, at step 0.
        other: That of another arm; what they share must be equal by now.
        names: What readers see the arms called.
    """
    norms = [
        p for model in (one, other) for p, m in model.named_modules() if is_norm(m)
    ]
    spots = {*norms, *slots_of(one), *slots_of(other)}
    mine, its = (_Beside.of(model, spots) for model in (one, other))
    lone = [*mine.alone(its), *its.alone(mine)]
    replaced, resized = _unequal(mine.kinds, its.kinds), _unequal(mine.sizes, its.sizes)
    # what follows from another kind or size need not be named
    aside = [*lone, *replaced, *(name.rpartition(".")[0] for name in resized)]
    held = {**mine.held, **its.held}
    a, b = names
    found = {
        f"only {a}": mine.alone(its).values(),
        f"only {b}": its.alone(mine).values(),
        f"of another kind {a} and {b}": replaced.values(),
        f"of another shape {a} and {b}": resized.values(),
        f"of another value {a} and {b}": [
            name
            for name in held
            if mine.held.get(name) != its.held.get(name) and not _within(name, aside)
        ],
    }
    return [f"{what}: {_some(these)}" for what, these in found.items() if these]


class _Beside(NamedTuple):
    """What a network has outside of its norms, by name."""

    kinds: dict[str, str]  # of modules
    sizes: dict[str, tuple[int, ...]]  # of tensors
    held: dict[str, object]  # plain attributes

    @classmethod
    def of(cls, model: nn.Module, norms: set[str]) -> _Beside:
        modules = {p: m for p, m in model.named_modules() if not _within(p, norms)}
        tensors: dict[str, Tensor] = {
            **dict(model.named_parameters(remove_duplicate=False)),
            **dict(model.named_buffers(remove_duplicate=False)),
        }
        listed = cast("list[tuple[str, str, _Attributes]]", module_content(model))
        contents = {path: attributes for path, _, attributes in listed}
        return cls(
            kinds={path: type(module).__name__ for path, module in modules.items()},
            sizes={
                name: tuple(tensor.shape)
                for name, tensor in tensors.items()
                if not _within(name, norms)
            },
            held={
                f"{path}.{name}" if path else name: content
                for path, module in modules.items()
                for name, content in contents.get(path, ())
                # modules that are listed once more are seen where they stand
                if name != "training" and not _has_module(getattr(module, name, None))
            },
        )

    def alone(self, other: _Beside) -> dict[str, str]:
        """Modules that the other has not got, the outermost, and further tensors."""
        paths = [path for path in self.kinds if path not in other.kinds]
        modules = {
            path: f"{path} ({self.kinds[path]})"
            for path in paths
            if path.rpartition(".")[0] not in paths
        }
        tensors = {
            name: name
            for name in self.sizes
            if name not in other.sizes and not _within(name, modules)
        }
        return modules | tensors


def _within(name: str, places: Iterable[str]) -> bool:
    """Whether a name is that of one of the places, or of something in it."""
    return any(f"{name}.".startswith(f"{place}.") for place in places)


def _has_module(value: Any) -> bool:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_has_module, value))
    return isinstance(value, nn.Module)


def _unequal(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, str]:
    """What both have, and otherwise."""
    names = [name for name in one if name in other and one[name] != other[name]]
    return {name: f"{name} ({one[name]} and {other[name]})" for name in names}


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return f"{', '.join(listed[:_NAMED])}{more}"
