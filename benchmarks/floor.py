"""How near a training step comes to its floor, on one thread and one pinned core.

The floor of a step of the article's network is what no way of writing it can avoid:
its eight matrix products (three forward, three weight gradients, two input gradients)
into preallocated outputs, and one fused pass over the parameters. Against it:

* `plain`: the loop as anybody would write it, with `torch.optim.SGD`, from tensors
  that are in memory;
* `normlab`: the engine, `Run.advance`, feeding included;
* `jax`: an epoch's loop compiled as one (only if jax can be imported).

All take turns in short blocks. Each ratio is formed within one round; printed are its
median and quartiles. Memory is kept as workers keep it. `--copies 2` does the same in
two processes at once, one on each core, which is how a study runs. On a machine with
other work, `--clock cpu` counts only the processor time of the benchmark itself.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from statistics import median

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from article_script import in_memory, network, read_part
from timing import (
    CLOCKS,
    Block,
    append_json,
    interleaved,
    live_as_workers_do,
    parser_for,
    pin,
    ratios,
    spread,
    table,
)

WIDTHS = ((784, 512), (512, 256), (256, 10))
BATCH = 64
ARMS = ("none", "batch")
TARGETS = {"normlab none": 1.25, "normlab batch": 1.42}


def floor() -> Block:
    """The eight products and the fused pass."""
    weights = [torch.randn(o, i) for i, o in WIDTHS]
    inputs = [torch.randn(BATCH, i) for i, _ in WIDTHS]
    outputs = [torch.empty(BATCH, o) for _, o in WIDTHS]
    output_gradients = [torch.randn(BATCH, o) for _, o in WIDTHS]
    input_gradients = [torch.empty(BATCH, i) for i, _ in WIDTHS]
    weight_gradients = [torch.zeros_like(w) for w in weights]
    biases = [torch.zeros(o) for _, o in WIDTHS]
    parameters = [*weights, *biases]
    gradients = [*weight_gradients, *(torch.zeros_like(b) for b in biases)]
    buffers = [torch.zeros_like(p) for p in parameters]

    def step() -> None:
        for x, w, y in zip(inputs, weights, outputs, strict=True):
            torch.mm(x, w.t(), out=y)
        for layer in (2, 1, 0):
            gradient = output_gradients[layer]
            torch.mm(gradient.t(), inputs[layer], out=weight_gradients[layer])
            if layer:
                torch.mm(gradient, weights[layer], out=input_gradients[layer])
        # a tiny rate: the numbers must stay finite however long this goes on
        torch._fused_sgd_(  # pyright: ignore[reportPrivateImportUsage]
            parameters,
            gradients,
            buffers,
            weight_decay=0.0,
            momentum=0.9,
            lr=1e-9,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            is_first_step=False,
        )

    return _repeated(step)


def plain(arm: str) -> Block:
    """The straightforward loop."""
    images, labels = in_memory(*read_part("train")).tensors
    images = images.reshape(len(images), -1)
    model, order = network(arm), batches(len(images))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def step() -> None:
        chosen = next(order)
        optimizer.zero_grad()
        loss = cross_entropy(model(images[chosen]), labels[chosen])
        loss.backward()
        optimizer.step()
        loss.item()

    return _repeated(step)


def compiled(arm: str) -> Block:
    """The steps of one block as one compiled jax loop."""
    from jax_loop import jax_loop

    images, labels = in_memory(*read_part("train")).tensors
    flat = images.reshape(len(images), -1).numpy()
    order = batches(len(images))
    run = jax_loop(arm, flat, labels.numpy(), WIDTHS)

    def block(steps: int) -> None:
        run(torch.stack([*itertools.islice(order, steps)]).numpy())

    return block


def normlab(arm: str) -> Block:
    """The engine of normlab, as its workers use it."""
    from normlab.data.load import load
    from normlab.spec.arms import Arm
    from normlab.spec.data import Data
    from normlab.spec.model import Model
    from normlab.spec.plan import RunKey
    from normlab.spec.recipe import Recipe
    from normlab.study.source import BuiltIn
    from normlab.study.twins import build_arm
    from normlab.train.run import Run
    from normlab.train.run_config import RunConfig

    dataset = load(Data())
    model = build_arm(
        BuiltIn(Model()),
        Arm(name=arm, norm=arm),
        seed=0,
        shape=dataset.shape,
        classes=10,
    )
    key = RunKey(arm=arm, rate=0.01, seed=0)
    config = RunConfig(
        key=key, recipe=Recipe(), dataset=dataset, device=torch.device("cpu")
    )
    run, order = Run(model, config), batches(len(dataset.train))

    def block(steps: int) -> None:
        run.advance([*itertools.islice(order, steps)])

    return block


def _repeated(step: Callable[[], None]) -> Block:
    def block(steps: int) -> None:
        for _ in range(steps):
            step()

    return block


def batches(count: int) -> Iterator[Tensor]:
    """Whole batches in shuffled order, epoch after epoch without end."""
    while True:
        for chosen in torch.randperm(count).split(BATCH):
            if len(chosen) == BATCH:
                yield chosen


def contestants(peers: str) -> dict[str, Block]:
    """The floor and the peers named, each with both arms."""
    makers = {"plain": plain, "normlab": normlab, "jax": compiled}
    chosen = [peer for peer in peers.split(",") if peer]
    if "jax" in chosen and importlib.util.find_spec("jax") is None:
        print("jax cannot be imported: left out")
        chosen.remove("jax")
    blocks = {f"{peer} {arm}": makers[peer](arm) for peer in chosen for arm in ARMS}
    return {"floor": floor(), **blocks}


def measure(given: argparse.Namespace) -> dict[str, list[float]]:
    """Seconds per step in each round, in this process, on core `given.core`."""
    pin(given.core)
    torch.set_num_threads(1)
    return interleaved(
        contestants(given.peers),
        blocks=given.blocks,
        steps=given.steps,
        clock=given.clock,
    )


def measure_copies(copies: int) -> list[dict[str, list[float]]]:
    """The same in several processes at once, one on each core."""
    command = [sys.executable, __file__, *sys.argv[1:], "--raw", "--core"]
    # XLA's own thread pool must not reach over to the other core
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    running = [
        subprocess.Popen(
            [*command, str(core)], env=environment, stdout=subprocess.PIPE, text=True
        )
        for core in range(copies)
    ]
    printed = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        sys.exit("one of the copies failed; see above")
    return [json.loads(text.splitlines()[-1]) for text in printed]


def show(taken: list[dict[str, list[float]]]) -> dict[str, object]:
    """Print the table; the rounds of all copies count alike."""
    figures: dict[str, object] = {}
    rows = []
    for name in taken[0]:
        seconds = [s for copy in taken for s in copy[name]]
        over = [r for copy in taken for r in ratios(copy[name], copy["floor"])]
        target = f"{TARGETS[name]:.2f}" if name in TARGETS else ""
        rows.append((name, f"{median(seconds) * 1e3:.3f}", spread(over), target))
        figures[name] = {"milliseconds": median(seconds) * 1e3, "ratio": median(over)}
    print(table(("step", "ms", "over the floor", "at most"), rows))
    return figures


def main() -> None:
    """Measure and print."""
    parser = parser_for(__doc__)
    parser.add_argument("--blocks", type=int, default=60, help="rounds")
    parser.add_argument("--steps", type=int, default=20, help="steps in a block")
    parser.add_argument("--peers", default="plain,normlab,jax")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--copies", type=int, default=1, help="processes at once")
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--raw", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    live_as_workers_do()
    if given.raw:
        print(json.dumps(measure(given)))
        return
    alone = given.copies == 1
    figures = show([measure(given)] if alone else measure_copies(given.copies))
    append_json(given.json, "floor", {"copies": given.copies, **figures})


if __name__ == "__main__":
    main()
