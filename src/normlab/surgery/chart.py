"""The map of a network: its norms, what stands around them, and places for more.

Found by running a copy on examples, not by names: a norm is a module that normalises,
or a call of a normalising function without one. Every verb, and the arms that are made
of a network that takes no norm, work from this map.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from normlab.base.leaves import named_leaves
from normlab.base.streams import fork_rng
from normlab.norms.recognize import (
    has_units_second,
    is_norm_module,
    normalized_shape,
)
from normlab.surgery.examples import Example, examples_in, run
from normlab.surgery.features_last import FeaturesLast
from normlab.surgery.found import Chart, Norm, Opening
from normlab.surgery.given import copied
from normlab.surgery.watch import NONLINEAR, NORMALISING, Call, Use, Watch

_LISTS = ("feeders", "beside", "takers", "behind")
AFFINE = (nn.Linear, nn.modules.conv._ConvNd)
"""Layers that are affine maps, and what is made from them."""


def chart(model: nn.Module, example: Example | list[Example]) -> Chart:
    """Run a copy of a model, and draw the map of it.

    Args:
        model: Left as it is.
        example: A batch as the model takes it: a tensor, a tuple (several arguments) or
            a dict (keywords); a list of such shows what each reaches.

    Raises:
        BadModel: If it cannot be copied, taken apart or run on an example.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
        >>> [norm] = chart(net, torch.zeros(2, 3, 8, 8)).norms
        >>> print(norm)
        1: BatchNorm2d of 8 features along axis 1, keeps statistics; fed by 0
    """
    examples = examples_in(example)
    with fork_rng():
        return charted(copied(model, examples), examples)


def charted(copy: nn.Module, examples: list[Example]) -> Chart:
    """The same of a copy, which is put into eval mode."""
    copy.eval()
    watches, made = [Watch(copy) for _ in examples], None
    for watch, one in zip(watches, examples, strict=True):
        with torch.no_grad(), watch.watching():
            made = run(copy, one)
            watch.answer(made)
    modules = dict(copy.named_modules())
    norms = _outermost(modules)
    found: dict[tuple[str, str], Norm] = {}
    openings: dict[str, Opening] = {}
    for watch in watches:
        for norm in (*_modules_in(watch, norms), *_functions_in(watch, norms)):
            key = norm.path, norm.kind
            found[key] = _both(found[key], norm) if key in found else norm
        openings |= {o.path: o for o in _openings_in(watch)} | openings
    reached = {norm.path for norm in found.values()}
    calls = {p: max(len(watch.calls[p]) for watch in watches) for p in modules}
    return Chart(
        tuple(found.values()),
        tuple(openings.values()),
        tuple(path for path in norms if path not in reached),
        calls,
        "" if isinstance(made, Tensor) else named_leaves(made),
    )


def _outermost(modules: dict[str, nn.Module]) -> list[str]:
    """Norms among modules; what stands in a norm is part of it."""
    found: list[str] = []
    for path, module in modules.items():
        known = isinstance(module, FeaturesLast) or is_norm_module(module)
        if known and not any(path.startswith(f"{other}.") for other in found):
            found.append(path)
    return found


def _modules_in(watch: Watch, norms: list[str]) -> Iterator[Norm]:
    reached = {path for path in norms if watch.calls[path]}
    for path in dict.fromkeys(c.path for c in watch.opened if c.path in reached):
        module, calls = watch.modules[path], watch.calls[path]
        around = _Around(watch, lambda use, path=path: path in use.stack)
        for call in calls:
            around.see(call.value, call.result[0] if call.result else None)
        inner = module.norm if isinstance(module, FeaturesLast) else module
        yield Norm(
            path,
            type(inner).__name__,
            len(calls),
            calls[0].shape,
            _axis(module, calls[0].shape),
            getattr(inner, "running_mean", None) is not None,
            steps=_steps(calls[0]),
            **around.found(),
        )


def _functions_in(watch: Watch, norms: list[str]) -> Iterator[Norm]:
    """Normalising functions that are called outside of norms."""
    for use, result in watch.functions:
        if any(path in norms for path in use.stack):
            continue
        around = _Around(watch, lambda other: other.function in NORMALISING)
        around.see(use.value, result)
        name, shape = use.function.__name__, tuple(use.value.shape)
        axis = -1 if name.startswith(("layer", "rms")) else 1
        path = use.stack[-1]
        kind, kept = f"{name}()", False
        yield Norm(path, kind, 1, shape, axis, kept, **around.found())


class _Around:
    """Whose values a norm takes, and who takes what it makes."""

    def __init__(self, watch: Watch, own: Callable[[Use], bool]) -> None:
        self._watch, self._own = watch, own
        self._lists: tuple[list[str], ...] = ([], [], [], [])

    def see(self, value: Tensor | None, result: Tensor | None) -> None:
        """One call of the norm."""
        feeders, beside, takers, behind = self._lists
        modules = self._watch.modules
        if value is not None:
            makers = self._watch.makers.get(id(value), [])
            feeders += [path for path in makers if isinstance(modules[path], AFFINE)]
            beside += [use.name for use in self._uses(value)]
            beside += self._answers(value)
        if result is not None:
            for use in self._uses(result):
                layer = use.stack[-1] if self._is_taken(use) else None
                (behind if layer is None else takers).append(layer or use.name)
            behind += self._answers(result)

    def found(self) -> dict[str, tuple[str, ...]]:
        """Feeders, who is beside, takers, who is behind; each once."""
        once = (tuple(dict.fromkeys(one)) for one in self._lists)
        return dict(zip(_LISTS, once, strict=True))

    def _uses(self, value: Tensor) -> list[Use]:
        return [u for u in self._watch.uses.get(id(value), []) if not self._own(u)]

    def _is_taken(self, use: Use) -> bool:
        """Whether it is an affine layer that takes the whole value, as its input."""
        path = use.stack[-1]
        calls = self._watch.calls[path]
        layer = isinstance(self._watch.modules[path], AFFINE)
        return layer and any(call.value is use.value for call in calls)

    def _answers(self, value: Tensor) -> list[str]:
        return ["the network's answer"] if id(value) in self._watch.answered else []


def _openings_in(watch: Watch) -> Iterator[Opening]:
    """Layers whose output goes straight into a nonlinearity."""
    for path, calls in watch.calls.items():
        layer = watch.modules[path]
        if not isinstance(layer, AFFINE) or not calls or not calls[0].result:
            continue
        made = calls[0].result[0]
        into = [u for u in watch.uses.get(id(made), []) if u.function in NONLINEAR]
        if into:
            last = isinstance(layer, nn.Linear) and made.dim() > 2
            shape = tuple(made.shape)
            yield Opening(path, into[0].name, len(calls), shape, -1 if last else 1)


def _axis(norm: nn.Module, shape: tuple[int, ...]) -> int:
    """Which axis of its input a norm takes for that of the features."""
    if len(shape) < 3 or has_units_second(norm):
        return 1
    if isinstance(norm, FeaturesLast):
        return -1
    over = [*(normalized_shape(norm) or ())]
    if over:
        if len(over) > 1:  # channels and positions, or positions and features
            return 1 if len(over) == len(shape) - 1 else -1
        # a class of a user's own may turn its input first
        return -1 if over[0] == shape[-1] else 1
    sizes = {p.numel() for p in (*norm.parameters(), *norm.buffers())}
    return -1 if shape[1] not in sizes and shape[-1] in sizes else 1


def _steps(call: Call) -> tuple[str, ...]:
    """The functions and the modules that a norm calls, one after another."""
    names: list[str] = []
    for use in call.inside:
        depth = use.stack.index(call.path)
        direct = depth == len(use.stack) - 1
        below = "" if direct else use.stack[depth + 1]
        name = f"{use.function.__name__}()" if direct else below.rpartition(".")[2]
        if not names or names[-1] != name:
            names.append(name)
    return tuple(names)


def _both(one: Norm, other: Norm) -> Norm:
    """The same norm in two examples, or called twice as a function."""
    merged = {
        n: tuple(dict.fromkeys(getattr(one, n) + getattr(other, n))) for n in _LISTS
    }
    calls = one.calls + other.calls if one.is_function else max(one.calls, other.calls)
    return one._replace(calls=calls, **merged)
