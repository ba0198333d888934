"""The probes of one run, by how much is to be measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from torch import nn

from normlab.probes.context import ProbeContext
from normlab.probes.unmade import Unmade
from normlab.records.observed.registry import MEASURES, Measure
from normlab.train.run_config import RunConfig
from normlab.train.step_state import Observer
from normlab.user_code import is_stop


def maker(name: str) -> Callable[[ProbeContext], Observer | None]:
    """What makes a probe for a run: the function of its name in the file of its name.

    It gives None where the probe has nothing to look at.
    """
    return getattr(import_module(f"normlab.probes.{name}"), name)


def observers(
    measure: Measure,
    model: nn.Module,
    config: RunConfig,
    *,
    shared: Sequence[str],
    snapshots: Path | None = None,
    levels: Path | None = None,
) -> list[Observer]:
    """The probes that look at one run.

    Args:
        measure: How much is to be measured.
        model: The run's network at step 0; left bit-identical.
        config: What it is trained on, and how.
        shared: Names of the tensors that all arms of the study have.
        snapshots: Folder for networks on the way; None keeps none.
        levels: Folder for those at levels of training loss; likewise.
    """
    context = ProbeContext(
        model=model, config=config, shared=shared, snapshots=snapshots, levels=levels
    )
    made = (_made(name, context) for name in MEASURES[measure])
    return [observer for observer in made if observer is not None]


def _made(name: str, context: ProbeContext) -> Observer | None:
    """A probe, or one that says why there is none."""
    make = maker(name)
    try:
        return make(context)
    except BaseException as error:
        if is_stop(error):
            raise
        return Unmade(name, error)
