"""A network of pytorchcv, unchanged, in a study and in the loop one writes by hand.

    pip install --no-deps --target build/zoo pytorchcv==0.0.74
    PYTHONPATH=build/zoo python benchmarks/plain_user.py

A folder of images of ten classes is made; `resnet20_cifar10` is studied on it as it
is, without norms and with group norm, from three seeds. Then every run is trained again
by a plain loop: the network of the package, converted by the verb, on the same batches.
Asked is that all losses and weights have the same bits, that normlab's step takes at
most 1.05 of the loop's, and that probes add at most 15 % to a run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import normlab
from normlab.base.digest import digest
from normlab.base.streams import numpy_stream, seeded
from normlab.data.batches import BatchStream
from normlab.data.dataset import Dataset
from normlab.data.feed import Feed
from normlab.data.load import load
from normlab.probes.registry import Measure, observers
from normlab.records.events import Steps
from normlab.spec.data import Data
from normlab.spec.plan import RunKey
from normlab.spec.recipe import Recipe
from normlab.train.run import Run
from normlab.train.run_config import RunConfig
from timing import (
    Block,
    append_json,
    interleaved,
    parser_for,
    pin,
    ratios,
    spread,
    table,
)

MODULE, FUNCTION = "pytorchcv.models.resnet_cifar", "resnet20_cifar10"
ARMS, CLASSES, BATCH, RATE = ("none", "as-is", "group"), 10, 64, 0.01
SURFACES = "surfaces.points=7", "surfaces.examples=256"  # a network of 41 MFLOP
STEP, PROBES = 1.05, 0.15
"""At most: of the loop's step, and of a run without probes."""


