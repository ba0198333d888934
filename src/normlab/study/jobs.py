"""What a worker can be asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from normlab.base.hold import preserved
from normlab.data.dataset import Dataset, Reread, open_dataset
from normlab.data.feed import Feed
from normlab.probes.registry import observers
from normlab.records.events import Diverged, EpochDone, Finished, Noted, Started
from normlab.spec.plan import RunKey
from normlab.spec.study import StudySpec
from normlab.study.messages import Tell
from normlab.study.source import NetworkSource
from normlab.study.twins import start_digest, twin
from normlab.train import checkpoint
from normlab.train.descent import OptimizerFactory
from normlab.train.evaluate import Loss, answer_alike
from normlab.train.evaluator import COMPARED
from normlab.train.run import Run
from normlab.train.run_config import RunConfig
from normlab.train.step_state import Observer

_LACKS = (
    "what the network says depends on more than parameters and buffers ({}), which "
    "network.safetensors does not hold, so that no surface and no curvature is measured"
)
FIRST_EPOCH = Path("epochs", "epoch-1.safetensors")
"""Where a run keeps its network as it was then, until its sharpness is measured."""


@dataclass(frozen=True, kw_only=True)
class JobContext:
    """What all jobs of a study share, in a form that can travel."""

    spec: StudySpec
    source: NetworkSource
    data: Path  # a folder written by Dataset.save
    live: Reread | None
    shared: tuple[str, ...]  # tensors that all arms have
    device: str
    loss: Loss = cross_entropy
    optimizer: OptimizerFactory | None = None

    def dataset(self) -> Dataset:
        """The data, mapped into memory: one copy for all workers."""
        return _opened(self.data, self.live)

    def run_config(self, key: RunKey) -> RunConfig:
        """What the run `key` is trained on, and how."""
        return RunConfig(
            key=key,
            recipe=self.spec.recipe,
            dataset=self.dataset(),
            device=torch.device(self.device),
            loss=self.loss,
            optimizer=self.optimizer,
        )

    def network(self, arm: str, seed: int) -> torch.nn.Module:
        """The network of `arm` at step 0 of `seed`."""
        dataset = self.dataset()
        return twin(
            self.source,
            next(a for a in self.spec.arms if a.name == arm),
            self.spec.baseline,
            seed=seed,
            shape=dataset.shape,
            classes=len(dataset.classes),
            shared=self.shared,
        )

    def shared_weights(self, model: torch.nn.Module) -> list[str]:
        """Tensors of two and more axes that all arms have, by their names."""
        own = dict(model.named_parameters())
        return [n for n in self.shared if n in own and own[n].ndim > 1]


@lru_cache(maxsize=1)
def _opened(folder: Path, live: Reread | None) -> Dataset:
    return open_dataset(folder, live=live)


class Job(Protocol):
    """Something that a worker does, telling about it event by event."""

    @property
    def label(self) -> str:
        """What it is called when something goes wrong."""
        ...

    def perform(self, tell: Tell) -> None:
        """Do it, and tell what happens when it happens."""
        ...


@dataclass(frozen=True, kw_only=True)
class TrainJob:
    """Train one run, from its last checkpoint if there is one."""

    key: RunKey
    context: JobContext = field(repr=False)
    checkpoints: Path
    network: Path  # where the trained network is kept
    start: int = 0  # epochs that an earlier attempt finished

    @property
    def label(self) -> str:
        """What it is called when something goes wrong."""
        return self.key.id

    def perform(self, tell: Tell) -> None:
        """Train; keep a checkpoint after each epoch, and the network at the end."""
        model = self.context.network(self.key.arm, self.key.seed)
        init_digest, digests = start_digest(model, self.context.shared)
        tell(
            Started(
                parameters=sum(p.numel() for p in model.parameters()),
                init_digest=init_digest,
                tensor_digests=digests,
            )
        )
        start = checkpoint.load(self.checkpoints, self.start) if self.start else None
        config = self.context.run_config(self.key)
        run = Run(model, config, observers=self._observers(model, config), start=start)
        for event in run.events():
            if isinstance(event, Finished | Diverged):
                lacks = self._lacks(run, model, config)
                if lacks:
                    tell(Noted(text=_LACKS.format(", ".join(lacks))))
                checkpoint.save_network(model, self.network, lacks=lacks)
            tell(event)
            if isinstance(event, EpochDone):
                if event.epoch == 1 and self.context.spec.measures_sharpness:
                    checkpoint.save_network(model, self.network.parent / FIRST_EPOCH)
                checkpoint.save(run.checkpoint(), self.checkpoints)

    def _lacks(self, run: Run, model: nn.Module, config: RunConfig) -> list[str]:
        """What the network depends on that its parameters and buffers do not say."""
        beside = run.beside()
        if not beside:
            return []
        alone = self.context.network(self.key.arm, self.key.seed).to(config.device)
        alone.load_state_dict(model.state_dict())
        part, mean, std = config.dataset.test, config.dataset.mean, config.dataset.std
        few = part.chosen(np.arange(min(COMPARED, len(part))))
        inputs, _ = Feed(few, mean, std, config.device).take(torch.arange(len(few)))
        with preserved(model):
            return [] if answer_alike(model, alone, inputs) else beside

    def _observers(self, model: torch.nn.Module, config: RunConfig) -> list[Observer]:
        spec = self.context.spec
        # snapshots are large: only where surfaces are made of them
        surfaces = self.key.seed in spec.seeds_with_surfaces
        return observers(
            spec.measure,
            model,
            config,
            shared=self.context.shared,
            snapshots=self.network.parent / "path" if surfaces else None,
            levels=self.network.parent / "levels",
        )
