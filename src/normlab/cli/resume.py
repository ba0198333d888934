"""`normlab resume`: go on where an interrupted study stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normlab.cli import options

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult
    from normlab.study.progress import ProgressListener


def resume(
    folder: options.Folder,
    workers: options.Workers = None,
    threads: options.Threads = None,
    device: options.Device = None,
    quiet: options.Quiet = False,
) -> int:
    """Go on where an interrupted study stopped.

    The numbers are the same as without the stop; with other --threads or on another
    --device their last bits may differ.
    """
    from normlab.cli import given
    from normlab.cli.conduct import conduct
    from normlab.records.folder import StudyFolder

    study = StudyFolder.open(folder)
    study.refuse_busy()  # before it is said that the study is kept there
    spec = given.apply(
        study.spec,
        {
            "execution.workers": workers,
            "execution.threads": threads,
            "execution.device": device,
        },
    )

    def train(watcher: ProgressListener) -> StudyResult:
        from normlab.study import api

        return api.resume(folder, watcher=watcher, execution=spec.execution)

    return conduct(spec, folder, train, quiet=quiet)
