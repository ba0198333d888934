"""What is found in a network: its norms, and places for more."""

from __future__ import annotations

from typing import NamedTuple

from normlab.base.slots import Slot


class Norm(NamedTuple):
    """One normalisation that an example reaches."""

    path: str
    """Of the module; of a function, that of the module which calls it."""
    kind: str
    """The name of its class; of a function, its name with brackets: `batch_norm()`."""
    calls: int
    """In the example that calls it most."""
    shape: tuple[int, ...]
    """Of what enters it first."""
    axis: int
    """Of the features in it: 1 or -1."""
    statistics: bool
    """Whether it keeps running ones."""
    feeders: tuple[str, ...] = ()
    """The affine layers whose outputs are normalised there."""
    beside: tuple[str, ...] = ()
    """Who else uses what enters it."""
    takers: tuple[str, ...] = ()
    """The affine layers that take what leaves it."""
    behind: tuple[str, ...] = ()
    """Who else takes that."""
    steps: tuple[str, ...] = ()
    """What it does, in order: `batch_norm()`, `relu()`, or a module in it: `act`."""

    def __str__(self) -> str:
        kept = "keeps statistics" if self.statistics else "keeps no statistics"
        words = f"{self.features} features along axis {self.axis}, {kept}"
        parts = [f"{self.path or 'in the network'}: {self.kind} of {words}"]
        if self.calls > 1:
            parts.append(f"called {self.calls} times")
        if self.feeders:
            parts.append(f"fed by {', '.join(self.feeders)}")
        if self.beside:
            parts.append(f"what enters it is used by {', '.join(self.beside)} too")
        return "; ".join(parts)

    @property
    def is_function(self) -> bool:
        """Whether no module of the network stands for it."""
        return self.kind.endswith("()")

    @property
    def features(self) -> int:
        """How many have scale and shift of their own."""
        return self.shape[self.axis] if len(self.shape) > 1 else 0

    @property
    def slot(self) -> Slot:
        """Its width, and the number of axes of positions."""
        return Slot(self.features, len(self.shape) - 2)


class Opening(NamedTuple):
    """A place where a norm could stand: an affine layer before a nonlinearity."""

    path: str
    """Of the layer; the norm would be put behind it."""
    into: str
    """The nonlinearity that takes its output."""
    calls: int
    shape: tuple[int, ...]
    """Of the output."""
    axis: int

    @property
    def slot(self) -> Slot:
        """Its width, and the number of axes of positions."""
        return Slot(self.shape[self.axis], len(self.shape) - 2)


class Chart(NamedTuple):
    """What examples show of a network."""

    norms: tuple[Norm, ...]
    """In the order of their first calls."""
    openings: tuple[Opening, ...]
    unreached: tuple[str, ...]
    """Norms among the modules that no example calls."""
    calls: dict[str, int]
    """Of every module, in the example that calls it most."""
    answers: str = ""
    """The tensors of what it answers, where that is more than one tensor."""

    def __str__(self) -> str:
        lines = [f"norms: {len(self.norms)}; places for more: {len(self.openings)}"]
        lines += [f"norm {norm}" for norm in self.norms]
        lines += [f"norm {p}: the example does not reach it" for p in self.unreached]
        lines += [f"place behind {o.path}: {o.slot}, {o.into}" for o in self.openings]
        lines += [f"answers: {self.answers}"] if self.answers else []
        return "\n".join(lines)
