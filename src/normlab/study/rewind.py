"""Where a run goes on: at its newest sound checkpoint that the records reach."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from normlab.errors import BadFolder
from normlab.records.writer import Writer
from normlab.spec.plan import RunKey
from normlab.train.checkpoint import epochs_saved, forget, load


def rewound(
    key: RunKey, checkpoints: Path, writer: Writer, told: Callable[[str], None]
) -> int:
    """Take the records of a run back to its newest sound checkpoint.

    Args:
        key: The run.
        checkpoints: Its folder of them.
        writer: Of the study.
        told: Hears of each that is passed over because it cannot be read.

    Returns:
        The epochs that it has done by then; 0 if it starts anew.
    """
    torn = []
    start = 0
    for epoch in sorted(epochs_saved(checkpoints), reverse=True):
        if not _is_sound(checkpoints, epoch):
            torn.append(epoch)
        elif writer.rewind(key, epoch) == epoch:
            start = epoch
            break
    else:
        writer.rewind(key, 0)
    again = f"from epoch {start}" if start else "from the beginning"
    for epoch in torn:
        forget(checkpoints, epoch)
        told(f"{key.id}: its checkpoint of epoch {epoch} is damaged; going on {again}")
    return start


def _is_sound(checkpoints: Path, epoch: int) -> bool:
    try:
        load(checkpoints, epoch)
    except BadFolder:
        return False
    return True
