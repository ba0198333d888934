"""`normlab run`: train the twins of an experiment and say what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normlab.cli import options
from normlab.terminal.printing import say

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult
    from normlab.study.listener import ProgressListener


def run(
    experiment: options.Experiment = "article",
    data: options.Data = None,
    model: options.Model = None,
    model_option: options.ModelOption = None,
    model_output: options.ModelOutput = None,
    weights: options.StartWeights = None,
    norm: options.Norm = None,
    lr: options.Rates = None,
    refine: options.Refine = False,
    seeds: options.Seeds = None,
    seeds_at_most: options.SeedsAtMost = None,
    only_seeds: options.OnlySeeds = None,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    momentum: options.Momentum = None,
    optimizer: options.Optimizer = None,
    weight_decay: options.WeightDecay = None,
    measure: options.Measure = None,
    validation: options.Validation = None,
    image_size: options.ImageSize = None,
    last_batch: options.LastBatch = None,
    workers: options.Workers = None,
    threads: options.Threads = None,
    device: options.Device = None,
    executor: options.Executor = None,
    full: options.Full = False,
    quick: options.Quick = False,
    plan: options.Plan = False,
    settings: options.Set = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    show: options.Open = False,
) -> int:
    """Train the arms of an experiment and compare them."""
    from normlab.cli import given
    from normlab.cli.beforehand import equal_arms, plan_lines, time_line
    from normlab.cli.conduct import Manner, announcement, conduct, executed
    from normlab.cli.experiments import find, not_as_published
    from normlab.cli.quick import may_take_long, quick_text, reduced
    from normlab.records.folder import StudyFolder
    from normlab.records.parts import refuse_no_part
    from normlab.spec.recipe import REFINED
    from normlab.spec.settings import parse_numbers
    from normlab.terminal.watching import dated_folder

    known = find(experiment, full=full)
    if quick:
        known = reduced(known)
    spec = given.apply(
        known,
        {
            "data.source": data,
            "model.name": model,
            **given.keywords(model_option),
            "model.output": model_output,
            "model.weights": weights,
            "arms": norm,
            "recipe.rates": lr,
            "recipe.refine": str(REFINED) if refine else None,
            "seeds": seeds,
            "seeds_at_most": seeds_at_most,
            "recipe.epochs": epochs,
            "recipe.batch_size": batch_size,
            "recipe.momentum": momentum,
            "recipe.optimizer": optimizer,
            "recipe.weight_decay": weight_decay,
            "measure": measure,
            "data.validation": validation,
            "data.image_size": image_size,
            "recipe.last_batch": last_batch,
            "execution.workers": workers,
            "execution.threads": threads,
            "execution.device": device,
            "execution.executor": executor,
        },
        settings or (),
    )
    only = None if only_seeds is None else parse_numbers(only_seeds, "--only-seeds")
    if only is not None:
        refuse_no_part(spec, only)
    folder = out or dated_folder(spec.experiment)
    StudyFolder.refuse_taken(folder)  # before it is said that the study is kept there

    def train(watcher: ProgressListener) -> StudyResult:
        from normlab.study import api

        return api.run(spec, folder, watcher=watcher, only=only)

    told = not_as_published(experiment, spec)
    if quick:
        told.append(quick_text(spec))
    told += equal_arms(spec)
    if plan:
        for line in (announcement(spec), *told, *executed(spec)):
            say(line)
        for line in plan_lines(spec, folder.absolute().parent):
            say(line)
        return 0
    if quick and not quiet and may_take_long(spec) and not executed(spec):
        told.append(time_line(spec))
    return conduct(spec, folder, train, told=told, manner=Manner(quiet, verbose, show))
