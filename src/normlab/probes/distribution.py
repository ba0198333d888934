"""What is kept of the values that pass one place: moments and quantiles."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from normlab.base.reals import real
from normlab.base.streams import stream
from normlab.probes.tally import Tally

PERCENTILES = (15, 50, 85)  # Ioffe & Szegedy 2015, Figure 1
MAX_POOLED = 2**18  # values that percentiles over all units are taken from


@dataclass(frozen=True)
class Values:
    """Values by unit: shape `(images, units, positions)`; positions 1 for vectors."""

    by_unit: Tensor
    seed: int

    @classmethod
    def of(cls, flowing: Tensor, *, axis: int, seed: int) -> Values:
        """Bring what flows at a place into this shape.

        Args:
            flowing: `(images, ...)`.
            axis: Which of its axes holds the units.
            seed: Of the streams that choose a unit and positions.
        """
        x = real(flowing.detach()).movedim(axis, 1)
        return cls(x.reshape(len(x), x.shape[1], -1), seed)

    @property
    def units(self) -> int:
        """How many there are."""
        return self.by_unit.shape[1]

    @property
    def chosen_unit(self) -> int:
        """One unit, the same one wherever there are as many units."""
        return int(torch.randint(self.units, (), generator=stream(self.seed, "unit")))

    def unit(self, index: int) -> Tensor:
        """One unit's value for every image, at one position, shape `(images,)`."""
        return self.by_unit[:, index, int(self._positions()[index])]

    def features(self, units: Tensor) -> Tensor:
        """Some units' values, each at one position, shape `(units, images)`."""
        where, device = self._positions()[units], self.by_unit.device
        return self.by_unit[:, units.to(device), where.to(device)].T

    def _positions(self) -> Tensor:
        """The position that is looked at in each unit, shape `(units,)`."""
        draws = stream(self.seed, "position")
        return torch.randint(self.by_unit.shape[2], (self.units,), generator=draws)

    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (divided by n) of every unit."""
        x = self.by_unit
        mean = x.mean(dim=(0, 2))
        # in two passes: torch.var walks along the first axis ten times slower
        variance = (x - mean[:, None]).square_().mean(dim=(0, 2))
        return mean, variance.sqrt_()

    @property
    def single(self) -> Tensor:
        """The chosen unit's value for every image, at one position."""
        return self.unit(self.chosen_unit)

    def pooled(self) -> Tensor:
        """Values of all units; of large images at a few chosen positions."""
        images, units, positions = self.by_unit.shape
        kept = max(1, MAX_POOLED // (images * units))
        x = self.by_unit
        if kept < positions:
            order = torch.randperm(positions, generator=stream(self.seed, "positions"))
            x = x[:, :, order[:kept].to(x.device)]
        return x


def percentiles(values: Tensor) -> Tensor:
    """The 15th, 50th and 85th percentile of all values.

    Example:
        >>> percentiles(torch.arange(101.0))
        tensor([15., 50., 85.])
    """
    tally = Tally(values.float().cpu().numpy().ravel())
    return torch.tensor([tally.percentile(percent) for percent in PERCENTILES])
