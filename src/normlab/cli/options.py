"""The options that several commands share, each with its line of help.

Values stay text: the spec alone knows what is allowed, and its refusals name the
key of study.toml. None means "not given", so that a study.toml keeps its values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from normlab.experiments.registry import NAMES
from normlab.spec.names import NORMS
from normlab.spec.nets import NETS


def _option(*flags: str, metavar: str, text: str) -> Any:
    return typer.Option(*flags, metavar=metavar, help=text)


Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="A study folder.", show_default=False)
]
AnyFolder = Annotated[
    Path | None,
    typer.Argument(
        metavar="DIR",
        help="A study folder [default: the newest below normlab-runs].",
        show_default=False,
    ),
]
Experiment = Annotated[
    str,
    typer.Argument(help=f"{', '.join(NAMES)}, or a path to a study.toml."),
]

Data = Annotated[
    str | None,
    _option(
        "--data",
        metavar="NAME|PATH",
        text="mnist, another built-in name, or a path: a file or folder of arrays or "
        "tables, or a folder of images with one sub-folder per class.",
    ),
]
Model = Annotated[
    str | None,
    _option(
        "--model",
        metavar="NAME|FILE.py:FACTORY|MODULE:FACTORY",
        text=f"{', '.join(NETS)}, or a class or function of your own that returns a "
        "network, in a file or in a module (package.module). It is executed.",
    ),
]
ModelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--model-option",
        metavar="KEY=VALUE",
        help="A keyword for that function, e.g. num_classes=10; repeatable.",
    ),
]
StartWeights = Annotated[
    str | None,
    _option(
        "--weights",
        metavar="FILE.safetensors",
        text="Weights of that network as it is, which every seed starts from; only the "
        "order of batches and noise differ then.",
    ),
]
ModelOutput = Annotated[
    str | None,
    _option(
        "--model-output",
        metavar="KEY",
        text="The part of the network's answer that holds the scores, where it answers "
        "with a dict, a tuple or the like: logits, 0, out.0.",
    ),
]
Norm = Annotated[
    str | None,
    _option(
        "--norm",
        metavar="none,batch,...",
        text="Norms to compare, one arm each: " + ", ".join(NORMS) + ", or a class of "
        "your own, FILE.py:Norm. The file is executed.",
    ),
]
Rates = Annotated[
    str | None,
    _option(
        "--lr",
        metavar="0.01|0.003,0.01",
        text="Learning rate; several: all are run, and each arm also compared at its "
        "own best, chosen on held-out images.",
    ),
]
Refine = Annotated[
    bool,
    typer.Option(
        "--refine",
        help="Try 4 more rates per arm, around the best of several.",
    ),
]
Seeds = Annotated[
    str | None,
    _option(
        "--seeds", metavar="N|0,1,7", text="How many (0 to N-1), or which: 0,1,7 or 7,."
    ),
]
SeedsAtMost = Annotated[
    str | None,
    _option(
        "--seeds-at-most",
        metavar="N",
        text="How many seeds there may be in all, where `resume --seeds` may follow; "
        "verdicts allow for every look on the way [default: as many as --seeds].",
    ),
]
OnlySeeds = Annotated[
    str | None,
    _option(
        "--only-seeds",
        metavar="3|0,4",
        text="Train these of the seeds alone, as a part of the study; `normlab merge` "
        "brings parts together.",
    ),
]
MoreSeeds = Annotated[
    str | None,
    _option(
        "--seeds",
        metavar="N|0,1,7",
        text="How many seeds the study shall have in all, or which.",
    ),
]
Epochs = Annotated[
    str | None,
    _option("--epochs", metavar="N", text="Passes over the training images."),
]
BatchSize = Annotated[
    str | None,
    _option(
        "--batch-size", metavar="N|8,64", text="Images per step; several: all are run."
    ),
]
Momentum = Annotated[
    str | None, _option("--momentum", metavar="M", text="Momentum of the optimizer.")
]
Optimizer = Annotated[
    str | None, _option("--optimizer", metavar="sgd|adam|adamw", text="Optimizer.")
]
WeightDecay = Annotated[
    str | None, _option("--weight-decay", metavar="D", text="Weight decay (L2).")
]
Measure = Annotated[
    str | None,
    _option(
        "--measure",
        metavar="none|light|full",
        text="What to record: none; light (+ activations); full (+ gradients, "
        "sharpness, surfaces).",
    ),
]
Validation = Annotated[
    str | None,
    _option(
        "--validation",
        metavar="N",
        text="Images held out of the training part, to choose rates by [default: "
        "5000 with several rates, else 0].",
    ),
]
ImageSize = Annotated[
    str | None,
    _option("--image-size", metavar="N", text="Resize images to N x N pixels."),
]
LastBatch = Annotated[
    str | None,
    _option(
        "--last-batch",
        metavar="keep|drop",
        text="Keep or drop the incomplete last batch.",
    ),
]
Workers = Annotated[
    str | None,
    _option(
        "--workers", metavar="N", text="Runs at the same time; auto: one per core."
    ),
]
Threads = Annotated[
    str | None, _option("--threads", metavar="N", text="Compute threads per worker.")
]
Device = Annotated[
    str | None,
    _option("--device", metavar="cpu|cuda|mps|auto", text="Device to train on."),
]
Executor = Annotated[
    str | None, _option("--executor", metavar="local", text="Where runs execute.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="A new or empty folder [default: normlab-runs/NAME-DATE-TIME].",
    ),
]
Force = Annotated[
    bool, typer.Option("--force", help="Replace a file that exists already.")
]
Full = Annotated[
    bool,
    typer.Option("--full", help="The experiment at length: hours instead of minutes."),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", help="Print only the answer and where the report is."
    ),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose", "-v", help="Print every run, each claim with its reason, charts."
    ),
]
Quick = Annotated[
    bool,
    typer.Option(
        "--quick",
        help="A first look in less than a minute: three seeds, one epoch, no "
        "pictures of loss surfaces; options given beside it win.",
    ),
]
Plan = Annotated[
    bool,
    typer.Option(
        "--plan",
        help="Only check the study, and say what would be run, what its seeds can show "
        "and, by a short trial, how long it takes; write nothing.",
    ),
]
Open = Annotated[bool, typer.Option("--open", help="Show the report in the browser.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any key of study.toml, e.g. recipe.schedule=cosine; repeatable, "
        "applied last.",
    ),
]
