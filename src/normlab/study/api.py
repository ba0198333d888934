"""Studies from Python: run, resume, rerun."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from normlab.analysis.result import Result
from normlab.errors import BadFolder
from normlab.records.environment import environment
from normlab.records.folder import StudyFolder
from normlab.spec.study import Execution, StudySpec
from normlab.study.conduct import Conductor, scratch
from normlab.study.executor import LocalExecutor
from normlab.study.pace import workers_of
from normlab.study.prepare import Prepared, PythonParts, prepare
from normlab.study.progress import Silent, Watcher
from normlab.study.source import code_of


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
            the folder. Nothing was written.
        KeyboardInterrupt: Everything so far is kept; `resume` goes on.
    """
    watcher = watcher or Silent()
    watcher.note(f"reading {spec.data.source}")
    prepared = prepare(spec, root=Path(), python=python or PythonParts())
    meta = {
        **environment(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        **code_of(prepared.source),
        "data_digest": prepared.dataset.digest,
        "classes": str(len(prepared.dataset.classes)),
    }
    return _conduct(prepared, StudyFolder.create(out, spec, meta), watcher)


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
    spec = folder.spec
    if execution is not None:
        spec = spec.model_copy(update={"execution": execution})
    watcher.note(f"reading {spec.data.source}")
    prepared = prepare(spec, root=Path(), python=python or PythonParts())
    _refuse_changed(folder, prepared)
    return _conduct(prepared, folder, watcher)


def rerun(
    path: Path,
    out: Path,
    *,
    watcher: Watcher | None = None,
    python: PythonParts | None = None,
) -> Result:
    """Train the same study again, from its study.toml, in another folder."""
    return run(StudyFolder.open(path).spec, out, watcher=watcher, python=python)


def _conduct(prepared: Prepared, folder: StudyFolder, watcher: Watcher) -> Result:
    execution = prepared.spec.execution
    with folder.write() as writer:
        executor = LocalExecutor(
            workers=workers_of(execution),
            threads=execution.threads,
            logs=scratch(folder.path),
        )
        try:
            Conductor(
                prepared, folder, writer, executor=executor, watcher=watcher
            ).conduct()
            writer.meta("finished", datetime.now(UTC).isoformat(timespec="seconds"))
        finally:
            executor.close()
            shutil.rmtree(scratch(folder.path), ignore_errors=True)
    watcher.ended()
    return Result.open(folder.path)


def _refuse_changed(folder: StudyFolder, prepared: Prepared) -> None:
    """Refuse to mix runs on different data or of different networks.

    Raises:
        BadFolder: The data or the model file differ from when the study began.
    """
    meta = folder.meta()
    if meta.get("data_digest") != prepared.dataset.digest:
        raise BadFolder(
            f"{folder.path}: the data is not what it was when the study began (its "
            f"digest was {meta.get('data_digest')}, now {prepared.dataset.digest}). "
            f"Bring it back, or start a new study."
        )
    now = code_of(prepared.source).get("model_sha256")
    if meta.get("model_sha256") != now:
        raise BadFolder(
            f"{folder.path}: the model file is not what it was when the study began "
            f"(its SHA-256 was {meta.get('model_sha256')}, now {now}). Bring it back "
            f"(study.db keeps its text), or start a new study."
        )
