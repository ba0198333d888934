"""`normlab inspect`, `fold`, `convert`, `insert`: a network of a user's as it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from normlab.cli import options
from normlab.errors import BadModel, BadSetting
from normlab.spec.names import known
from normlab.spec.norms import FAMILIES
from normlab.terminal.printing import say

if TYPE_CHECKING:
    from torch import Tensor, nn

    from normlab.surgery.report import Operated

_EXAMPLES = 8  # of --data

_Model = Annotated[
    str,
    typer.Argument(
        metavar="NAME|FILE.py:FACTORY",
        help="A network, or a function of your own that returns one. "
        "The file is executed.",
        show_default=False,
    ),
]
_Weights = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        metavar="FILE",
        help="Its weights: .safetensors, or a state_dict as .pt or .pth [default: as "
        "it starts].",
    ),
]
_Example = Annotated[
    str | None,
    typer.Option(
        "--example",
        metavar="2,3,32,32",
        help="Shape of a batch of random numbers to run it on, in place of --data.",
    ),
]
_Norm = Annotated[
    str | None,
    typer.Option(
        "--norm",
        metavar="NAME",
        help="Given to a function that needs a norm [default: batch].",
    ),
]
_Output = Annotated[
    Path,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="Where the new network goes (.safetensors).",
        show_default=False,
    ),
]
_To = Annotated[
    str,
    typer.Option(
        "--to",
        metavar="NAME",
        help=f"{', '.join(FAMILIES)} or sync; with options: 'group(groups=4)'.",
        show_default=False,
    ),
]


def inspect(
    model: _Model,
    weights: _Weights = None,
    data: options.Data = None,
    example: _Example = None,
    norm: _Norm = None,
    model_option: options.ModelOption = None,
) -> int:
    """Say what there is in a network: its norms, what feeds them, places for more.

    Example: normlab inspect net.py:make --example 2,3,32,32
    """
    from normlab.surgery.chart import chart

    network, batch = _given(model, weights, data, example, norm, model_option)
    say(str(chart(network, batch)))
    return 0


def fold(
    model: _Model,
    output: _Output,
    weights: _Weights = None,
    data: options.Data = None,
    example: _Example = None,
    norm: _Norm = None,
    model_option: options.ModelOption = None,
    force: options.Force = False,
) -> int:
    """Merge norms into the layers beside them, for inference.

    Example: normlab fold net.py:make --weights net.pt --data mnist -o lean.safetensors
    """
    from normlab.surgery.fold import fold as folded
    from normlab.surgery.speed import speed

    _refuse(output, force=force)
    network, batch = _given(model, weights, data, example, norm, model_option)
    operated = folded(network, batch)
    _written(operated, output)
    say(speed(network, operated.model, batch))
    return 0


def convert(
    model: _Model,
    output: _Output,
    to: _To,
    weights: _Weights = None,
    data: options.Data = None,
    example: _Example = None,
    norm: _Norm = None,
    model_option: options.ModelOption = None,
    force: options.Force = False,
) -> int:
    """Put another norm in the place of each that a network has.

    Example: normlab convert net.py:make --to group --example 2,3,32,32
    -o new.safetensors
    """
    from normlab.surgery.convert import convert as converted

    _refuse(output, force=force)
    name, asked = _named(to)
    network, batch = _given(model, weights, data, example, norm, model_option)
    _written(converted(network, name, batch, **asked), output, asked)
    return 0


def insert(
    model: _Model,
    output: _Output,
    to: _To,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="PATTERN",
            help="Layers by their paths, e.g. 'encoder.*'; repeatable [default: all].",
        ),
    ] = None,
    weights: _Weights = None,
    data: options.Data = None,
    example: _Example = None,
    norm: _Norm = None,
    model_option: options.ModelOption = None,
    force: options.Force = False,
) -> int:
    """Put norms between the layers and the nonlinearities of a network.

    Example: normlab insert net.py:make --to batch --example 2,3,32,32
    -o new.safetensors
    """
    from normlab.surgery.insert import insert as inserted

    _refuse(output, force=force)
    name, asked = _named(to)
    network, batch = _given(model, weights, data, example, norm, model_option)
    _written(inserted(network, name, batch, where=where or "*", **asked), output, asked)
    return 0


def _refuse(output: Path, *, force: bool) -> None:
    from normlab.disk.output import refuse_to_replace

    if output.suffix != ".safetensors":
        raise BadSetting(f"-o {output} is no .safetensors file. Name one.")
    refuse_to_replace(output, ".safetensors", force=force)


def _named(to: str) -> tuple[str, dict[str, Any]]:
    """A norm as it is typed, e.g. `group(groups=4)`."""
    from normlab.spec.settings import parse_norms

    if to == "sync":
        return to, {}
    name = to.partition("(")[0].strip()
    if name not in FAMILIES:
        raise BadSetting(
            f"--to={to} is no norm. {known((*FAMILIES, 'sync'), instead_of=name)}"
        )
    try:
        arms = parse_norms(to)
    except BadSetting as refused:
        # it names the keys of a study
        why = re.sub(r"^arms\.(norm=\S+ |options\.)", "", str(refused))
        raise BadSetting(f"--to={to}: {why}") from None
    if len(arms) != 1:
        raise BadSetting(f"--to={to} names {len(arms)} norms. Name one.")
    given = arms[0].options.model_dump(exclude_unset=True)
    return arms[0].norm, {name: one for name, one in given.items() if one is not None}


def _given(
    address: str,
    weights: Path | None,
    data: str | None,
    example: str | None,
    norm: str | None,
    keywords: list[str] | None,
) -> tuple[nn.Module, Tensor]:
    """The network with its weights, and a batch for it."""
    import torch

    from normlab.cli.given import model_options
    from normlab.landscape.from_files import built_network
    from normlab.landscape.planes.networks import state_of
    from normlab.landscape.planes.weights import load_weights

    chosen = model_options(keywords)
    if (data is None) == (example is None):
        raise BadSetting(
            "the network must be run once: give --data, or the shape of a batch as "
            "--example 2,3,32,32."
        )
    if example is not None:
        batch, sized = _random(example)
    else:
        from normlab.data.feed import Feed
        from normlab.data.load import load
        from normlab.spec.data import Data

        sized = load(Data(source=str(data)))
        feed = Feed(sized.test, sized.mean, sized.std)
        batch = feed.take(torch.arange(min(_EXAMPLES, len(feed))))[0]
    state = state_of(str(weights), weights.expanduser()) if weights else None
    if ":" in address:
        file, _, function = address.rpartition(":")
        say(f"executing {file} (function {function})")
    network = built_network(address, norm, sized, seed=0, options=chosen)
    if state is not None:
        load_weights(network, state, where=str(weights))
    return network, batch


def _random(example: str) -> tuple[Tensor, Any]:
    """A batch of random numbers of a shape, and what a factory is told of the data."""
    import torch

    from normlab.base.streams import stream
    from normlab.landscape.from_files import Shape

    parts = [part.strip() for part in example.split(",")]
    sizes = [int(part) if part.isdecimal() else 0 for part in parts]
    if len(sizes) < 2 or min(sizes) < 1:
        raise BadSetting(
            f"--example={example} is no shape of a batch. Write its sizes with commas, "
            "the examples first: --example 2,3,32,32."
        )
    batch = torch.randn(sizes, generator=stream("example"))
    return batch, Shape(tuple(sizes[1:]), range(10))


def _written(
    operated: Operated, output: Path, asked: dict[str, Any] | None = None
) -> None:
    from normlab.train.converted import save_converted

    report = operated.report
    if not report.done:  # a file of the same network would pass for a changed one
        why = ", for it has no norm"
        if report.left:
            path, reason = report.left[0]
            why = f": '{path}' stays, {reason}"
        raise BadModel(f"{report.verb} changed nothing, so nothing is written{why}")
    save_converted(operated, output, asked)
    say(str(report))
    say(f'written to {output}; normlab.load_converted("{output}", make) reads it')
