"""The observers of one run, and how they are shown it without a trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from torch import Tensor

from normlab.base.hold import preserved
from normlab.base.streams import ambient
from normlab.records.events import Observed
from normlab.train.moment import Moment, Observer


class Audience:
    """Observers that look at the same run.

    Args:
        observers: In the order in which they look.
        seed: Of the run; an observer's random numbers have the address
            (seed, its name, step).
    """

    def __init__(self, observers: Sequence[Observer], *, seed: int) -> None:
        self._observers = observers
        self._seed = seed

    def wants(self, step: int) -> bool:
        """Whether anybody wants to look after `step` steps."""
        return any(observer.due(step) for observer in self._observers)

    def look(self, moment: Moment) -> None:
        """Show the moment to everybody who wants to see it, and put things back."""
        for observer in self._observers:
            if not observer.due(moment.step):
                continue
            if not observer.touches:
                observer.look(moment)
                continue
            address = (self._seed, observer.name, moment.step)
            with preserved(moment.model), ambient(*address):
                observer.look(moment)

    def reports(self) -> Iterator[Observed]:
        """Everything that each has seen, as arrays."""
        for observer in self._observers:
            arrays = {k: t.cpu().numpy() for k, t in observer.arrays().items()}
            yield Observed(probe=observer.name, arrays=arrays)

    def memories(self) -> dict[str, dict[str, Tensor]]:
        """What a checkpoint needs, by observer."""
        return {o.name: dict(o.arrays()) for o in self._observers}

    def restore(self, memories: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Take back what `memories` gave."""
        for observer in self._observers:
            observer.restore(memories[observer.name])
