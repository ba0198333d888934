"""`normlab resume`: go on where an interrupted study stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normlab.cli import options

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult
    from normlab.study.listener import ProgressListener


def resume(
    folder: options.Folder,
    seeds: options.MoreSeeds = None,
    workers: options.Workers = None,
    threads: options.Threads = None,
    device: options.Device = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> int:
    """Go on where an interrupted study stopped.

    With --seeds the study gets more of them. Up to as many as were declared by
    --seeds-at-most they join the verdicts; further ones are judged by themselves.

    The numbers are the same as without the stop; with other --threads or on another
    --device their last bits may differ.
    """
    from normlab.analysis.design.rates import choosing
    from normlab.cli import given
    from normlab.cli.conduct import Manner, conduct
    from normlab.records.folder import StudyFolder
    from normlab.records.rows import StudyRecord
    from normlab.spec.more_seeds import with_more_seeds
    from normlab.spec.study import StudySpec

    study = StudyFolder.open(folder)
    study.refuse_busy()  # before it is said that the study is kept there
    execution = given.apply(
        StudySpec(execution=study.spec.execution),
        {
            "execution.workers": workers,
            "execution.threads": threads,
            "execution.device": device,
        },
    ).execution
    spec = study.spec if seeds is None else with_more_seeds(study.spec, seeds)
    chosen = choosing(StudyRecord(spec=spec, meta=study.meta()))

    def train(watcher: ProgressListener) -> StudyResult:
        from normlab.study import api

        return api.resume(
            folder, watcher=watcher, execution=execution, seeds=spec.seeds
        )

    return conduct(spec, folder, train, chosen=chosen, manner=Manner(quiet, verbose))
