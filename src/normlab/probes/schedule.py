"""When probes look, as sets of steps; step 0 is before the first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from normlab.train.step_state import log_spaced

MAX_EPOCHS = 40  # epoch ends that are looked at in a long training
MAX_SNAPSHOTS = 32
BURST = 100  # steps from one burst of looks at the path to the next, in epoch 1 ...
LATER_BURST = 500  # ... and after it, where a look costs as much and shows less
PAIRS = 10  # of successive updates in a burst
# Before the second burst the length of an update changes tenfold: short ones between.
SHORT, SHORT_PAIRS = 20, 2


@dataclass(frozen=True, kw_only=True)
class Length:
    """How long a run is planned to be."""

    steps_per_epoch: int
    epochs: int

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.steps_per_epoch * self.epochs


def round_numbers(length: Length) -> frozenset[int]:
    """Steps 0, 1, 2, 5, 10, 20, 50, ... and epoch ends, at most 40 of the latter.

    Example:
        >>> sorted(round_numbers(Length(steps_per_epoch=30, epochs=2)))
        [0, 1, 2, 5, 10, 20, 30, 50, 60]
    """
    early = {step for step in range(1, length.steps + 1) if log_spaced(step)}
    kept = np.linspace(1, length.epochs, min(MAX_EPOCHS, length.epochs))
    ends = {round(epoch) * length.steps_per_epoch for epoch in kept.tolist()}
    return frozenset({0} | early | ends)


def denser_early(length: Length) -> frozenset[int]:
    """Up to 32 steps $T (k/30)^3$, the end of the first epoch among them.

    Example:
        >>> sorted(denser_early(Length(steps_per_epoch=938, epochs=5)))[-5:]
        [3053, 3419, 3813, 4236, 4690]
    """
    shares = np.linspace(0, 1, MAX_SNAPSHOTS - 1) ** 3
    spaced = {round(step) for step in (shares * length.steps).tolist()}
    return frozenset(spaced | {length.steps_per_epoch})


def bursts(length: Length) -> frozenset[int]:
    """Where pairs of successive updates begin: ten in a row, then a pause.

    In the first epoch that is one pair in ten, and eight more at its beginning; later
    one in 50. Neighbouring pairs share an update, so a row of ten takes 12 looks, not
    30.

    Example:
        >>> sorted(bursts(Length(steps_per_epoch=105, epochs=1)))[8:]
        [8, 9, 20, 21, 40, 41, 60, 61, 80, 81, 100, 101, 102, 103]
    """
    end = length.steps - 1  # the last pair ends at the end
    first = range(min(length.steps_per_epoch, end))
    later = range(length.steps_per_epoch, end)
    rows = (
        (first[:BURST], SHORT, SHORT_PAIRS),
        (first, BURST, PAIRS),
        (later, LATER_BURST, PAIRS),
    )
    return frozenset(
        step for part, every, pairs in rows for step in part if step % every < pairs
    )
