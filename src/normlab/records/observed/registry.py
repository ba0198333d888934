"""Every probe's arrays."""

from normlab.records.observed.contract import ProbeArrays
from normlab.records.observed.gradient import GradientArrays

PROBES: tuple[type[ProbeArrays], ...] = (GradientArrays,)
"""In the order in which they look."""
