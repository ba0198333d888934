"""Claims in full: the statement, the numbers, the reason and what weakens it."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from normlab.analysis.claim import as_listed
from normlab.analysis.text.layout import wrapped
from normlab.analysis.text.words import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from normlab.analysis.claim import Claim
    from normlab.analysis.result import StudyResult

MANY_CLAIMS = 60  # more have a line each
MANY_LINES = 400  # more are counted


def claims_text(result: StudyResult) -> str:
    """All claims in full; in sweeps those at the same rate in a line each.

    Where those in full are many, they have a line each too; where the lines are many,
    verdicts are counted. The report has all in full.
    """
    spec = result.record.spec
    claims = as_listed(result.claims())
    single = len(spec.recipe.rates) == 1 and not spec.sweep.axes
    full = [claim for claim in claims if single or claim.compared != "same-rate"]
    if len(full) > MANY_CLAIMS:
        full = []
    in_full = {id(claim) for claim in full}
    brief = [claim for claim in claims if id(claim) not in in_full]
    parts = [
        "\n".join(
            _claim(claim, where="" if single else f" ({claim.where})") for claim in full
        ),
        _counted(brief) if len(brief) > MANY_LINES else "",
        _listed(brief, with_place=not single) if 0 < len(brief) <= MANY_LINES else "",
    ]
    return "\n\n".join(filter(None, parts))


def _counted(claims: Sequence[Claim]) -> str:
    """How often each claim came to which verdict."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for claim in claims:
        found[claim.id][claim.verdict] += 1
    lines = [
        f"  {name}: {', '.join(f'{n:,} {verdict}' for verdict, n in of.most_common())}"
        for name, of in found.items()
    ]
    of_all = f"verdicts of {count(len(claims), 'comparison')}"
    first = f"{of_all} (`normlab show --json` and the report have each by itself):"
    return "\n".join(map(wrapped, (first, *lines)))


def _claim(claim: Claim, *, where: str = "") -> str:
    first, *rest = str(claim).split("\n")
    return "\n".join([wrapped(first + where), *map(wrapped, rest)])


def _listed(claims: Sequence[Claim], *, with_place: bool) -> str:
    """A line for each; where they hold only if they hold at several places."""
    return "\n".join(wrapped(_line(claim, with_place=with_place)) for claim in claims)


def _line(claim: Claim, *, with_place: bool) -> str:
    place = f" ({claim.where})" if with_place else ""
    told = f"{claim.verdict.upper()} {claim.id} {claim.labels[0]}{place}"
    return f"{told}: {claim.numbers}"
