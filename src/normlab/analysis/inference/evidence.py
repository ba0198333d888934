"""What a study's seeds say about one claim, before any verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.analysis.design.pairs import Pairing, Runs
from normlab.analysis.inference.component import MIN_SEEDS, Component
from normlab.analysis.inference.images import Images, image_variance
from normlab.disk.remedy import refuse_want
from normlab.errors import BadFolder, NotMeasured, described
from normlab.user_code import is_stop

Correct = NDArray[np.bool_]  # (test images,)


class Gap(NamedTuple):
    """A seed without an effect, and why."""

    seed: int
    because: str
    pending: bool = False
    """Whether it may yet have one: its runs have not ended."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """The effects of one claim for one pairing, component by component."""

    definition: Definition
    pairing: Pairing
    twins: tuple[Twins, ...]
    """Those with an effect in one component or more."""
    components: tuple[Component, ...]
    """One or more; without any effect a single empty one."""
    gaps: tuple[Gap, ...]
    veto: Component | None = None
    """What may object to a verdict, and is no part of it."""

    @property
    def planned(self) -> int:
        """How many seeds the study has."""
        return len(self.twins) + len(self.gaps)

    @cached_property
    def decider(self) -> Component:
        """The component that a verdict hangs on: the one with the largest p."""
        return max(self.components, key=lambda c: math.inf if c.p is None else c.p)

    @property
    def effects(self) -> NDArray[np.float64]:
        """Those of that component."""
        return self.decider.effects

    @cached_property
    def p(self) -> float | None:
        """What enters Holm's correction: the largest p, missing pairs at their worst.

        1 where components lie on different sides, for then they cannot all agree. None
        where one cannot be tested: such a claim could not become a false one, and is
        no member of the family.
        """
        known = [c.worst_p for c in self.components if c.worst_p is not None]
        if len(known) < len(self.components):
            return None
        agree = len({c.side for c in self.components}) == 1
        return max(known) if agree else 1.0

    @cached_property
    def measured(self) -> Evidence:
        """The same as if no pair were missing."""
        parts = tuple(replace(c, missing=0) for c in self.components)
        return replace(self, components=parts, gaps=())

    def among(self, seeds: Sequence[int]) -> Evidence:
        """What these seeds say by themselves."""
        kept = frozenset(seeds)
        if kept.issuperset(self.seeds):
            return self
        of = [
            dict(zip(c.seeds, c.effects.tolist(), strict=True)) for c in self.components
        ]
        names = [c.name for c in self.components]
        found = [
            (
                twins,
                {
                    n: e[twins.seed]
                    for n, e in zip(names, of, strict=True)
                    if twins.seed in e
                },
            )
            for twins in self.twins
            if twins.seed in kept
        ]
        gaps = [gap for gap in self.gaps if gap.seed in kept]
        return gathered(self.definition, self.pairing, found, gaps)

    @property
    def seeds(self) -> list[int]:
        """All of them, with an effect or without."""
        return [one.seed for one in (*self.twins, *self.gaps)]

    @property
    def objected(self) -> bool:
        """Whether the veto's 95 % interval lies wholly on the other side."""
        interval = self.veto and self.veto.decides().interval
        if not interval:
            return False
        return self.decider.side * interval[0] < 0 > self.decider.side * interval[1]

    @property
    def missing(self) -> int:
        """Pairs that ended without an effect, of the component that has most."""
        return max(c.missing for c in self.components)


def collect(
    definition: Definition, pairing: Pairing, runs: Runs, seeds: Sequence[int]
) -> Evidence:
    """Measure the claim on the twins of every seed."""
    found: list[tuple[Twins, Mapping[str, float]]] = []
    gaps: list[Gap] = []
    for seed in seeds:
        pair = runs.twins(pairing, seed)
        effects = pair if isinstance(pair, Omitted) else _of_pair(definition, pair)
        if isinstance(pair, Omitted) or isinstance(effects, Omitted):
            assert isinstance(effects, Omitted)
            gaps.append(Gap(seed, effects.because, effects.pending))
            continue
        found.append((pair, effects))
    return gathered(definition, pairing, found, gaps)


