"""What a sweep came out as, in some lines for each arm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from normlab.analysis.inference.interaction import ABOUT
from normlab.analysis.text.answer import Answer, Answers

_GROWS = {
    "supported": "grows",
    "contradicted": "shrinks",
    "no-difference": "does not change",
}


class OverSweep(NamedTuple):
    """The answers about one arm: those that a sweep asks for, and the others."""

    title: str
    """Which arms are compared."""
    told: tuple[str, ...]
    """How each effect ranges over the points, and whether it grows; may be empty."""
    others: Answers


def over_sweep(group: Answers) -> OverSweep:
    """Tell the sweep's own answers, what has the same reason together.

    Args:
        group: All answers about one arm of a sweep.
    """
    told = [line for line in group.lines if _kind(line)]
    # accuracy, which everybody knows, before speed
    told.sort(key=lambda line: ([*ABOUT].index(_kind(line)), _slope(line)))
    others = tuple(line for line in group.lines if line not in told)
    title = f"{group.title[:1].upper()}{group.title[1:]}"
    return OverSweep(title, tuple(_parts(told)), group._replace(lines=others))


def _parts(lines: list[Answer]) -> Iterator[str]:
    alike: dict[tuple[str, str, str], list[str]] = {}  # one reason for several axes
    for line in lines:
        if _unmeasured(line):
            axis = line.claims[0].axis.rpartition(".")[2]
            alike.setdefault((_kind(line), line.says, line.why), []).append(axis)
    for line in lines:
        claim = line.claims[0]
        quantity = claim.definition.quantity
        why = line.why.removeprefix(f"{quantity}: ")
        if not _slope(line):
            if why and all(c.verdict == "description" for c in line.claims):
                why += "; means over seeds, not judged one by one"
            yield f"{quantity} {line.says}{f' ({why})' if why else ''}"
            continue
        if claim.estimate is not None:
            slope, comma, interval = why.partition(", ")
            why = f"{slope} {quantity.rpartition(', change ')[2]}{comma}{interval}"
        question = f"{line.question[:1].lower()}{line.question[1:]}"
        if _unmeasured(line):
            axes = alike.pop((_kind(line), line.says, line.why), [])
            if axes:
                start = question.removesuffix(axes[0])
                yield f"whether the {start}{' or '.join(axes)}: {line.says} ({why})"
            continue
        grows = _GROWS.get(claim.verdict)
        if grows is None:
            yield f"whether the {question}: {line.says} ({why})"
        else:
            yield f"the {question.replace(' grows ', f' {grows} ')} ({why})"


def _unmeasured(line: Answer) -> bool:
    return _slope(line) and line.claims[0].estimate is None


def _slope(line: Answer) -> bool:
    return bool(line.claims[0].axis)


def _kind(line: Answer) -> str:
    """The claim whose effects are followed along the sweep; empty for any other."""
    if not line.claims:
        return ""
    name = line.claims[0].id
    return next((of for of in ABOUT if name in (of, *_slopes(of, line))), "")


def _slopes(of: str, line: Answer) -> list[str]:
    axes = (claim.axis.rpartition(".")[2] for claim in line.claims if claim.axis)
    return [f"{of}-by-{axis}" for axis in axes]
