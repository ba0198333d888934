"""Which runs did not train: their loss is not finite, or ends at that of chance."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from normlab.analysis.design.rates import VALIDATION
from normlab.records.data_line import noted_data
from normlab.records.rows import RunRecord, StudyRecord

CHANCE = 0.9  # of the loss of one who knows the label shares alone
LAST = 51  # steps: what is left at the end of a running median over 101
EVEN = 1.2  # times its even share, at most, of the largest class of even labels


class Chance(NamedTuple):
    r"""The loss of one who knows how often each label comes, and nothing else.

    It is the entropy $H = -\sum_c p_c \log p_c$ of the shares $p_c$ of the labels, in
    nats; None where it is not known.
    """

    train: float | None = None
    validation: float | None = None
    unknown: str = ""
    """Why it is not known, as half a sentence."""

    @classmethod
    def of(cls, record: StudyRecord) -> Chance:
        """By the labels that the study noted, if its loss is the cross-entropy.

        Of studies that noted none the number of classes is known and how many belong to
        the largest: where that is about even, it is the logarithm of that number.
        """
        if '"loss"' in record.meta.get("python_code", ""):
            return cls(unknown="the loss is one of your own")
        parts = noted_data(record.meta).get("parts", {})
        if counts := parts.get("train"):
            held_out = parts.get("validation")
            return cls(entropy(counts), entropy(held_out) if held_out else None)
        classes, largest = record.classes, record.largest_class
        if classes and largest and largest * classes <= EVEN:
            even = math.log(classes)
            return cls(even, even)
        return cls(unknown="the study did not note how often each label comes")


NOT_SAID = Chance(unknown="no study says so")
"""Of runs by themselves."""


def entropy(counts: list[int]) -> float:
    r"""$-\sum_c p_c \log p_c$ of the shares $p_c$ of these counts, in nats.

    Example:
        >>> entropy([5, 5, 0]) == math.log(2)
        True
    """
    shares = np.array([count for count in counts if count], dtype=np.float64)
    shares /= shares.sum()
    return float(-(shares * np.log(shares)).sum())


def end_loss(run: RunRecord) -> float:
    """What a run's loss comes to: held out where it was, else in training.

    That of training is the median over the last 51 steps, where the running median of
    the step loss ends. Infinite for a run that diverged, nan for one of no steps.
    """
    if run.status == "diverged":
        return math.inf
    held_out = _held_out(run)
    if held_out is not None:
        return held_out if math.isfinite(held_out) else math.inf
    if not run.step_losses.size:
        return math.nan
    return float(np.median(run.step_losses[-LAST:]))


def trained(run: RunRecord, chance: Chance) -> bool:
    """Whether its loss stayed finite and ended below 0.9 of that of chance.

    Args:
        run: One that has ended.
        chance: What it must be better than; where that is not known, a finite loss
            will do.
    """
    loss = end_loss(run)
    level = chance.train if _held_out(run) is None else chance.validation
    return loss != math.inf and not (level and loss >= CHANCE * level)


def _held_out(run: RunRecord) -> float | None:
    return run.epochs[-1].metrics.get(VALIDATION) if run.epochs else None