def images(folder: Path, count: int) -> None:
    """A folder per class: a pattern of its own in colour, moved about, and noise."""
    rng = numpy_stream(0, "plain user")
    patterns = rng.normal(0, 40, (CLASSES, 8, 8, 3)).repeat(4, 1).repeat(4, 2)
    for label, pattern in enumerate(patterns):
        home = folder / f"class-{label}"
        home.mkdir(parents=True)
        for number in range(count // CLASSES):
            moved = np.roll(pattern, rng.integers(-4, 5, 2), (0, 1))
            noisy = rng.normal(128 + moved, 40).clip(0, 255).astype("u1")
            Image.fromarray(noisy).save(home / f"{number}.png")


def network(arm: str, seed: int) -> nn.Module:
    """The network as the package makes it; of other arms, converted by the verb."""
    make = getattr(__import__(MODULE, fromlist=[FUNCTION]), FUNCTION)
    with seeded(seed, "init"):
        net = make(num_classes=CLASSES)
    if arm == "as-is":
        return net.train()
    return normlab.convert(net, arm, torch.randn(2, 3, 32, 32)).model.train()


class Loop:
    """What stands in everybody's script."""

    def __init__(self, net: nn.Module, x: Tensor, y: Tensor) -> None:
        self.net, self.x, self.y = net, x, y
        self.optimizer = torch.optim.SGD(net.parameters(), lr=RATE, momentum=0.9)
        self.losses: list[float] = []

    def step(self, chosen: Tensor) -> None:
        """Take one."""
        self.optimizer.zero_grad()
        loss = cross_entropy(self.net(self.x[chosen]), self.y[chosen])
        loss.backward()
        self.optimizer.step()
        self.losses.append(loss.item())


def batches(count: int) -> Iterator[Tensor]:
    return cycle(BatchStream(count, batch_size=BATCH, seed=0).epoch(1))


def engine(arm: str, config: RunConfig) -> Block:
    """Steps of normlab."""
    run, order = Run(network(arm, 0), config), batches(len(config.dataset.train))
    return lambda steps: run.advance([*islice(order, steps)])


def by_hand(arm: str, x: Tensor, y: Tensor) -> Block:
    """Steps of the loop."""
    loop, order = Loop(network(arm, 0), x, y), batches(len(x))
    return lambda steps: [*map(loop.step, islice(order, steps))]


def config_of(dataset: Dataset, epochs: int, arm: str) -> RunConfig:
    return RunConfig(
        key=RunKey(arm, RATE, 0),
        recipe=Recipe(epochs=epochs, batch_size=BATCH, rates=(RATE,)),
        dataset=dataset,
        device=torch.device("cpu"),
    )


def looked_at(
    arm: str, config: RunConfig, measure: Measure, way: Path
) -> Iterator[int]:
    """A run to its end, with a stop after each block of steps."""
    net = network(arm, 0)
    shared = [n for n, p in net.named_parameters() if p.dim() > 1]
    looking = observers(measure, net, config, shared=shared, snapshots=way)
    for event in Run(net, config, observers=looking).events():
        if isinstance(event, Steps):
            yield len(event.losses)


def share_of_probes(arm: str, config: RunConfig, folder: Path) -> float:
    """Processor time that probes add to a run, in parts of the run without."""
    seconds = {"full": 0.0, "none": 0.0}
    turns = {
        "full": looked_at(arm, config, "full", folder / arm),
        "none": looked_at(arm, config, "none", folder / arm),
    }
    while turns:
        for kind in list(turns):
            began = time.process_time()
            goes_on = next(turns[kind], None)
            seconds[kind] += time.process_time() - began
            if goes_on is None:
                del turns[kind]
    return seconds["full"] / seconds["none"] - 1


def main() -> int:
    parser = parser_for(__doc__)
    parser.add_argument("--images", type=int, default=2_000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--blocks", type=int, default=10)
    parser.add_argument("--measure", choices=("light", "full"), default="full")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--out", type=Path, help="where the study is, or goes")
    asked = parser.parse_args()
    with TemporaryDirectory() as place:
        folder = Path(place)
        images(folder / "images", asked.images)
        out = asked.out or folder / "study"
        began = time.perf_counter()
        if not (out / "study.db").exists():
            normlab.compare(
                model=f"{MODULE}:{FUNCTION}",
                data=str(folder / "images"),
                norm=ARMS,
                lr=RATE,
                batch_size=BATCH,
                seeds=3,
                epochs=asked.epochs,
                measure=asked.measure,
                workers=asked.workers,
                settings=[f"model.options.num_classes={CLASSES}", *SURFACES],
                out=out,
                quiet=True,
            )
        result = normlab.Result.open(out)
        whole = time.perf_counter() - began
        print(f"study of {len(result.record.runs)} runs: {whole:.0f} s")
        size = (out / "report.html").stat().st_size
        print(f"study of {len(result.record.runs)} runs: {whole:.0f} s")
        print(f"report of {size / 1e6:.1f} MB; figures: {len(result.figures())}")
        pin(0)
        torch.set_num_threads(1)
        dataset = load(Data(source=str(folder / "images")))
        feed = Feed(dataset.train, dataset.mean, dataset.std)
        x, y = feed.take(torch.arange(len(feed)))
        unequal = 0
        for run in result.record.runs:
            order = BatchStream(len(x), batch_size=BATCH, seed=run.key.seed)
            loop = Loop(network(run.key.arm, run.key.seed), x, y)
            for epoch in range(1, asked.epochs + 1):
                for chosen in order.epoch(epoch):
                    loop.step(chosen)
            kept = load_file(out / "arrays" / run.key.id / "network.safetensors")
            own = loop.net.state_dict()
            odd = [n for n in own if digest(own[n]) != digest(kept[n])]
            same = np.array(loop.losses, "f4").tobytes() == run.step_losses.tobytes()
            unequal += bool(odd) or not same or kept.keys() != own.keys()
            said = "equal" if same and not odd else f"UNEQUAL: losses {same}, {odd[:3]}"
            print(f"{run.key.id}: {len(loop.losses)} losses, {len(own)} tensors {said}")
        rows, figures = [], {}
        for arm in ARMS:
            config = config_of(dataset, asked.epochs, arm)
            seconds = interleaved(
                {
                    "normlab": engine(arm, config),
                    "loop": by_hand(arm, x, y),
                },
                blocks=asked.blocks,
                steps=3,
                clock="cpu",
            )
            step = ratios(seconds["normlab"], seconds["loop"])
            probes = share_of_probes(arm, config, folder / "way")
            figures[arm] = {"step": step, "probes": probes}
            rows.append([arm, spread(step), f"{probes:.1%}"])
        print(table(["", "step over the loop's", "probes over a run"], rows))
    append_json(asked.json, "plain_user", {"unequal": unequal, "arms": figures})
    over = any(
        np.median(one["step"]) > STEP or one["probes"] > PROBES
        for one in figures.values()
    )
    return 1 if unequal or over else 0


if __name__ == "__main__":
    sys.exit(main())
