"""Every probe's arrays."""

from normlab.records.observed.activations import ActivationArrays
from normlab.records.observed.contract import ProbeArrays
from normlab.records.observed.gradient import GradientArrays
from normlab.records.observed.outputs import OutputArrays
from normlab.records.observed.path import PathArrays
from normlab.records.observed.scale import ScaleArrays
from normlab.records.observed.sharpness import SharpnessArrays
from normlab.records.observed.snapshots import SnapshotArrays

PROBES: tuple[type[ProbeArrays], ...] = (
    ActivationArrays,
    PathArrays,
    OutputArrays,
    SnapshotArrays,
    GradientArrays,
    SharpnessArrays,
    ScaleArrays,
)
"""In the order in which they look."""
