"""A study from keywords, for Python users: with progress and a result."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from normlab.analysis.claims.definition import Definition
from normlab.analysis.claims.own import own_claims
from normlab.analysis.result import StudyResult
from normlab.errors import BadFolder, BadSetting
from normlab.facade.keywords import arm_table, named, plain, several
from normlab.facade.result import Result
from normlab.records.folder import StudyFolder
from normlab.spec.more_seeds import with_more_seeds
from normlab.spec.names import PYTHON
from normlab.spec.paths import from_anywhere
from normlab.spec.recipe import REFINED
from normlab.spec.settings import parse_seeds, with_settings
from normlab.spec.study import StudySpec
from normlab.terminal.watching import dated_folder, watching

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from normlab.study.listener import ProgressListener
    from normlab.study.prepare import PythonParts


_SEVERAL: dict[str, type | tuple[Any, ...]] = {
    "norm": (str, Callable),
    "lr": Real,
    "seeds": (),  # one number counts them
    "batch_size": Integral,
    "settings": str,
}
"""Keywords that take one or more, and what one of them is."""
_SINGLE = (
    "seeds_at_most",
    "epochs",
    "momentum",
    "weight_decay",
    "validation",
    "workers",
)


@dataclass(frozen=True, kw_only=True)
class Study:
    """A comparison, described but not yet trained: arms x rates x seeds.

    Keywords become the `spec` that a study.toml would hold, checked at once; `run`
    trains it. Lists may be any iterable, numbers also those of NumPy and torch.

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

    Raises:
        BadSetting: If a setting makes no sense; the message names the key.

    Example:
        >>> study = Study(norm=("none", "layer"), seeds=3, epochs=1)
        >>> study.spec.baseline.name, study.spec.seeds
        ('none', (0, 1, 2))

    Source: the comparison of Ioffe and Szegedy 2015, arXiv 1502.03167, section 4,
    with twins and over seeds.
    """

    norm: Iterable[str | Callable[..., nn.Module]] = ("none", "batch")
    data: Any = "mnist"
    model: str | Callable[..., nn.Module] = "mlp"
    model_output: str | Callable[[Any], Tensor] | None = None
    weights: str | Path | Mapping[str, Any] | None = None
    init: Literal["drawn", "given"] = "drawn"
    lr: float | Iterable[float] = 0.01
    refine: bool = False
    seeds: int | Iterable[int] = 5
    seeds_at_most: int | None = None
    epochs: int = 5
    batch_size: int | Iterable[int] = 64
    momentum: float = 0.9
    optimizer: str | Callable[..., Optimizer] = "sgd"
    weight_decay: float = 0.0
    loss: Callable[[Tensor, Tensor], Tensor] | None = None
    measure: Literal["none", "light", "full"] = "full"
    validation: int | None = None
    augment: Literal["freeze", "live"] | None = None
    workers: int | None = None
    claims: Definition | Iterable[Definition] = ()
    settings: Iterable[str] = ()

    def __post_init__(self) -> None:
        # taken up once: an iterator gives what it has a single time
        for name, single in _SEVERAL.items():
            object.__setattr__(self, name, several(getattr(self, name), single))
        for name in _SINGLE:
            object.__setattr__(self, name, plain(getattr(self, name)))
        object.__setattr__(self, "claims", own_claims(self.claims))
        _ = self.spec  # a bad setting is refused here, not when training begins

    @property
    def spec(self) -> StudySpec:
        """The same as a study.toml says it: every setting, frozen and valid.

        Raises:
            BadSetting: If a setting makes no sense; the message names the key.
        """
        sizes, seeds = self.batch_size, self.seeds
        listed = isinstance(sizes, tuple)
        if listed and len(sizes) == 0:
            raise BadSetting("recipe.batch_size is empty; give at least one.")
        tables = {
            "experiment": "compare",
            "arms": self._arms(),
            "seeds": parse_seeds(str(seeds)) if isinstance(seeds, Integral) else seeds,
            "seeds_at_most": self.seeds_at_most,
            "measure": self.measure,
            "data": {
                "source": named(self.data),
                "validation": self.validation,
                "augment": self.augment,
            },
            "model": {
                "name": named(self.model),
                "weights": self._start(),
                "output": None
                if self.model_output is None
                else named(self.model_output),
            },
            "recipe": {
                "rates": self.lr,
                "refine": REFINED if self.refine else 0,
                "epochs": self.epochs,
                "batch_size": sizes[0] if listed else sizes,
                "momentum": self.momentum,
                "optimizer": named(self.optimizer),
                "weight_decay": self.weight_decay,
            },
            "sweep": {"recipe.batch_size": sizes} if listed and len(sizes) > 1 else {},
            "execution": {"workers": self.workers},
        }
        return from_anywhere(with_settings(StudySpec(**tables), self._settings()))

    def _start(self) -> str | None:
        """What study.toml calls the weights that all seeds start from."""
        if self.init not in ("drawn", "given"):
            raise BadSetting(f"init={self.init!r} must be 'drawn' or 'given'.")
        if self.weights is not None:
            return named(self.weights)
        if self.init == "drawn":
            return None
        if callable(getattr(self.model, "state_dict", None)) and not isinstance(
            self.model, type
        ):
            return PYTHON
        raise BadSetting(
            "init='given' is for a network that was built already. Give that as model, "
            "or its weights by weights=."
        )

    def _arms(self) -> Any:
        """One per norm; of what was given from Python the name alone."""
        if not isinstance(self.norm, tuple):
            return self.norm
        return tuple(
            {**arm, "norm": PYTHON} if callable(arm["norm"]) else arm
            for arm in map(arm_table, self.norm)
        )

    def _settings(self) -> tuple[str, ...]:
        settings = self.settings
        if not isinstance(settings, tuple) or not all(
            isinstance(setting, str) for setting in settings
        ):
            raise BadSetting(
                f"settings={self.settings!r} must be a list of texts 'key=value'."
            )
        return settings

    def run(self, out: str | Path | None = None, *, quiet: bool = False) -> Result:
        """Train every run, keep the study in a folder, write its report.html there.

        A run that diverges or fails is part of the result and raises nothing. A report
        that cannot be written is a warning: `normlab report` writes it later.

        Args:
            out: A folder that is empty or does not exist;
                `normlab-runs/compare-<date>-<time>` if None.
            quiet: Show no progress.

        Returns:
            The trained study.

        Raises:
            BadFolder: If `out` is taken or cannot be written, or the disk is full.
            BadData: If the data cannot be used.
            BadModel: If a network cannot be built, or does not fit the data.
            BadSetting: If a setting does not fit the data or this machine, or the
                loss or the optimizer fails.
            KeyboardInterrupt: Everything so far is kept; `resume` goes on.
        """
        from normlab.study import api

        folder = _folder(out) if out else dated_folder(self.spec.experiment)
        with watching(quiet=quiet) as watcher:
            result = api.run(self.spec, folder, watcher=watcher, python=self._python())
            return self._reported(result, folder, watcher)

    def resume(
        self,
        folder: str | Path,
        *,
        seeds: int | Iterable[int] | None = None,
        quiet: bool = False,
    ) -> Result:
        """Compute what is missing of a study; the numbers are as without the stop.

        It goes on from the last finished epoch of each run, to the same bits. Further
        seeds join the verdicts up to `seeds_at_most`; beyond, they are judged by
        themselves, each group at 5 %.

        Args:
            folder: Where it is kept. Its study.toml holds, not these keywords; data,
                model, optimizer and loss that were given as objects are taken from
                here.
            seeds: How many it shall have in all, or which, its own among them.
            quiet: Show no progress.

        Returns:
            The trained study.

        Raises:
            BadFolder: If there is no study, it is in use, or its data or its model
                file is not what it was.
            BadSetting: If the model or the optimizer is missing that it was given, or
                the seeds leave out one that it has.
            BadData: If the data is missing that it was given.
            KeyboardInterrupt: Everything so far is kept.
        """
        from normlab.study import api

        path = _folder(folder)
        more = None if seeds is None else _all_seeds(path, seeds)
        with watching(quiet=quiet) as watcher:
            result = api.resume(
                path, watcher=watcher, python=self._python(), seeds=more
            )
            return self._reported(result, path, watcher)

    def _reported(
        self, trained: StudyResult, folder: Path, watcher: ProgressListener
    ) -> Result:
        """The result, once its report.html lies in the folder, if it can be written."""
        from normlab.report.write import NAME, write

        assert isinstance(self.claims, tuple)
        result = Result(trained.record, trained.folder, self.claims)
        watcher.note("drawing the report")
        try:
            write(result, folder / NAME)
        except BadFolder as error:
            watcher.note(str(error))
            warnings.warn(str(error), stacklevel=3)  # where run or resume was called
        return result

    def _python(self) -> PythonParts:
        """The objects that no study.toml can hold."""
        from torch.nn.functional import cross_entropy

        from normlab.study.prepare import PythonParts

        return PythonParts(
            data=None if isinstance(self.data, str | Path) else self.data,
            model=None if isinstance(self.model, str) else self.model,
            weights=None if isinstance(self.weights, str | Path) else self.weights,
            model_output=self.model_output if callable(self.model_output) else None,
            optimizer=None if isinstance(self.optimizer, str) else self.optimizer,
            loss=self.loss or cross_entropy,
            norms={
                arm["name"]: arm["norm"]
                for arm in map(arm_table, self.norm)
                if callable(arm["norm"])
            },
        )


def _all_seeds(path: Path, asked: int | Iterable[int]) -> tuple[int, ...]:
    """All seeds that a study shall have; those it has come first."""
    given = several(asked)
    text = (
        str(given) if isinstance(given, Integral) else ",".join(map(str, given)) + ","
    )
    return with_more_seeds(StudyFolder.open(path).spec, text).seeds


def _folder(given: object) -> Path:
    if isinstance(given, str | PathLike):
        return Path(given)
    raise BadSetting(f"a study's folder is a path, not {given!r}. Give a text.")
