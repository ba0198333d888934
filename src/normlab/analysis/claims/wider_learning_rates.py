"""Larger learning rates work: how large they may become."""

from __future__ import annotations

from collections.abc import Iterable

from normlab.analysis.claims.definition import Definition, Twins
from normlab.analysis.design.learning import Chance, end_loss, trained
from normlab.records.rows import RunRecord

WORSE = 2.0  # times the loss at the best rate: no longer trained well


def largest_rank(runs: Iterable[RunRecord], chance: Chance) -> int:
    """The place on the grid of the largest rate at which a network trains well.

    There it trains, and its loss (held out, else of training) ends below twice that at
    the best of the rates. No test image is looked at.

    Args:
        runs: Of one arm and seed, at every rate of the grid.
        chance: The loss that a run must end below.

    Returns:
        1 for the smallest rate; 0 if it trains at none.
    """
    ladder = sorted(runs, key=lambda run: run.key.rate)
    losses = {
        rank: end_loss(run)
        for rank, run in enumerate(ladder, start=1)
        if trained(run, chance)
    }
    best = min(losses.values(), default=0.0)
    well = (r for r, loss in losses.items() if loss <= best or loss < WORSE * best)
    return max(well, default=0)


def rank_difference(twins: Twins) -> float:
    """How many steps of the grid the other arm reaches further than the baseline."""
    other = largest_rank(twins.other_rates, twins.chance)
    return float(other - largest_rank(twins.baseline_rates, twins.chance))


CLAIM = Definition(
    id="wider-learning-rates",
    statement="larger learning rates work {arm} than {baseline}",
    asked="works at larger learning rates",
    measure=(
        "how many steps of the grid lie between the largest of the study's rates at "
        "which the runs train and end, on held-out images or else in training, with "
        "less than 2 times the loss at the same arm's and seed's best rate; an arm "
        "that trains at none stands one step below the smallest"
    ),
    quantity="largest rate that works",
    figure="learning-rates",
    scale="difference",
    unit="steps of the grid",
    better="higher",
    margin=None,
    effect=rank_difference,
    compares="rates",
    untrained=True,
    test="sign",
    formula=(
        r"\operatorname{rank}(a_{max, other}) - \operatorname{rank}(a_{max, base}) "
        r"\text{ on the study's grid}"
    ),
    papers=(
        "Ioffe and Szegedy 2015, section 3.3; Bjorck et al. 2018, arXiv 1806.02375"
    ),
    turns=("a finer or wider grid of rates; another bound than twice the best loss"),
)
