"""At which levels of training loss the networks of twins are compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from normlab.records.folder import StudyFolder
from normlab.records.levels import Levels, levels_reached, lowest_common
from normlab.records.observed.levels import LevelArrays
from normlab.records.observed.observations import Observations
from normlab.spec.plan import RunKey


def levels_compared(
    reached: Mapping[str, Levels], baseline: str
) -> dict[str, dict[int, int]]:
    """Of every arm the lowest level that it has in common with each of its twins.

    Args:
        reached: By arm, of one seed and rate.
        baseline: The arm that all others are compared with.

    Example:
        >>> fast, slow = {0: 9, 1: 12, 2: 20}, {0: 15, 1: 30}
        >>> levels_compared({"none": slow, "batch": fast}, "none")
        {'none': {1: 30}, 'batch': {1: 12}}
    """
    found: dict[str, dict[int, int]] = {arm: {} for arm in reached}
    for arm in reached.keys() - {baseline}:
        level = lowest_common(reached[arm], reached.get(baseline, {}))
        if level is not None:
            for one in (arm, baseline):
                found[one][level] = reached[one][level]
    return {arm: dict(sorted(levels.items())) for arm, levels in found.items()}


def drop_uncompared(
    folder: StudyFolder, twins: Iterable[RunKey], baseline: str
) -> None:
    """Delete the kept networks at which twins that have ended are not compared.

    Args:
        folder: Of the study.
        twins: The runs of all arms at one seed and rate.
        baseline: The arm that all others are compared with.
    """
    ids = {key.arm: key.id for key in twins}
    reached = {arm: _reached(folder, run_id) for arm, run_id in ids.items()}
    for arm, levels in levels_compared(reached, baseline).items():
        kept = {f"step-{step}" for step in levels.values()}
        for file in (folder.path / "arrays" / ids[arm] / "levels").glob("step-*"):
            if file.stem not in kept:
                file.unlink(missing_ok=True)


def _reached(folder: StudyFolder, run_id: str) -> Levels:
    if LevelArrays.probe not in folder.probes(run_id):
        return {}
    arrays = folder.arrays(run_id, LevelArrays.probe)
    return levels_reached(Observations(LevelArrays.unpacked(arrays)))
