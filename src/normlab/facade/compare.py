"""The one call that trains twins and says what differed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from normlab.facade.study import Study

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from normlab.analysis.claims.definition import Definition
    from normlab.facade.result import Result


def compare(
    *,
    norm: Iterable[str | Callable[..., nn.Module]] = ("none", "batch"),
    data: Any = "mnist",
    model: str | Callable[..., nn.Module] = "mlp",
    model_output: str | Callable[[Any], Tensor] | None = None,
    weights: str | Path | Mapping[str, Any] | None = None,
    init: Literal["drawn", "given"] = "drawn",
    lr: float | Iterable[float] = 0.01,
    refine: bool = False,
    seeds: int | Iterable[int] = 5,
    seeds_at_most: int | None = None,
    epochs: int = 5,
    batch_size: int | Iterable[int] = 64,
    momentum: float = 0.9,
    optimizer: str | Callable[..., Optimizer] = "sgd",
    weight_decay: float = 0.0,
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    measure: Literal["none", "light", "full"] = "full",
    validation: int | None = None,
    augment: Literal["freeze", "live"] | None = None,
    workers: int | None = None,
    claims: Definition | Iterable[Definition] = (),
    settings: Iterable[str] = (),
    out: str | Path | None = None,
    quiet: bool = False,
) -> Result:
    r"""Train twins that differ in their norm alone, and say what differed.

    Twins start from the same weights and see the same batches in the same order. Each
    seed $s$ gives one effect $e_s$ of an arm against the baseline, a difference or the
    logarithm of a ratio; over $n$ seeds a claim rests on the paired interval
    $\bar e \pm t_{n-1}\,\mathrm{sd}(e)/\sqrt n$ (95 %), and on Holm's correction for
    all claims of the study. Losses are in nats per image, accuracies fractions.

    Args:
        norm: Names of norms, with options where one has them, such as `"none"`,
            `"layer"`, `"ghost(chunk=8)"`; each makes an arm of that name. One of your
            own is `"FILE.py:Norm"`, or a class or function that makes a module of
            `norm(num_features)`, with options by `functools.partial`. The baseline is
            `none` if it is there, else the first.
        data: A name or path as on the command line; or one training part, whose test
            part is split off; or a pair (train, test) of parts; or a mapping of parts
            `train`, `validation`, `test`. A part is a pair (images, labels) of arrays
            of shapes `(n, ...)` and `(n,)`, a table with a column of labels, or any
            map-style dataset of pairs or of mappings of an image and a label.
        model: A built-in network, `"FILE.py:factory"`, or a function `factory(norm)`
            that builds one, with `norm(features)` where a norm goes; or a class,
            a function without `norm` or a built network, of which the arms are made.
        model_output: Which part of the network's answer holds the scores, where that is
            no tensor: `"logits"`, `"0"`, `"out.0"`, or a function of the answer.
        weights: What every seed starts from, of the network as it is: a `.safetensors`
            file, or a state_dict. Only batch order and noise differ then.
        init: Of a network that was built already: `"drawn"` anew for each seed, by
            `reset_parameters` of its modules; or `"given"`, with the weights it has.
        lr: The learning rate, or several: then each arm is also compared at its own
            best, chosen on held-out images by seeds that make no claim about it.
        refine: With several rates: also try further ones around each arm's best.
        seeds: How many, from 0, or which. A verdict needs at least 3.
        seeds_at_most: How many there may be in all, where `resume(seeds=...)` may
            follow: verdicts allow for every look on the way. None: no more.
        epochs: Passes over the training images.
        batch_size: Images per step; several are an axis of a sweep.
        momentum: Of SGD; Adam's first beta.
        optimizer: `"sgd"`, `"adam"`, `"adamw"`, or a function
            `factory(parameters, lr=...)` that makes any torch optimizer; its groups
            keep the proportions of their rates.
        weight_decay: Pull of the weights towards zero, as torch's optimizers have it.
        loss: Mean loss of a batch, from logits `(n, classes)` and labels `(n,)`;
            cross-entropy in nats if None.
        measure: `"none"`: losses and accuracy alone; `"light"`: also activations and
            step costs; `"full"`: also the path, gradients, sharpness and surfaces.
        validation: Images held out of the training part; if None, 5,000 with several
            rates, else 0.
        augment: What to do with data that differs when read again: `"freeze"` reads
            it once, `"live"` anew for each epoch, the same for all arms; if None, it
            is refused.
        workers: Runs at the same time; as many as processors if None.
        claims: Claims of your own (`normlab.Definition`), judged with normlab's: in
            the result and in report.html. The folder keeps data, no functions, so
            `normlab show` and `Result.open` judge without them.
        settings: Anything else, as the command line's `--set`: `"key=value"`.
        out: A folder that is empty or does not exist;
            `normlab-runs/compare-<date>-<time>` if None.
        quiet: Show no progress.

    Returns:
        The trained study. It prints as text and shows itself in a notebook; its
            report.html lies in the folder.

    Raises:
        BadSetting: If a setting makes no sense, or does not fit the data.
        BadData: If the data cannot be used.
        BadModel: If a network cannot be built, or does not fit the data.
        BadFolder: If `out` is taken or cannot be written, or the disk is full.
        KeyboardInterrupt: Everything so far is kept; `Study.resume` goes on.

    Example:
        >>> import tempfile, numpy as np
        >>> rng = np.random.default_rng(0)
        >>> labels = rng.integers(0, 2, 400)
        >>> images = rng.integers(0, 128, (400, 8, 8)) + 128 * labels[:, None, None]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     result = compare(data=(images, labels), seeds=3, epochs=3,
        ...                      measure="none", out=folder, quiet=True)
        >>> "better-accuracy" in {claim.id for claim in result.claims()}
        True

    Source: Ioffe and Szegedy 2015, arXiv 1502.03167; Holm 1979, Scandinavian Journal
    of Statistics 6, 65-70.
    """
    study = Study(
        norm=norm,
        data=data,
        model=model,
        model_output=model_output,
        weights=weights,
        init=init,
        lr=lr,
        refine=refine,
        seeds=seeds,
        seeds_at_most=seeds_at_most,
        epochs=epochs,
        batch_size=batch_size,
        momentum=momentum,
        optimizer=optimizer,
        weight_decay=weight_decay,
        loss=loss,
        measure=measure,
        validation=validation,
        augment=augment,
        workers=workers,
        claims=claims,
        settings=settings,
    )
    return study.run(out, quiet=quiet)
