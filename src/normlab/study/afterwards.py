"""What is measured of a run when all have ended, beside surfaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from normlab.base.hold import preserved
from normlab.base.streams import seeded
from normlab.base.taps import uncompiled
from normlab.errors import NormlabError
from normlab.probes.context import ProbeContext
from normlab.probes.curvature import BATCH, IMAGES, PRODUCTS, row_curvatures
from normlab.probes.hessian import is_once_only
from normlab.probes.sharpness import (
    CURVED,
    CURVED_BATCH,
    MAX_PRODUCTS,
    sharpness,
)
from normlab.probes.vectors import ratio
from normlab.records.events import Noted, Observed
from normlab.records.levels import level_loss
from normlab.records.observed.contract import ProbeArrays
from normlab.records.observed.curvature import CurvatureArrays
from normlab.records.observed.rises import RiseArrays
from normlab.records.observed.sharpness import SharpnessArrays
from normlab.spec.plan import RunKey
from normlab.study.jobs import JobContext
from normlab.study.messages import Tell
from normlab.train.checkpoint import network, network_lacks
from normlab.train.schedule import rate_at

RADII = (0.1, 0.3)
DIRECTIONS = 10
MOST = 10  # eigenvalues
# in losses of a surface, which are quickly measured: their first layer is prepared
PER_PRODUCT, PER_RISE = 20, 6
PER_EXAMPLE = 6  # of a step of training


@dataclass(frozen=True, kw_only=True)
class AfterwardsJob:
    """Measure one run; subclasses say what."""

    context: JobContext = field(repr=False)
    arrays: Path  # of the study
    run: RunKey
    probe: ClassVar[str]
    noun: ClassVar[str]

    @property
    def name(self) -> str:
        """Unique among what is measured when all runs have ended."""
        return f"{self.probe}-{self.run.id}"

    @property
    def label(self) -> str:
        """What it is called when something goes wrong."""
        return f"{self.probe} of {self.run.id}"

    def work(self, images: int) -> float:
        """What it costs with so many training images, in losses on a surface of one."""
        raise NotImplementedError

    def perform(self, tell: Tell) -> None:
        """Measure; one file of arrays, empty where it cannot be done, with a note."""
        found = self._nothing()
        # what the kept network lacks was told when it was kept
        if not network_lacks(self._folder / "network.safetensors"):
            try:
                found = self._measured()
            except NormlabError as refusal:
                why = str(refusal).rstrip(".")
                tell(Noted(text=f"the {self.noun} was not measured ({why})"))
        tell(Observed(probe=self.probe, arrays=found.packed()))

    @property
    def _folder(self) -> Path:
        return self.arrays / self.run.id

    def _measured(self) -> ProbeArrays:
        raise NotImplementedError

    def _nothing(self) -> ProbeArrays:
        raise NotImplementedError

    def _network(self, file: Path) -> torch.nn.Module:
        model = self.context.network(self.run.arm, self.run.seed)
        model.load_state_dict(network(file))
        return model.to(torch.device(self.context.device))

    @contextmanager
    def _looking(self, file: Path, step: int) -> Iterator[ProbeContext]:
        """A run as its network was after so many steps, for second derivatives.

        Raises:
            NormlabError: If it has none.
        """
        model = self._network(file)
        if not model.training:
            model.train()  # as a run does
        of = ProbeContext(
            model=model,
            config=self.context.run_config(self.run),
            shared=self.context.shared,
            snapshots=None,
        )
        address = (self.run.seed, self.probe, step)
        try:
            with preserved(model), seeded(*address), uncompiled():
                yield of
        except RuntimeError as error:
            if not is_once_only(error):
                raise
            raise NormlabError("the network cannot be differentiated twice") from None


@dataclass(frozen=True, kw_only=True)
class CurvatureJob(AfterwardsJob):
    """Curvatures around the networks that a run had at some levels of training loss."""

    levels: Mapping[int, int]  # to the step at which each was reached
    probe: ClassVar[str] = CurvatureArrays.probe
    noun: ClassVar[str] = "curvature"

    def work(self, images: int) -> float:
        """Each product as so many losses."""
        return PRODUCTS * min(images, IMAGES) * PER_PRODUCT * len(self.levels)

    def _measured(self) -> CurvatureArrays:
        return self._arrays(self.levels)

    def _nothing(self) -> CurvatureArrays:
        return self._arrays({})

    def _arrays(self, levels: Mapping[int, int]) -> CurvatureArrays:
        classes = len(self.context.dataset().classes)
        rows = [self._eigenvalues(step, classes) for step in levels.values()]
        return CurvatureArrays(
            steps=np.array([*levels.values()], np.int64),
            level=np.array([*levels], np.int64),
            loss=np.array([level_loss(one, classes) for one in levels], np.float64),
            eigenvalues=np.reshape(rows, (len(levels), min(classes, MOST))),
        )

    def _eigenvalues(self, step: int, classes: int) -> NDArray[np.float64]:
        file = self._folder / "levels" / f"step-{step}.safetensors"
        with self._looking(file, step) as of:
            found = row_curvatures(
                of.model,
                of.batches(IMAGES, BATCH, "curvature images"),
                loss=self.context.loss,
                weights=self.context.shared_weights(of.model),
                seed=self.run.seed,
            )
        largest = found[: min(classes, MOST)]
        return np.pad(
            largest, (0, min(classes, MOST) - len(largest)), constant_values=np.nan
        )


@dataclass(frozen=True, kw_only=True)
class SharpnessJob(AfterwardsJob):
    """The largest curvature after epoch 1 and at the end, for SGD alone."""

    networks: Mapping[int, Path]  # by the steps taken when each was kept
    probe: ClassVar[str] = SharpnessArrays.probe
    noun: ClassVar[str] = "sharpness"

    def work(self, images: int) -> float:
        """Each product as so many losses."""
        return MAX_PRODUCTS * min(images, CURVED) * PER_PRODUCT * len(self.networks)

    def _measured(self) -> SharpnessArrays:
        return _sharp({step: self._row(step) for step in self.networks})

    def _nothing(self) -> SharpnessArrays:
        return _sharp({})

    def _row(self, step: int) -> tuple[float, float, float]:
        with self._looking(self.networks[step], step) as of:
            value = sharpness(
                of.model,
                of.batches(CURVED, CURVED_BATCH, "sharpness images"),
                loss=self.context.loss,
                seed=self.run.seed,
            )
        recipe, epoch = of.config.recipe, of.length.steps_per_epoch
        rate = rate_at(recipe, self.run.rate, step=step, steps_per_epoch=epoch)
        return value, ratio(2, rate), ratio(2 + 2 * recipe.momentum, rate)


@dataclass(frozen=True, kw_only=True)
class RisesJob(AfterwardsJob):
    """The loss at random places around the end of a run."""

    step: int  # the last one
    probe: ClassVar[str] = RiseArrays.probe
    noun: ClassVar[str] = "loss rise"

    def work(self, images: int) -> float:
        """Each place as so many losses."""
        return DIRECTIONS * len(RADII) * 2 * min(images, IMAGES) * PER_RISE

    def _measured(self) -> RiseArrays:
        # slow to load, and needed by none who only hands the job on
        from normlab.landscape.rises import loss_rises

        data = self.context.dataset()
        size = min(BATCH, len(data.train))
        loss, rise = loss_rises(
            self._network(self._folder / "network.safetensors"),
            data,
            radii=RADII,
            directions=DIRECTIONS,
            examples=min(IMAGES, len(data.train)) // size * size,
            batch_size=size,
            loss=self.context.loss,
            seed=self.run.seed,
        )
        return _risen([self.step], [loss], rise[None])

    def _nothing(self) -> RiseArrays:
        return _risen([], [], np.empty((0, DIRECTIONS, len(RADII), 2)))


def _sharp(rows: Mapping[int, tuple[float, float, float]]) -> SharpnessArrays:
    columns = np.array([*rows.values()], np.float64).reshape(-1, 3).T
    steps = np.array([*rows], np.int64)
    return SharpnessArrays(
        steps=steps, eigenvalue=columns[0], limit=columns[1], momentum_limit=columns[2]
    )


def _risen(
    steps: list[int], losses: list[float], rise: NDArray[np.float64]
) -> RiseArrays:
    return RiseArrays(
        steps=np.array(steps, np.int64),
        loss=np.array(losses, np.float64),
        radii=np.array(RADII),
        rise=rise,
    )
