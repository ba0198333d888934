"""The networks on the way that surfaces start from."""

from __future__ import annotations

from normlab.records.observed.contract import Array, ProbeArrays, kept


class SnapshotArrays(ProbeArrays, probe="snapshots"):
    """When the network itself was kept, of the seeds whose surfaces are measured."""

    steps: Array = kept(
        "steps taken before each look",
        dtype="int",
        unread="finding their files while a study runs",
    )
