"""The observers of one run, and how they are shown it without a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from torch import Tensor, nn

from normlab.base.hold import preserved
from normlab.base.reals import in_numpy
from normlab.base.streams import seed_generators
from normlab.base.taps import uncompiled
from normlab.errors import BadFolder, described
from normlab.records.events import Noted, Observed
from normlab.train.step_state import PENDING, Listener, Observer, StepState
from normlab.user_code import is_stop


class Observers:
    """Observers that look at the same run.

    One that fails looks no more and leaves no record; the run goes on, and `notes` say
    so. A folder that cannot be written is no fault of an observer's.

    Args:
        observers: In the order in which they look.
        seed: Of the run; an observer's random numbers have the address
            (seed, its name, step).
    """

    def __init__(self, observers: Sequence[Observer], *, seed: int) -> None:
        self._look_on(observers)
        self._seed = seed
        self._notes: list[Noted] = []

    def _look_on(self, observers: Sequence[Observer]) -> None:
        self._observers = list(observers)
        # asked at every step, and the question takes as long as a look
        self._listeners = [o for o in observers if isinstance(o, Listener)]

    def wants(self, step: int) -> bool:
        """Whether anybody wants to look after `step` steps."""
        return any(observer.due(step) for observer in self._observers)

    def observe(self, state: StepState) -> None:
        """Show the moment to everybody who wants to see it, and put things back.

        Raises:
            BadFolder: What an observer keeps cannot be written.
        """
        for observer in tuple(self._observers):
            if observer.due(state.step):
                self._try(observer, partial(self._show, state, observer))

    @property
    def listening(self) -> bool:
        """Whether anybody wants to be told the loss of the next step."""
        return any(listener.listening for listener in self._listeners)

    def hear(self, step: int, loss: float, model: nn.Module) -> None:
        """Tell everybody who listens that a step was taken.

        Raises:
            BadFolder: What an observer keeps cannot be written.
        """
        for listener in tuple(self._listeners):
            if listener.listening:
                self._try(listener, partial(listener.heard, step, loss, model))

    def _try(self, observer: Observer, look: Callable[[], None]) -> None:
        try:
            look()
        except BaseException as error:
            if is_stop(error) or isinstance(error, BadFolder):
                raise
            self._dismiss(observer, error)

    def _show(self, state: StepState, observer: Observer) -> None:
        if not observer.touches:
            observer.observe(state)
            return
        with preserved(state.model), uncompiled():  # generators are among the preserved
            seed_generators(self._seed, observer.name, state.step)
            observer.observe(state)

    def _dismiss(self, observer: Observer, error: BaseException) -> None:
        self._look_on([o for o in self._observers if o is not observer])
        why = described(error).rstrip(".")
        self._notes.append(
            Noted(text=f"probe '{observer.name}' failed and left no record ({why})")
        )

    def notes(self) -> list[Noted]:
        """What there is to be said since this was last asked."""
        said, self._notes = self._notes, []
        return said

    def reports(self) -> Iterator[Observed]:
        """Everything that each has seen, as arrays."""
        for observer in self._observers:
            seen = observer.arrays().items()
            arrays = {n: in_numpy(t) for n, t in seen if not n.startswith(PENDING)}
            yield Observed(probe=observer.name, arrays=arrays)

    def memories(self) -> dict[str, dict[str, Tensor]]:
        """What a checkpoint needs, by observer."""
        return {o.name: dict(o.arrays()) for o in self._observers}

    def restore(self, memories: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Take back what `memories` gave; who had failed by then stays away."""
        self._look_on([o for o in self._observers if o.name in memories])
        for observer in self._observers:
            # into memory of our own: a file's tensors lie at odd addresses, where sums
            # are taken in another order and come out with other last digits
            kept = {n: t.clone() for n, t in memories[observer.name].items()}
            observer.restore(kept)
