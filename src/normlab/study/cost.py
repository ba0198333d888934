"""What normalisation costs: seconds per step, and per image at inference.

It is taken after training, alone, in one process, with the arms interleaved: block
by block every arm takes the same number of steps, so that a machine that becomes
slower becomes slower for all. The ratio of a block is one arm's seconds over the
baseline's, side by side; the interval resamples whole blocks. However long that would
take, it is a small share of the training: of a short study fewer steps are timed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from normlab.base.streams import numpy_stream, seeded
from normlab.data.batches import BatchStream
from normlab.data.feed import Feed
from normlab.errors import NormlabError
from normlab.spec.plan import RunKey
from normlab.spec.study import StudySpec
from normlab.study.jobs import JobContext
from normlab.study.messages import Measured, Share, Tell
from normlab.study.under_way import EVERY
from normlab.surgery.fold import fold
from normlab.train.evaluate import inference
from normlab.train.run import Run

BLOCKS = 20
STEPS = 50  # of a block
FEWEST_BLOCKS = 10  # of one step, for an interval
SHARE = 0.05  # of the steps that training takes, at most, from the fewest on
IMAGES = 512  # of the test part, at inference, if it has as many
RESAMPLES = 2_000


@dataclass(frozen=True, kw_only=True)
class CostJob:
    """Time every arm of a study against its baseline."""

    context: JobContext = field(repr=False)
    steps_per_epoch: int

    @property
    def label(self) -> str:
        """What it is called when something goes wrong."""
        return "the measurement of cost"

    def perform(self, tell: Tell) -> None:
        """Measure; how far it is now and then, and one event."""
        blocks, steps = extent(self.context.spec, self.steps_per_epoch)
        tell_at = perf_counter() + EVERY

        def told(share: float) -> None:
            nonlocal tell_at
            if perf_counter() >= tell_at:
                tell(Share(share))
                tell_at = perf_counter() + EVERY

        value = measure_cost(self.context, blocks=blocks, steps=steps, told=told)
        tell(Measured(name="cost", value=value))


def extent(spec: StudySpec, steps_per_epoch: int) -> tuple[int, int]:
    """Blocks, and steps of a block, that are timed of every arm of a study."""
    runs = len(spec.seeds) * len(spec.recipe.rates)
    return share_of(runs * spec.recipe.epochs * steps_per_epoch)


def share_of(trained: int) -> tuple[int, int]:
    """The same by the steps that an arm is trained for, the warm-up counted in.

    Example:
        >>> share_of(23_450), share_of(2_000), share_of(20)
        ((20, 50), (20, 4), (10, 1))
    """
    budget = int(trained * SHARE)
    blocks = min(max(budget - 1, FEWEST_BLOCKS), BLOCKS)
    return blocks, min(max(budget // (blocks + 1), 1), STEPS)


def measure_cost(
    context: JobContext,
    *,
    blocks: int = BLOCKS,
    steps: int = STEPS,
    told: Callable[[float], None] = lambda _: None,
) -> dict[str, Any]:
    """Seconds per step and per image of every arm, and their ratios.

    Args:
        context: The study; its first seed and rate are taken.
        blocks: Times that every arm takes its turn.
        steps: Steps of one turn.
        told: Is told which share of the steps is done.

    Returns:
        JSON-able: `blocks`, `steps`, `images`, and under `arms` by name `parameters`,
        `seconds_per_step` (median over blocks), `ratio` to the baseline (median of
        the blocks' ratios) with `interval` (95 %, block bootstrap),
        `inference_seconds` (for one batch of `images`) and the same `folded`, where
        batch norm can be folded, else null.
    """
    spec = context.spec
    arms = [arm.name for arm in spec.arms]
    networks = {arm: context.network(arm, spec.seeds[0]) for arm in arms}
    seconds = _step_seconds(context, networks, blocks=blocks, steps=steps, told=told)
    inputs = _images(context)
    # new ones: what a trained network keeps of its last step may not be copied
    fresh = {arm: context.network(arm, spec.seeds[0]).to(inputs.device) for arm in arms}
    base = seconds[:, arms.index(spec.baseline.name)]
    return {
        "baseline": spec.baseline.name,
        "blocks": blocks,
        "steps": steps,
        "images": len(inputs),
        "arms": {
            arm: {
                "parameters": sum(p.numel() for p in network.parameters()),
                "seconds_per_step": float(np.median(seconds[:, i]) / steps),
                "ratio": float(np.median(seconds[:, i] / base)),
                "interval": block_interval(seconds[:, i] / base),
                **_inference_seconds(fresh[arm], inputs, blocks=blocks),
            }
            for i, (arm, network) in enumerate(networks.items())
        },
    }


def block_interval(ratios: NDArray[np.float64]) -> list[float]:
    """95 % percentile interval of the median ratio, blocks resampled whole.

    Example:
        >>> block_interval(np.full(20, 1.25))
        [1.25, 1.25]
    """
    draws = numpy_stream(0, "cost").integers(len(ratios), size=(RESAMPLES, len(ratios)))
    medians = np.median(ratios[draws], axis=1)
    return [float(bound) for bound in np.quantile(medians, (0.025, 0.975))]


def _step_seconds(
    context: JobContext,
    networks: Mapping[str, nn.Module],
    *,
    blocks: int,
    steps: int,
    told: Callable[[float], None],
) -> NDArray[np.float64]:
    """Seconds of each turn, of shape (blocks, arms)."""
    spec, dataset = context.spec, context.dataset()
    keys = [RunKey(arm, spec.recipe.rates[0], spec.seeds[0]) for arm in networks]
    runs = [Run(networks[key.arm], context.run_config(key)) for key in keys]
    order = BatchStream(
        len(dataset.train),
        batch_size=spec.recipe.batch_size,
        seed=spec.seeds[0],
        last_batch="drop" if spec.recipe.batch_size <= len(dataset.train) else "keep",
    ).epoch(1)
    batches = cycle(order)
    seconds = np.empty((blocks, len(runs)))
    with seeded(spec.seeds[0], "cost"):
        for block in range(-1, blocks):  # the first turn warms up
            turn = list(islice(batches, steps))
            for i, run in enumerate(runs):
                _, seconds[block, i] = run.advance(turn)
            told((block + 2) / (blocks + 1))
    return seconds


def _images(context: JobContext) -> Tensor:
    """Test images to classify at once."""
    dataset = context.dataset()
    feed = Feed(dataset.test, dataset.mean, dataset.std, torch.device(context.device))
    return feed.take(torch.arange(min(IMAGES, len(feed))))[0]


def _inference_seconds(
    network: nn.Module, inputs: Tensor, *, blocks: int
) -> dict[str, float | None]:
    networks = [network, *_folded(network, inputs[:2])]
    medians = [float(m) for m in np.median(_forward(networks, inputs, blocks), axis=0)]
    return {
        "inference_seconds": medians[0],
        "folded_inference_seconds": medians[1] if len(medians) > 1 else None,
    }


def _folded(network: nn.Module, example: Tensor) -> list[nn.Module]:
    """The network with its batch norms folded, if there are any and it can be done."""
    try:
        with inference(network), torch.no_grad():
            folded, report = fold(network, example)
    except NormlabError:
        return []
    return [folded] if report.done else []


def _forward(
    networks: Sequence[nn.Module], inputs: torch.Tensor, blocks: int
) -> NDArray[np.float64]:
    """Seconds of one forward pass, of shape (blocks, networks), interleaved."""
    seconds = np.empty((blocks, len(networks)))
    with torch.no_grad():
        for block in range(-1, blocks):
            for i, network in enumerate(networks):
                with inference(network):
                    began = perf_counter()
                    network(inputs).sum().item()
                    seconds[block, i] = perf_counter() - began
    return seconds
