"""Of many learning rates, those that have panels of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normlab.analysis.text.layout import spread
from normlab.analysis.text.words import count

if TYPE_CHECKING:
    from normlab.spec.study import StudySpec

MAX_RATES = 6  # more are told by claims and by the figure over rates


def drawn_rates(spec: StudySpec) -> list[float]:
    """All rates, or of more than `MAX_RATES` the first, the last and some between."""
    return spread(spec.recipe.rates, MAX_RATES)


def undrawn(spec: StudySpec) -> str:
    """What a figure's words add where it leaves rates out.

    Example:
        >>> from normlab.spec.study import StudySpec
        >>> undrawn(StudySpec(recipe={"rates": [0.1 * i for i in range(1, 9)]}))
        ' 2 other rates are not drawn.'
    """
    left = len(spec.recipe.rates) - MAX_RATES
    if left < 1:
        return ""
    return f" {count(left, 'other rate')} {'is' if left == 1 else 'are'} not drawn."
