"""`normlab recalibrate`: running statistics anew, for weights as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from normlab.cli import options
from normlab.terminal.printing import say

if TYPE_CHECKING:
    from torch import Tensor

    from normlab.data.dataset import Dataset


def recalibrate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE.py:FACTORY",
            help="A network, or a function of your own that returns one. "
            "The file is executed.",
            show_default=False,
        ),
    ],
    weights: Annotated[
        Path,
        typer.Option(
            "--weights",
            metavar="FILE",
            help="Its weights: .safetensors, or a state_dict as .pt or .pth.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Where the weights go with their new statistics (.safetensors).",
            show_default=False,
        ),
    ],
    data: options.Data = None,
    norm: Annotated[
        str | None,
        typer.Option(
            "--norm",
            metavar="NAME",
            help="Given to a function that needs a norm [default: batch].",
        ),
    ] = None,
    batch_size: Annotated[
        int, typer.Option("--batch-size", metavar="N", min=1, help="Images per batch.")
    ] = 64,
    batches: Annotated[
        int | None,
        typer.Option(
            "--batches", metavar="N", help="Batches at most [default: all images]."
        ),
    ] = None,
    model_option: options.ModelOption = None,
    layerwise: Annotated[
        bool,
        typer.Option(
            "--layerwise",
            help="A pass for each norm, with those before it as they will be at "
            "inference.",
        ),
    ] = False,
    force: options.Force = False,
) -> int:
    """Set the running statistics of norms to those of the training images.

    Example: normlab recalibrate net.py:make --weights net.pt --data mnist
    -o new.safetensors
    """
    from normlab.cli.given import model_options
    from normlab.data.load import load
    from normlab.disk.output import refuse_to_replace
    from normlab.landscape.from_files import built_network
    from normlab.landscape.planes.networks import state_of
    from normlab.landscape.planes.weights import load_weights
    from normlab.spec.data import Data
    from normlab.surgery.recalibrate import recalibrate as statistics_anew
    from normlab.train.checkpoint import save_network

    refuse_to_replace(output, ".safetensors", force=force)
    chosen = model_options(model_option)
    state = state_of(str(weights), weights.expanduser())
    dataset = load(Data(source=data or "mnist"))
    if ":" in model:
        file, _, function = model.rpartition(":")
        say(f"executing {file} (function {function})")
    network = built_network(model, norm, dataset, seed=0, options=chosen)
    load_weights(network, state, where=str(weights))
    new, report = statistics_anew(
        network,
        _Images(dataset, batch_size),
        batches=batches,
        layerwise=layerwise,
    )
    save_network(new, output)
    say(str(report))
    say(f"data: training part of {dataset.name}")
    say(f"written to {output}")
    return 0


class _Images:
    """The training images in batches, as often as they are asked for.

    They are shuffled once: of sorted images a batch would hold one class alone.
    """

    def __init__(self, dataset: Dataset, batch_size: int) -> None:
        import torch

        from normlab.base.streams import stream
        from normlab.data.feed import Feed

        self._feed = Feed(dataset.train, dataset.mean, dataset.std)
        order = torch.randperm(len(self._feed), generator=stream("recalibrate"))
        self._parts = order.tensor_split(max(1, -(-len(order) // batch_size)))

    def __iter__(self) -> Iterator[Tensor]:
        return (self._feed.take(part)[0] for part in self._parts)
