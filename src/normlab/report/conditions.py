"""What was equal for all arms, and what they differ in, in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from normlab.analysis.text.words import ARMS, count, named
from normlab.spec.options import Options
from normlab.spec.point import SweepPoint, Value, point_text, value_text

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult
    from normlab.spec.arms import Arm
    from normlab.spec.study import StudySpec

RECIPE = {
    "batch_size": "the batch size",
    "optimizer": "the optimizer",
    "momentum": "momentum",
    "weight_decay": "weight decay",
    "schedule": "the schedule",
    "epochs": "the number of epochs",
}
"""What is named in any case; other keys only where they were swept."""


def extent(spec: StudySpec) -> str:
    """How large the study is, every swept value named.

    Example:
        >>> from normlab.spec.study import StudySpec
        >>> extent(StudySpec(sweep={"recipe.batch_size": [8, 64]}))
        '2 arms × 1 learning rate × batch_size (8, 64) × 5 seeds, 5 epochs'
    """
    rates = spec.recipe.rates
    of_rates = count(len(rates), "learning rate")
    if len(rates) > 1:
        of_rates += f" ({named([f'{rate:g}' for rate in rates], ARMS)})"
    swept = [f"{_last(axis.key)} ({_values(axis.values)})" for axis in spec.sweep.axes]
    arms, seeds = count(len(spec.arms), "arm"), count(len(spec.seeds), "seed")
    epochs = count(spec.recipe.epochs, "epoch")
    return f"{' × '.join([arms, of_rates, *swept, seeds])}, {epochs}"


def equal(spec: StudySpec) -> str:
    """What all arms had in common; a swept setting takes each of its values."""
    swept = {axis.key: axis.values for axis in spec.sweep.axes}
    recipe = {f"recipe.{key}": words for key, words in RECIPE.items()}
    more = {key: _last(key) for key in swept if key not in recipe}
    named = {
        key: f"at each value of {_values(swept[key])}"
        if key in swept
        else value_text(getattr(spec.recipe, _last(key)))
        for key in (*recipe, *more)
    }
    settings = [f"{words} ({named[key]})" for key, words in (recipe | more).items()]
    return f"Equal for all arms: the data, {', '.join(settings)}."


def different(result: StudyResult) -> str:
    """What arms differ in, and how many parameters each has."""
    spec = result.record.spec
    keys = _varied(spec.arms)
    norms = {(arm.own or arm.norm, _options(arm)) for arm in spec.arms}
    what = [*(["norm"] if len(norms) > 1 or not keys else []), *keys]
    more = ["what is named above"] if result.analysis.fairness.differences else []
    every = [*what, *more]
    only = f"the {every[0]} alone" if len(every) == 1 else f"the {_and(every)}"
    sizes = _sizes(result)
    arms = [
        f"{label}: {', '.join([*_settings(arm, what), _size(sizes[arm.name])])}"
        for arm, label in zip(spec.arms, spec.labels.values(), strict=True)
    ]
    those = named(arms, ARMS, between="; ")
    return f"Different: {only}, and the parameters that come with it ({those})."


def _settings(arm: Arm, what: Sequence[str]) -> list[str]:
    """What its label does not say: options of its norm, settings of its network."""
    own = arm.model.chosen
    options = [_options(arm)] if "norm" in what and _options(arm) else []
    return options + [f"{key} {value_text(own[key])}" for key in what if key in own]


def _varied(arms: Sequence[Arm]) -> list[str]:
    """Settings of the network that an arm has otherwise than others."""
    keys = dict.fromkeys(key for arm in arms for key in arm.model.chosen)
    return [key for key in keys if len({arm.model.chosen.get(key) for arm in arms}) > 1]


def _options(arm: Arm) -> str:
    options: Options = arm.options
    return ", ".join(
        f"{key} {value_text(value)}"
        for key, value in options.model_dump().items()
        if value is not None
    )


def _sizes(result: StudyResult) -> dict[str, dict[SweepPoint, int]]:
    """Parameters of each arm's network at every point where they are known."""
    sizes: dict[str, dict[SweepPoint, int]] = defaultdict(dict)
    for summary in result.analysis.arms:
        if summary.parameters is not None:
            sizes[summary.arm].setdefault(summary.point, summary.parameters)
    return sizes


def _size(by_point: Mapping[SweepPoint, int]) -> str:
    """Parameters; one number unless points of the sweep differ in it."""
    if not by_point:
        return "unknown parameters"
    if len(set(by_point.values())) == 1:
        return count(next(iter(by_point.values())), "parameter")
    sizes = [
        f"{count(size, 'parameter')} at {point_text(point)}"
        for point, size in by_point.items()
    ]
    return named(sizes, ARMS, between=" and ")


def _and(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _last(key: str) -> str:
    return key.rpartition(".")[2]


def _values(values: Sequence[Value]) -> str:
    return named([value_text(value) for value in values], ARMS)
