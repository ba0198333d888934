"""What a study's seeds can show, said before they are trained."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from normlab.analysis.analyse import gather
from normlab.analysis.claims import better_accuracy, faster_convergence
from normlab.analysis.design.family import is_judged
from normlab.analysis.design.rates import choice_seeds
from normlab.analysis.inference.component import MIN_SEEDS
from normlab.analysis.inference.evidence import Evidence
from normlab.analysis.inference.interaction import interactions, scale_of
from normlab.analysis.inference.power import EVEN, t_chance
from normlab.analysis.inference.spending import Budget
from normlab.analysis.text.words import count
from normlab.errors import NormlabError
from normlab.records.folder import StudyFolder
from normlab.records.rows import StudyRecord
from normlab.spec.labels import beside
from normlab.spec.study import StudySpec

_ABOUT = (better_accuracy.CLAIM, faster_convergence.CLAIM)
_STUDIES = 10  # of the latest of the same kind
_RUNS = 1000  # of a study that is read for this


class _Spread(NamedTuple):
    """The variance of an effect over seeds, pooled, and from how many studies."""

    variance: float
    studies: int


def foreseen(spec: StudySpec, root: Path) -> list[str]:
    """The smallest differences that the seeds show with even chance, arm by arm.

    For n pairs it is the true effect at which the t test of one claim by itself, at the
    level of the first look, falls below it in half of all studies; its spread is that
    of the finished studies of the same data, network, arms and training in `root`.

    Args:
        spec: What is going to be trained.
        root: The folder in which studies lie side by side.

    Returns:
        A sentence for each arm that is compared; a single one where none is known.
    """
    others = [arm.name for arm in spec.arms if arm != spec.baseline]
    pairs = len(spec.seeds)
    if len(spec.recipe.rates) > 1:
        pairs -= len(choice_seeds(spec.seeds))
    if not others or pairs < MIN_SEEDS:
        return []
    found = [e for record in _alike(spec, root) for e in _judged(record)]
    level = Budget(seeds=len(spec.seeds), at_most=spec.declared).level
    told = [_of_arm(spec, arm, found, pairs, level) for arm in others]
    if not any(told):
        return [
            f"which differences {count(pairs, 'pair')} can show is unknown before the "
            f"first seeds: no finished study of this kind lies in {root}"
        ]
    return [sentence for sentence in told if sentence]


def detectable(deviation: float, pairs: int, level: float) -> float:
    """The true mean at which a t test of so many pairs falls below it by even chance.

    Example:
        >>> round(detectable(1.0, 5, 0.05), 2)
        1.15
    """
    low, high = 0.0, 1e3 * deviation
    while high - low > 1e-6 * deviation:
        middle = (low + high) / 2
        enough = t_chance(middle, deviation, pairs, level) >= EVEN
        low, high = (low, middle) if enough else (middle, high)
    return high


def _of_arm(
    spec: StudySpec, arm: str, found: Sequence[Evidence], pairs: int, level: float
) -> str:
    shown, studies, labels = [], 0, spec.labels
    base = labels[spec.baseline.name]
    for claim in _ABOUT:
        known = [
            e
            for e in found
            if e.pairing.arm == arm
            and e.definition.id.startswith(claim.id)
            and e.pairing.axis == (spec.sweep.axes[0].key if spec.sweep.axes else "")
        ]
        spread = _pooled(known)
        if spread is None:
            continue
        effect = detectable(math.sqrt(spread.variance), pairs, level)
        axes = spec.sweep.axes
        per = f" per {scale_of(axes[0]).step}" if axes else ""
        if claim.scale == "ratio":
            shown.append(f"{100 * math.expm1(effect):.2g} % in {claim.unit}{per}")
        else:
            shown.append(f"{100 * effect:.2g} points of accuracy{per}")
        studies = max(studies, spread.studies)
    if not shown:
        return ""
    return (
        f"{count(pairs, 'pair')} {labels[arm]} and {beside(base, labels[arm])} show a "
        f"true difference of {' or '.join(shown)} with even chance, each claim by "
        f"itself (spread as in {studies} earlier "
        f"{'study' if studies == 1 else 'studies'})"
    )


def _pooled(known: Sequence[Evidence]) -> _Spread | None:
    parts = [e.decider for e in known if e.decider.effects.size > 1]
    freedom = sum(part.effects.size - 1 for part in parts)
    if not parts:
        return None
    squares = sum(
        float(part.effects.var(ddof=1)) * (part.effects.size - 1) for part in parts
    )
    return _Spread(squares / freedom, len(parts)) if squares > 0 else None


def _judged(record: StudyRecord) -> list[Evidence]:
    """What is judged of accuracy and speed: at own best rates, along a sweep."""
    points = gather(record, _ABOUT)
    spec = record.spec
    return [
        e
        for e in (*points, *interactions(points, spec))
        if is_judged(e.definition, e.pairing, spec)
        and e.pairing.compared == _compared(spec)
    ]


def _compared(spec: StudySpec) -> str:
    if spec.sweep.axes:
        return "over-sweep"
    return "same-rate" if len(spec.recipe.rates) == 1 else "own-best"


def _alike(spec: StudySpec, root: Path) -> Iterator[StudyRecord]:
    """The latest finished studies that differ in seeds and measures alone."""
    paths = sorted(root.glob("*/study.db"), key=_age, reverse=True)
    left = _STUDIES
    for path in paths:
        try:
            study = StudyFolder.open(path.parent)
            if left == 0 or not _same_kind(study.spec, spec):
                continue
            statuses = study.statuses()
            if (
                statuses.keys() <= {"done", "diverged"}
                and sum(statuses.values()) <= _RUNS
            ):
                yield study.read()
                left -= 1
        except NormlabError:  # what cannot be read tells nothing
            continue


def _age(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


def _same_kind(one: StudySpec, other: StudySpec) -> bool:
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("data", "model", "recipe", "sweep", "arms")
    )
