"""McNemar's exact test for pairs that either did or did not."""

from __future__ import annotations

from scipy.special import bdtr


def mcnemar(only_first: int, only_second: int) -> float | None:
    r"""Two-sided exact p of McNemar's test.

    Only the pairs that disagree count; if nothing differs between the arms, each of
    them is a fair coin: $p = \min(1, 2 P(X \le \min(b, c)))$, $X \sim B(b + c, 1/2)$.

    Args:
        only_first: Pairs in which it happened to the first arm alone.
        only_second: Pairs in which it happened to the second arm alone.

    Returns:
        None if no pair disagrees: then there is nothing to test.

    Example:
        >>> mcnemar(6, 0)
        0.03125

    Source: McNemar 1947, Psychometrika 12, 153-157, with binomial probabilities.
    """
    pairs = only_first + only_second
    if pairs == 0:
        return None
    return min(1.0, 2 * float(bdtr(min(only_first, only_second), pairs, 0.5)))
