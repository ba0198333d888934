"""`normlab rerun`: the same study once more, in a folder of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normlab.cli import options

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult
    from normlab.study.progress import ProgressListener


def rerun(
    folder: options.Folder, out: options.Out = None, quiet: options.Quiet = False
) -> int:
    """Train the same study again in another folder."""
    from normlab.cli.conduct import conduct
    from normlab.records.folder import StudyFolder
    from normlab.terminal.watching import dated_folder

    spec = StudyFolder.open(folder).spec
    into = out or dated_folder(spec.experiment)
    StudyFolder.refuse_taken(into)  # before it is said that the study is kept there

    def train(watcher: ProgressListener) -> StudyResult:
        from normlab.study import api

        return api.rerun(folder, into, watcher=watcher)

    return conduct(spec, into, train, quiet=quiet)
