"""Parts of a study: some of its seeds, trained in a folder of their own, and merged.

Each part is a whole study of which only some seeds are computed, so whatever reads a
study reads a part. What is measured after training is measured once, of the merged one.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from normlab.errors import BadFolder, BadSetting
from normlab.records._database import DATABASE
from normlab.records.data_line import NOTED as DATA_LINE
from normlab.records.folder import StudyFolder
from normlab.records.inventory import NOTED as INVENTORY
from normlab.records.looks import LOOKS
from normlab.records.rows import ENDED, ONLY
from normlab.spec.plan import plan
from normlab.spec.study import Execution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from normlab.records.rows import RunRecord
    from normlab.spec.plan import RunKey
    from normlab.spec.study import StudySpec

_MACHINE = ("platform", "cpu", "cores", "python", "resumed_with")
"""Facts about who computed; of a merged study all that its parts say."""
_OWN = {"created", "finished", "command", "study_toml", ONLY, INVENTORY, LOOKS}
"""Facts about one folder alone."""
_MAY_DIFFER = {*_OWN, *_MACHINE, "scipy", DATA_LINE}
"""Facts in which parts of one study may differ; in all others they may not."""


class Merged(NamedTuple):
    """What came of a merge."""

    added: int
    """Runs that were taken over now."""
    ended: int
    """Runs of the merged study that have ended."""
    missing: tuple[RunKey, ...]
    """Runs that it still lacks."""


def only_seeds(facts: Mapping[str, str]) -> tuple[int, ...] | None:
    """The seeds that a part computes; None of a whole study."""
    return tuple(json.loads(facts[ONLY])) if ONLY in facts else None


def refuse_no_part(spec: StudySpec, seeds: Sequence[int]) -> None:
    """Refuse seeds that the study does not have, and studies that have no parts.

    Raises:
        BadSetting: Then.
    """
    if strange := [seed for seed in seeds if seed not in spec.seeds]:
        raise BadSetting(
            f"--only-seeds names seed {strange[0]}, which the study does not have "
            f"(it has {', '.join(map(str, spec.seeds))}). Give some of those, and the "
            "same --seeds for all parts."
        )
    if len({*seeds}) < len(seeds):
        raise BadSetting("--only-seeds names a seed twice. Name each once.")
    if spec.recipe.refine:
        raise BadSetting(
            "--only-seeds does not go with --refine: which rates are added depends on "
            "all seeds. Give the rates with --lr."
        )


def refuse_part(folder: StudyFolder) -> None:
    """Refuse to give a part more seeds.

    Raises:
        BadSetting: If it is one.
    """
    if only_seeds(folder.meta()) is not None:
        raise BadSetting(
            f"{folder.path}: is a part of a study, and its seeds are those that it "
            "began with. Merge the parts first (normlab merge), then give the whole "
            "study more seeds."
        )


def merge(parts: Sequence[Path], out: Path) -> Merged:
    """Bring the ended runs of several parts together in one study.

    What is there already stays, so the same parts may be merged again when more of
    their runs have ended, into the same folder. Nothing of a part is executed, and
    nothing in its folder is changed.

    Args:
        parts: Study folders.
        out: A folder that is empty, does not exist, or holds that very study.

    Raises:
        BadFolder: If they are not parts of one study, two hold different results of
            one run, or a folder cannot be read or written.
    """
    folders = [StudyFolder.open(path) for path in parts]
    into = StudyFolder.open(out) if (out / DATABASE).exists() else None
    if into is not None and only_seeds(into.meta()) is not None:
        raise BadFolder(
            f"{out}: is a part itself, and parts stay as they are. "
            "Merge into a new folder."
        )
    first, *others = [*filter(None, [into]), *folders]
    for other in others:
        _refuse_other_study(first, other)
    with ExitStack() as held:
        if into is None:
            facts = _facts(folders, out)
            into = held.enter_context(StudyFolder.begin(out, first.spec, facts))
        writer = held.enter_context(into.write())
        writer.add_runs(plan(into.spec))
        known = {run.key: run for run in into.tables().runs if run.status in ENDED}
        before = len(known)
        new: dict[RunKey, Path] = {}
        for folder in folders:
            for run in folder.tables().runs:
                if run.status not in ENDED:
                    continue
                if run.key in known:
                    _refuse_other_results(known[run.key], run, folder.path)
                else:
                    known[run.key], new[run.key] = run, folder.path
        # arrays first: a run whose row is there has all that belongs to it
        for key, path in new.items():
            writer.adopt_arrays(path, key)
        writer.adopt_rows(new)
    missing = tuple(key for key in plan(into.spec) if key not in known)
    return Merged(len(known) - before, len(known), missing)


def _facts(folders: Sequence[StudyFolder], out: Path) -> dict[str, str]:
    """What the merged study notes about itself."""
    found = [folder.meta() for folder in folders]
    facts = {name: value for name, value in found[0].items() if name not in _OWN}
    for name in _MACHINE:
        if said := dict.fromkeys(one[name] for one in found if name in one):
            facts[name] = "; ".join(said)
    names = " ".join(folder.path.name for folder in folders)
    return {**facts, "command": f"normlab merge {names} -o {out.name}"}


def _refuse_other_study(one: StudyFolder, other: StudyFolder) -> None:
    facts, others = one.meta(), other.meta()
    named = (facts.keys() | others.keys()) - _MAY_DIFFER
    differ = sorted(n for n in named if facts.get(n) != others.get(n))
    if _anywhere(one.spec) != _anywhere(other.spec):
        differ.insert(0, "study.toml")
    if differ:
        raise BadFolder(
            f"{other.path}: is no part of the same study as {one.path} "
            f"({differ[0]} differs). Merge parts that the same command made, of the "
            "same data, code and versions."
        )


def _anywhere(spec: StudySpec) -> StudySpec:
    """The study, wherever and by however many workers it is computed."""
    return spec.model_copy(update={"execution": Execution()})


def _refuse_other_results(known: RunRecord, run: RunRecord, where: Path) -> None:
    if _results(known) != _results(run):
        raise BadFolder(
            f"{where}: holds other results of {run.key.id} than the parts before it. "
            "Leave out one of them."
        )


def _results(run: RunRecord) -> tuple[object, ...]:
    return run.status, run.init_digest, run.batch_digest, run.step_losses.tobytes()
