"""Studies from Python: run, resume, rerun.

Torch and the analysis are imported inside the functions, after the workers have been
started: they import torch at the same time, and a study begins seconds earlier.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from normlab.disk.room import refuse_few_addresses
from normlab.disk.scratch import held_folder
from normlab.records.data_line import NOTED as NOTED_DATA
from normlab.records.environment import environment
from normlab.records.folder import StudyFolder
from normlab.records.inventory import NOTED, inventory, noted
from normlab.records.parts import only_seeds, refuse_no_part, refuse_part
from normlab.records.rows import CLASSES, ENDED, LARGEST, ONLY
from normlab.spec.more_seeds import at_once, at_seeds
from normlab.spec.plan import plan
from normlab.spec.study import Execution, StudySpec
from normlab.study.executor import Executor, LocalExecutor
from normlab.study.listener import ProgressListener, Silent
from normlab.study.pace import workers_of
from normlab.user_code import placing

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult
    from normlab.study.forecast import Forecast
    from normlab.study.prepare import Prepared, PythonParts

_BACK = "Bring it back, or start a new study."


@placing()
def run(
    spec: StudySpec,
    out: Path,
    *,
    watcher: ProgressListener | None = None,
    python: PythonParts | None = None,
    only: Sequence[int] | None = None,
) -> StudyResult:
    """Train every run of a new study and keep it in the folder `out`.

    Args:
        spec: The study.
        out: A folder that is empty or does not exist.
        watcher: Is told what happens.
        python: What no study.toml can hold: objects given from Python.
        only: Some seeds of it: the others are trained elsewhere, in other parts, which
            `records.parts.merge` brings together.

    Raises:
        NormlabError: Something is wrong with the study, its data, its network or
            the folder. Unless a run had started, nothing is left behind.
        KeyboardInterrupt: Everything so far is kept; `resume` goes on.
    """
    watcher = watcher or Silent()
    if only is not None:
        refuse_no_part(spec, only)
    StudyFolder.refuse_taken(out)  # before workers start and data is read
    with _executor(spec) as executor:
        from normlab.analysis.decidable import decidable
        from normlab.analysis.foresight import foreseen
        from normlab.study.ahead import long_survey

        prepared = _prepared(spec, watcher, python)
        long = long_survey(prepared.contexts(Path()), prepared.variants)
        known = foreseen(spec, out.absolute().parent)
        for sentence in (*decidable(spec), *known, *long):
            watcher.told(sentence)
        return _begun(prepared, out, executor, watcher, only)


@placing()
def foretell(spec: StudySpec, *, watcher: ProgressListener | None = None) -> Forecast:
    """Check a study as `run` does, and time a few steps of every arm; keep nothing.

    Args:
        spec: The study.
        watcher: Is told what happens.

    Returns:
        What it will take.

    Raises:
        NormlabError: As for `run`.
    """
    with _executor(spec) as executor, held_folder("normlab-") as data:
        from normlab.study.forecast import forecast

        prepared = _prepared(spec, watcher or Silent(), None)
        return forecast(prepared, executor, data)


@placing()
def resume(
    path: Path,
    *,
    watcher: ProgressListener | None = None,
    python: PythonParts | None = None,
    execution: Execution | None = None,
    seeds: Sequence[int] | None = None,
) -> StudyResult:
    """Compute what is missing of a study; the numbers are as without the stop.

    Further seeds join those that it has. Up to as many as were declared they join the
    verdicts too; the others are judged by themselves.

    With other threads or on another device sums are taken in another order, so that
    last bits may differ; the study then notes `resumed_with`.

    Args:
        path: The study folder.
        watcher: Is told what happens.
        python: The objects that the study was given from Python.
        execution: Other workers, threads or device than the study names.
        seeds: All that it shall have, its own among them.

    Raises:
        BadFolder: There is no study, it is in use, or its data, networks or code are
            not what they were.
    """
    watcher = watcher or Silent()
    folder = StudyFolder.open(path)
    folder.refuse_busy()
    before = spec = folder.spec
    if seeds is not None and tuple(seeds) != spec.seeds:
        refuse_part(folder)
        spec = at_seeds(spec, tuple(seeds))
    if execution is not None:
        spec = spec.model_copy(update={"execution": execution})
    with _executor(spec) as executor:
        prepared = _prepared_as_before(folder, spec, watcher, python, _BACK)
        if spec.seeds != before.seeds:
            folder = _extended(folder, spec)
        if changed := _arithmetic(before, spec):
            watcher.note(f"{changed}: what is computed now may differ in its last bits")
            with folder.write() as writer:
                writer.meta("resumed_with", changed)
        return _conduct(prepared, folder, executor, watcher)


def _extended(folder: StudyFolder, spec: StudySpec) -> StudyFolder:
    """The study from more seeds, once what it has shown so far is kept as a look."""
    from normlab.study.looking import look

    with folder.write() as writer:
        look(folder, writer)
    return folder.extend(spec)


@placing()
def rerun(
    path: Path,
    out: Path,
    *,
    watcher: ProgressListener | None = None,
    python: PythonParts | None = None,
) -> StudyResult:
    """Train the same study again, from its study.toml, in another folder.

    One that was given more seeds later has them from the beginning, and a single look.

    Raises:
        BadFolder: As for `run`; or there is no study, or its data, networks or code
            are not what they were.
    """
    watcher = watcher or Silent()
    StudyFolder.refuse_taken(out)
    before = StudyFolder.open(path)
    spec = at_once(before.spec)
    remedy = f"{_BACK[:-1]} of it: normlab run {quote(str(before.settings))}"
    with _executor(spec) as executor:
        prepared = _prepared_as_before(before, spec, watcher, python, remedy)
        return _begun(prepared, out, executor, watcher, only_seeds(before.meta()))


def _begun(
    prepared: Prepared,
    out: Path,
    executor: Executor,
    watcher: ProgressListener,
    only: Sequence[int] | None,
) -> StudyResult:
    facts = _facts(prepared) | ({} if only is None else {ONLY: json.dumps([*only])})
    with StudyFolder.begin(out, prepared.spec, facts) as folder:
        return _conduct(prepared, folder, executor, watcher)


@contextmanager
def _executor(spec: StudySpec) -> Iterator[Executor]:
    """Workers that have begun to start, and are stopped at once on exit.

    There are no more of them than runs: each is a process that holds torch.
    """
    refuse_few_addresses("training", torch=True)
    workers = min(workers_of(spec.execution), len(plan(spec)))
    with held_folder("normlab-") as logs:
        executor = LocalExecutor(
            workers=workers, threads=spec.execution.threads, logs=logs
        )
        try:
            yield executor
        finally:
            executor.close()


def _arithmetic(before: StudySpec, now: StudySpec) -> str:
    """What is set otherwise that the last bits of a sum depend on; may be empty."""
    return ", ".join(
        f"{key} = {getattr(now.execution, key)} instead of {value}"
        for key in ("threads", "device")
        if (value := getattr(before.execution, key)) != getattr(now.execution, key)
    )


def _prepared(
    spec: StudySpec, watcher: ProgressListener, python: PythonParts | None
) -> Prepared:
    from normlab.study.prepare import PythonParts, prepare

    watcher.note(f"reading {spec.data.source}")
    prepared = prepare(spec, root=Path(), python=python or PythonParts())
    watcher.told(f"data: {prepared.data['line']}")
    return prepared


def _prepared_as_before(
    folder: StudyFolder,
    spec: StudySpec,
    watcher: ProgressListener,
    python: PythonParts | None,
    remedy: str,
) -> Prepared:
    """Prepare the study of a folder; refuse what has changed since it began."""
    from normlab.study.provenance import refuse_changed, refuse_changed_files

    refuse_changed_files(folder, remedy)  # before it is executed
    prepared = _prepared(spec, watcher, _with_frozen(folder, python))
    refuse_changed(folder, prepared, remedy)
    return prepared


def _with_frozen(folder: StudyFolder, python: PythonParts | None) -> PythonParts | None:
    """Data that was read once for all is what was read then, not a second reading."""
    from normlab.data.dataset import open_dataset
    from normlab.study.conduct import scratch
    from normlab.study.prepare import PythonParts

    kept = scratch(folder.path) / "data"
    if folder.spec.data.augment != "freeze" or not (kept / "dataset.json").is_file():
        return python
    return replace(python or PythonParts(), data=open_dataset(kept).apart())


def _facts(prepared: Prepared) -> dict[str, str]:
    """What a study notes about itself when it begins."""
    import numpy as np

    from normlab.study.provenance import provenance

    labels = prepared.dataset.test.labels
    return {
        **environment(),
        **provenance(prepared),
        "command": " ".join([_program(), *sys.argv[1:]]),
        CLASSES: str(len(prepared.dataset.classes)),
        LARGEST: repr(float(np.bincount(labels).max() / len(labels))),
        NOTED_DATA: json.dumps(prepared.data),
    }


def _program() -> str:
    """What a user types to do the same again."""
    name = Path(sys.argv[0]).name
    return "normlab" if name == "__main__.py" else name


def _conduct(
    prepared: Prepared,
    folder: StudyFolder,
    executor: Executor,
    watcher: ProgressListener,
) -> StudyResult:
    from normlab.analysis.result import StudyResult
    from normlab.study.conduct import Conductor, scratch
    from normlab.study.looking import look

    frozen = folder.spec.data.augment == "freeze"
    only = only_seeds(folder.meta())
    with folder.write() as writer:
        try:
            Conductor(
                prepared, folder, writer, executor=executor, watcher=watcher, only=only
            ).conduct()
            if only is None:
                look(folder, writer)
                writer.meta("finished", datetime.now(UTC).isoformat(timespec="seconds"))
            known = (*noted(folder.meta()), *writer.kept)
            writer.meta(NOTED, inventory(folder.path, known, folder.tables().runs))
        finally:
            # images that were read once for all are still needed by what is not done
            if not frozen or folder.statuses().keys() <= set(ENDED):
                shutil.rmtree(scratch(folder.path), ignore_errors=True)
    return StudyResult.open(folder.path)
