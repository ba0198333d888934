"""The table of a report: what is said, what was measured, how sure that is, where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from normlab.analysis.claim import Claim, as_listed
from normlab.analysis.text.words import upper
from normlab.spec.labels import NONE

if TYPE_CHECKING:
    from normlab.spec.study import StudySpec

USUAL = "As it is usually said"
COMPARED = "What was compared"
SUMS = ("over-sweep", "all-rates", "own-best")
"""What is said of a study as a whole, where it has several rates or points."""


class Row(NamedTuple):
    """One claim in the table."""

    id: str
    """Of its row, for links."""
    claim: Claim
    said: str
    """The statement, wherever it was judged."""
    statement: str
    measured: str
    """Quantity, number and interval."""
    verdict: str
    reason: str
    """The first thing to be said for the verdict."""
    figure: str
    """The id of the figure that shows it; empty if none is drawn."""


class Rows(NamedTuple):
    """The rows of one arm: those of the study as a whole, and those place by place."""

    title: str
    head: str
    first: tuple[Row, ...]
    places: tuple[Row, ...]


def tables(
    spec: StudySpec, claims: Sequence[Claim], drawn: Sequence[str]
) -> list[Rows]:
    """A table for each arm that the baseline is compared with.

    Args:
        spec: Of the study.
        claims: All, in their order.
        drawn: Ids of the figures that the report has; rows come in their order.
    """
    several = len(spec.recipe.rates) > 1 or bool(spec.sweep.axes)
    norms = {arm.name: arm.own or arm.norm for arm in spec.arms}
    by_pair: dict[tuple[str, str], list[Row]] = {}
    in_turn = sorted(claims, key=lambda claim: _turn(claim, drawn))
    for i, claim in enumerate(as_listed(in_turn), start=1):
        usual = norms.get(claim.baseline, NONE) == NONE or claim.definition.own
        row = _row(f"claim-{i}", claim, drawn, usual=usual, several=several)
        by_pair.setdefault((claim.arm, claim.baseline), []).append(row)
    found: list[Rows] = []
    for (_, baseline), rows in by_pair.items():
        arm, base = rows[0].claim.labels
        whole = [row for row in rows if row.claim.compared in SUMS]
        places = [row for row in rows if row not in whole] if whole else []
        head = USUAL if norms.get(baseline, NONE) == NONE else COMPARED
        title = f"{upper(arm)}, compared with training {base}"
        found.append(Rows(title, head, tuple(whole or rows), tuple(places)))
    return found


def _turn(claim: Claim, drawn: Sequence[str]) -> int:
    figure = claim.definition.figure
    return drawn.index(figure) if figure in drawn else len(drawn)


def _row(
    name: str, claim: Claim, drawn: Collection[str], *, usual: bool, several: bool
) -> Row:
    figure = claim.definition.figure
    said = claim.statement if usual else _neutral(claim)
    return Row(
        id=name,
        claim=claim,
        said=upper(said),
        statement=upper(f"{said} ({claim.where})" if several else said),
        measured=upper(claim.numbers.partition(f", {claim.side} in")[0]),
        verdict=claim.verdict.replace("-", " ") if usual else _found(claim),
        reason=claim.note.partition("; ")[0],
        figure=figure if figure in drawn else "",
    )


def _neutral(claim: Claim) -> str:
    """Of two norms nobody says which is better: what is compared, and no side."""
    arm, baseline = claim.labels
    return f"{claim.definition.quantity or claim.id} {arm}, against {baseline}"


def _found(claim: Claim) -> str:
    """The side on which the arm was found, in the words of the claim."""
    above, below = claim.definition.words
    sides = {1: (above, below), -1: (below, above)}[claim.definition.sign]
    found = {"supported": sides[0], "contradicted": sides[1]}
    return found.get(claim.verdict, claim.verdict.replace("-", " "))


def back(found: Sequence[Rows]) -> dict[str, list[Row]]:
    """For each figure the rows that lead to it, of a claim at several places one."""
    by_figure: defaultdict[str, dict[str, Row]] = defaultdict(dict)
    for rows in found:
        for row in (*rows.first, *rows.places):
            if row.figure:
                by_figure[row.figure].setdefault(row.said, row)
    return defaultdict(
        list, {figure: [*rows.values()] for figure, rows in by_figure.items()}
    )
