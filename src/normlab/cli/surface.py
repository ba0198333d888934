"""`normlab surface`: the loss around a network's weights, as a page or a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from normlab.cli import options
from normlab.spec.nets import NETS
from normlab.terminal.printing import say

if TYPE_CHECKING:
    from normlab.records.surface import Surface


def _count(flag: str, text: str) -> typer.models.OptionInfo:
    return typer.Option(flag, metavar="N", help=text)


def surface(
    model: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE.py:FACTORY",
            help=f"{', '.join(NETS)}, or a function of your own that returns "
            "a network. The file is executed.",
            show_default=False,
        ),
    ],
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILES", help="Checkpoints behind --plane.", show_default=False
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            metavar="FILE",
            help="Weights: .safetensors, or a state_dict as .pt or .pth [default: the "
            "last of FILES].",
        ),
    ] = None,
    data: options.Data = None,
    plane: Annotated[
        list[str] | None,
        typer.Option(
            "--plane",
            metavar="random|path|FILES",
            help="Two random directions; or through checkpoints in time order: two "
            "make a line, three or more the plane of their path.",
        ),
    ] = None,
    norm: Annotated[
        str | None,
        typer.Option(
            "--norm",
            metavar="NAME",
            help="Given to a function that takes a norm [default: batch].",
        ),
    ] = None,
    statistics: Annotated[
        str,
        typer.Option(
            "--statistics",
            metavar="batch|full|recalibrated|running",
            help="What norms over the batch normalise by.",
        ),
    ] = "batch",
    batch_size: Annotated[int, _count("--batch-size", "Examples per batch.")] = 64,
    points: Annotated[int, _count("--points", "Points per axis, odd.")] = 49,
    examples: Annotated[
        int | None,
        _count("--examples", "Examples the loss is a mean over [default: 10000]."),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Compute every point, interpolate none.")
    ] = False,
    seed: Annotated[
        int, _count("--seed", "Seed of the directions and of the batches.")
    ] = 0,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="A page (.html), a picture (.svg, .png, .pdf; needs "
            "normlab[static]), or arrays (.npz).",
        ),
    ] = Path("surface.html"),
    model_option: options.ModelOption = None,
    model_output: options.ModelOutput = None,
    force: options.Force = False,
) -> int:
    """Draw the loss on a plane through the weights of a network.

    Example: normlab surface net.py:make --weights net.pt --data mnist -o plane.svg
    """
    from normlab.cli.given import model_options
    from normlab.data.load import load
    from normlab.figures.kit.surface_files import SurfaceFile
    from normlab.landscape.from_files import built_network, checkpoints_plane
    from normlab.landscape.monitor import Monitor
    from normlab.landscape.planes.networks import state_of
    from normlab.landscape.planes.weights import load_weights
    from normlab.landscape.surface import surface as measure
    from normlab.spec.data import Data
    from normlab.terminal.measuring import Measuring

    target = SurfaceFile(output, force=force)
    chosen = model_options(model_option)
    on_path = _checkpoints([*(plane or []), *map(str, files or [])])
    checkpoints = {str(path): state_of(str(path), path) for path in on_path}
    held = weights.expanduser() if weights else next(reversed(on_path), None)
    state = state_of(str(held), held) if held else None
    dataset = load(Data(source=data or "mnist"))
    if ":" in model:
        file, _, function = model.rpartition(":")
        say(f"executing {file} (function {function})")
    network = built_network(
        model, norm, dataset, seed=seed, options=chosen, output=model_output
    )
    if held is not None and state is not None:
        load_weights(network, state, where=str(held))
    told = Measuring()
    try:
        found = measure(
            network,
            dataset,
            checkpoints_plane(checkpoints, network) if checkpoints else "random",
            statistics,  # type: ignore[arg-type]  # an unknown one is refused
            batch_size=batch_size,
            points=points,
            exact=exact,
            seed=seed,
            examples=examples,
            watch=Monitor(progress=told),
        )
    finally:
        told.ended()
    target.write(found, title=model)
    say(f"weights: {held or 'as the network starts (give some with --weights)'}")
    say(f"data: training part of {dataset.name}")
    say("\n".join(_account(found)))
    say(f"written to {output}")
    return 0


def _checkpoints(words: list[str]) -> list[Path]:
    """The files that the plane goes through; none for the random plane.

    Raises:
        BadSetting: If there are files and no plane that needs them, or the reverse.
    """
    from normlab.errors import BadSetting

    kind, named = ("random", []) if not words else (words[0], words[1:])
    if kind not in ("random", "path"):
        kind, named = "path", words
    if kind == "random" and named:
        raise BadSetting(
            f"--plane random goes through no files, but {named[0]} is given. Leave"
            " one of them out."
        )
    if kind == "path" and len(named) < 2:
        raise BadSetting(
            "--plane path needs checkpoints in time order behind it: two for the line"
            " between them, three or more for the plane of their path."
        )
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise BadSetting(f"--plane: {twice} is given twice. Give each file once.")
    return [Path(name).expanduser() for name in named]


def _account(found: Surface) -> list[str]:
    """What was measured, in words."""
    from normlab.figures.kit.plane import measured, places, words

    on = "line" if found.is_line else "plane"
    here = found.loss[found.b == 0][:, found.a == 0].item()
    origin = [] if found.marks else [f"loss {here:.4g} {found.unit}".rstrip()]
    return [
        *origin,
        *(words(*place, on=on) for place in places(found)),
        f"loss on the {on}: {found.range}",
        *measured([found]),
    ]