def gathered(
    definition: Definition,
    pairing: Pairing,
    found: Sequence[tuple[Twins, Mapping[str, float]]],
    gaps: Sequence[Gap],
) -> Evidence:
    """The evidence of seeds whose effects are known, component by component."""
    twins = tuple(pair for pair, _ in found)
    images = _images(twins) if definition.over_images else None
    ended = len(found) + sum(not gap.pending for gap in gaps)
    names = dict.fromkeys(name for _, effects in found for name in effects) or [""]
    return Evidence(
        definition=definition,
        pairing=pairing,
        twins=twins,
        components=tuple(
            _component(definition, name, found, ended, images) for name in names
        ),
        gaps=tuple(gaps),
        veto=_veto(definition, found, ended),
    )


def _veto(
    definition: Definition,
    found: Sequence[tuple[Twins, Mapping[str, float]]],
    ended: int,
) -> Component | None:
    if definition.veto is None:
        return None
    name, effect = definition.veto
    objector = replace(definition, effect=lambda twins: effect(twins, math.nan))
    every = [(twins, _effects(objector, twins)) for twins, _ in found]
    known = [
        (twins, {name: value})
        for twins, given in every
        if not isinstance(given, Omitted)
        for value in given.values()
    ]
    return _component(definition, name, known, ended, None)


def _component(
    definition: Definition,
    name: str,
    found: Sequence[tuple[Twins, Mapping[str, float]]],
    ended: int,
    images: Images | None,
) -> Component:
    known = {twins.seed: effects[name] for twins, effects in found if name in effects}
    margin = definition.margin
    if margin is not None and definition.scale == "ratio":
        margin = math.log(margin)
    return Component(
        name=name,
        effects=np.fromiter(known.values(), dtype=np.float64),
        seeds=tuple(known),
        test=definition.test,
        margin=margin,
        missing=ended - len(known),
        images=images,
    )


def _images(twins: Sequence[Twins]) -> Images | None:
    """What the test images add, if it is known which of them each seed got right."""
    known = [
        (baseline, other)
        for pair in twins
        if (baseline := pair.baseline.correct) is not None
        and (other := pair.other.correct) is not None
    ]
    sizes = {array.size for pair in known for array in pair}
    # a run that diverged at once has chance, but no images that it got right
    if len(known) < max(len(twins), MIN_SEEDS) or len(sizes) != 1:
        return None
    variance = image_variance([first for first, _ in known], [two for _, two in known])
    return Images(variance, sizes.pop())


def _of_pair(definition: Definition, pair: Twins) -> Mapping[str, float] | Omitted:
    """What the twins say, unless one that did not train can say nothing."""
    dead = pair.untrained
    if definition.untrained or not any(dead):
        return _effects(definition, pair)
    runs = (pair.baseline, pair.other)
    names = [run.called for run, is_dead in zip(runs, dead, strict=True) if is_dead]
    run = "run" if len(names) == 1 else "runs"
    return Omitted(f"the {run} {' and '.join(names)} did not train")


def _effects(definition: Definition, pair: Twins) -> Mapping[str, float] | Omitted:
    """What the twins say, component by component; one without a name is the only one.

    What is computed of files may find anything in them.
    """
    try:
        given = definition.effect(pair)
    except (NotMeasured, BadFolder) as lacking:
        return Omitted(str(lacking).rstrip("."))
    except BaseException as fault:
        if is_stop(fault):
            raise
        refuse_want(fault)
        if definition.own:
            return Omitted(f"its effect failed: {described(fault)}")
        if not (definition.probe or definition.surfaces):
            raise
        what = f"the {definition.probe or 'surfaces'}"
        return Omitted(
            f"{what} kept are not what normlab keeps ({type(fault).__name__})"
        )
    if isinstance(given, Omitted):
        return given
    parts = given if isinstance(given, Mapping) else {"": given}
    checked = {str(name): _checked(definition, e) for name, e in parts.items()}
    known = {n: e for n, e in checked.items() if not isinstance(e, Omitted)}
    reasons = [e for e in checked.values() if isinstance(e, Omitted)]
    if not known:
        return reasons[0] if reasons else Omitted("it has no components")
    return known


def _checked(definition: Definition, effect: object) -> float | Omitted:
    if isinstance(effect, Omitted):
        return effect
    if not isinstance(effect, Real):
        kind = type(effect).__name__
        return Omitted(f"its effect gave a {kind}, not a number")
    if not math.isfinite(effect):
        return Omitted("no finite number came out")
    return float(effect)
