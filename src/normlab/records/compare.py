"""Whether two studies are identical: all but seconds, times, host and cost."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from normlab.spec.difference import differing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from normlab.records.folder import StudyFolder
    from normlab.records.rows import RunRecord, StudyRecord

# every other fact says when, where or with what the numbers were made
_SAME_FACTS = ("data_digest", "model_sha256", "norm_sha256")
_SAME_IN_RUN = (
    "status",
    "parameters",
    "init_digest",
    "batch_digest",
    "diverged_step",
    "test_loss",
    "test_accuracy",
)
_SAME_IN_EPOCH = ("train_loss", "test_loss", "test_accuracy", "batch_digest")
_MAY_DIFFER = ("cost",)
_ON_A_SURFACE = ("a", "b", "loss", "computed")


def differences(first: StudyRecord, second: StudyRecord) -> list[str]:
    """Name what differs between two records; empty if they are identical.

    Floats are compared bit by bit. Seconds, timestamps, host fields, the number of
    attempts, where it ran ([execution]), how many seeds were declared and the cost
    measurement may differ.

    Args:
        first: One study.
        second: The same study once more.

    Returns:
        One line for each difference, the first differing step or epoch of each run.
    """
    return list(_of_records(first, second))


def folder_differences(first: StudyFolder, second: StudyFolder) -> list[str]:
    """As `differences`, and the arrays of every probe and surface too."""
    one, other = first.read(), second.read()
    found = differences(one, other)
    for run in one.runs:
        probes = first.probes(run.key.id), second.probes(run.key.id)
        if probes[0] != probes[1]:
            found.append(f"{run.key.id}: probes {probes[0]} against {probes[1]}")
            continue
        for probe in probes[0]:
            arrays = (study.arrays(run.key.id, probe) for study in (first, second))
            found += _of_arrays(f"{run.key.id}: {probe}", *arrays)
    return [*found, *_of_surfaces(first, second)]


def _of_surfaces(first: StudyFolder, second: StudyFolder) -> Iterator[str]:
    one, other = (
        {surface.name: surface.surface for surface in study.surfaces()}
        for study in (first, second)
    )
    for name in sorted(one.keys() ^ other.keys()):
        where = "first" if name in one else "second"
        yield f"surface {name}: only in the {where} study"
    for name in sorted(one.keys() & other.keys()):
        pairs = [
            (getattr(one[name], a), getattr(other[name], a)) for a in _ON_A_SURFACE
        ]
        if not all(_equal(*pair) for pair in pairs):
            yield f"surface {name}: other losses, or other points"


def _of_records(first: StudyRecord, second: StudyRecord) -> Iterator[str]:
    for change in differing(first.spec, second.spec):
        if not change.startswith(("execution.", "seeds_at_most:")):
            yield change
    for fact in _SAME_FACTS:
        values = first.meta.get(fact), second.meta.get(fact)
        if values[0] != values[1]:
            yield f"{fact}: {values[0]} against {values[1]}"
    runs = [{run.key: run for run in record.runs} for record in (first, second)]
    for key in runs[0].keys() ^ runs[1].keys():
        yield f"{key.id}: only in the {'first' if key in runs[0] else 'second'} study"
    for key in runs[0]:
        if key in runs[1]:
            for change in _of_runs(runs[0][key], runs[1][key]):
                yield f"{key.id}: {change}"
    yield from _of_mappings(
        "measurement", _comparable(first.measurements), _comparable(second.measurements)
    )


def _of_runs(first: RunRecord, second: RunRecord) -> Iterator[str]:
    yield from _of_fields(_SAME_IN_RUN, first, second)
    yield from _of_mappings(
        "tensor digest", first.tensor_digests, second.tensor_digests
    )
    yield from _of_steps(first.step_losses, second.step_losses)
    yield from _of_epochs(first, second)
    yield from _of_glimpses(first, second)
    if not _equal(first.correct, second.correct):
        yield "correct: other test images are classified correctly"


def _of_steps(first: NDArray[np.float32], second: NDArray[np.float32]) -> Iterator[str]:
    if first.size != second.size:
        yield f"steps: {first.size} against {second.size}"
    size = min(first.size, second.size)
    # as integers: every bit counts, and not-a-number equals itself
    unequal = first[:size].view(np.uint32) != second[:size].view(np.uint32)
    if unequal.any():
        at = int(unequal.argmax())
        yield f"loss of step {at + 1}: {first[at]!r} against {second[at]!r}"


def _of_epochs(first: RunRecord, second: RunRecord) -> Iterator[str]:
    if len(first.epochs) != len(second.epochs):
        yield f"epochs: {len(first.epochs)} against {len(second.epochs)}"
    for one, other in zip(first.epochs, second.epochs, strict=False):
        found = [
            *_of_fields(_SAME_IN_EPOCH, one, other),
            *_of_mappings("metric", one.metrics, other.metrics),
        ]
        if found:
            yield f"epoch {one.epoch}: {found[0]}"
            return


def _of_glimpses(first: RunRecord, second: RunRecord) -> Iterator[str]:
    if len(first.glimpses) != len(second.glimpses):
        yield f"glimpses: {len(first.glimpses)} against {len(second.glimpses)}"
    for one, other in zip(first.glimpses, second.glimpses, strict=False):
        found = list(_of_fields(("step", "loss", "accuracy"), one, other))
        if found:
            yield f"glimpse at step {one.step}: {found[0]}"
            return


def _of_fields(names: tuple[str, ...], first: object, second: object) -> Iterator[str]:
    for name in names:
        one, other = getattr(first, name), getattr(second, name)
        if not _equal(one, other):
            yield f"{name} {one!r} against {other!r}"


def _of_mappings(
    what: str, first: Mapping[str, Any], second: Mapping[str, Any]
) -> Iterator[str]:
    for name in sorted(first.keys() | second.keys()):
        one, other = first.get(name), second.get(name)
        if not _equal(one, other):
            yield f"{what} {name}: {one!r} against {other!r}"


def _of_arrays(
    what: str,
    first: Mapping[str, NDArray[Any]],
    second: Mapping[str, NDArray[Any]],
) -> Iterator[str]:
    for name in sorted(first.keys() | second.keys()):
        if not _equal(first.get(name), second.get(name)):
            yield f"{what}: array {name} differs"


def _comparable(measurements: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in measurements.items() if name not in _MAY_DIFFER
    }


def _equal(first: object, second: object) -> bool:
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        same_kind = first.dtype == second.dtype and first.shape == second.shape
        return same_kind and first.tobytes() == second.tobytes()
    if isinstance(first, float) and isinstance(second, float):
        return struct.pack("d", first) == struct.pack("d", second)
    return type(first) is type(second) and first == second
