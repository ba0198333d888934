"""What norms really normalised by, in a few words."""

from __future__ import annotations

from normlab.landscape.evaluate.norms import Norms
from normlab.landscape.trial.trial import Findings
from normlab.records.surface import Statistics


def applied(
    statistics: Statistics, norms: Norms, found: Findings, batch_size: int
) -> str:
    """What was done, where the statistics that were asked for do not say it all."""
    every = norms.tracked
    if not every and not found.counts:
        if not found.interacts:
            return "no batch"
        return "" if statistics == "full" else f"batch({batch_size})"
    if statistics == "running":
        return f"running (in batches of {batch_size})" if found.interacts else ""
    if not norms.frozen:
        return ""
    if not norms.active:
        return "running (all norms frozen)"
    cut = "" if statistics == "full" else f"({batch_size})"
    count = f"{len(norms.frozen)} of {len(every)}"
    return f"{statistics}{cut} ({count} norms frozen)"
