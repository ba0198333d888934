"""Studies from Python: run, resume, rerun.

Torch and the analysis are imported inside the functions, after the workers have been
started: they import torch at the same time, and a study begins seconds earlier.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from normlab.errors import BadFolder
from normlab.records.environment import environment
from normlab.records.folder import StudyFolder
from normlab.spec.plan import plan
from normlab.spec.study import Execution, StudySpec
from normlab.study.executor import Executor, LocalExecutor
from normlab.study.pace import workers_of
from normlab.study.progress import Silent, Watcher

if TYPE_CHECKING:
    from normlab.analysis.result import Result
    from normlab.study.prepare import Prepared, PythonParts


def run(
    spec: StudySpec,
    out: Path,
    *,
    watcher: Watcher | None = None,
    python: PythonParts | None = None,
) -> Result:
    """Train every run of a new study and keep it in the folder `out`.

    Args:
        spec: The study.
        out: A folder that is empty or does not exist.
        watcher: Is told what happens.
        python: What no study.toml can hold: objects given from Python.

    Raises:
        NormlabError: Something is wrong with the study, its data, its network or
            the folder. Unless a run had started, nothing is left behind.
        KeyboardInterrupt: Everything so far is kept; `resume` goes on.
    """
    watcher = watcher or Silent()
    StudyFolder.refuse_taken(out)  # before workers start and data is read
    with _executor(spec) as executor:
        prepared = _prepared(spec, watcher, python)
        with StudyFolder.begin(out, spec, _facts(prepared)) as folder:
            return _conduct(prepared, folder, executor, watcher)


def resume(
    path: Path,
    *,
    watcher: Watcher | None = None,
    python: PythonParts | None = None,
    execution: Execution | None = None,
) -> Result:
    """Compute what is missing of a study; the numbers are as without the stop.

    Args:
        path: The study folder.
        watcher: Is told what happens.
        python: The objects that the study was given from Python.
        execution: Other workers, threads or device than the study names.

    Raises:
        BadFolder: There is no study, it is in use, or its data or model file is not
            what it was.
    """
    watcher = watcher or Silent()
    folder = StudyFolder.open(path)
    folder.refuse_busy()
    spec = folder.spec
    if execution is not None:
        spec = spec.model_copy(update={"execution": execution})
    with _executor(spec) as executor:
        _refuse_changed_model(folder)
        prepared = _prepared(spec, watcher, python)
        _refuse_changed_data(folder, prepared)
        return _conduct(prepared, folder, executor, watcher)


def rerun(
    path: Path,
    out: Path,
    *,
    watcher: Watcher | None = None,
    python: PythonParts | None = None,
) -> Result:
    """Train the same study again, from its study.toml, in another folder."""
    return run(StudyFolder.open(path).spec, out, watcher=watcher, python=python)


@contextmanager
def _executor(spec: StudySpec) -> Iterator[Executor]:
    """Workers that have begun to start, and are stopped at once on exit.

    There are no more of them than runs: each is a process that holds torch.
    """
    workers = min(workers_of(spec.execution), len(plan(spec)))
    with tempfile.TemporaryDirectory(prefix="normlab-") as logs:
        executor = LocalExecutor(
            workers=workers, threads=spec.execution.threads, logs=Path(logs)
        )
        try:
            yield executor
        finally:
            executor.close()


def _prepared(
    spec: StudySpec, watcher: Watcher, python: PythonParts | None
) -> Prepared:
    from normlab.study.prepare import PythonParts, prepare

    watcher.note(f"reading {spec.data.source}")
    return prepare(spec, root=Path(), python=python or PythonParts())


def _facts(prepared: Prepared) -> dict[str, str]:
    """What a study notes about itself when it begins."""
    from normlab.study.source import code_of

    return {
        **environment(),
        **code_of(prepared.source),
        "command": " ".join([_program(), *sys.argv[1:]]),
        "data_digest": prepared.dataset.digest,
        "classes": str(len(prepared.dataset.classes)),
    }


def _program() -> str:
    """What a user types to do the same again."""
    name = Path(sys.argv[0]).name
    return "normlab" if name == "__main__.py" else name


def _conduct(
    prepared: Prepared, folder: StudyFolder, executor: Executor, watcher: Watcher
) -> Result:
    from normlab.analysis.result import Result
    from normlab.study.conduct import Conductor, scratch

    with folder.write() as writer:
        try:
            Conductor(
                prepared, folder, writer, executor=executor, watcher=watcher
            ).conduct()
            writer.meta("finished", datetime.now(UTC).isoformat(timespec="seconds"))
        finally:
            shutil.rmtree(scratch(folder.path), ignore_errors=True)
    return Result.open(folder.path)


def _refuse_changed_model(folder: StudyFolder) -> None:
    """Refuse another model file than the study began with, before it is executed.

    Raises:
        BadFolder: The model file differs from when the study began.
    """
    from normlab.study.source import code_of, source_of

    model = folder.spec.model
    if model.file is None:
        return
    before = folder.meta().get("model_sha256")
    now = code_of(source_of(model, root=Path()))["model_sha256"]
    if before != now:
        raise BadFolder(
            f"{folder.path}: the model file is not what it was when the study began "
            f"(its SHA-256 was {before}, now {now}). Bring it back (study.db keeps its "
            f"text), or start a new study."
        )


def _refuse_changed_data(folder: StudyFolder, prepared: Prepared) -> None:
    """Refuse to mix runs on different data.

    Raises:
        BadFolder: The data differ from when the study began.
    """
    before, now = folder.meta().get("data_digest"), prepared.dataset.digest
    if before != now:
        raise BadFolder(
            f"{folder.path}: the data is not what it was when the study began (its "
            f"digest was {before}, now {now}). Bring it back, or start a new study."
        )
