"""The networks that come with normlab, without importing them."""

from __future__ import annotations

from collections.abc import Mapping

_FEED_FORWARD = ("depth", "width", "activation", "placement", "weight_std")

NETS: Mapping[str, tuple[str, ...]] = {
    "mlp": _FEED_FORWARD,
    "sigmoid": _FEED_FORWARD,
    "lenet": ("activation", "placement"),
    # behind the nonlinearity, the norm of a block would normalise the shortcut too
    "resnet": ("activation",),
}
"""Name of each, which is that of its file and function in `nets`, and which keys of
`[model]` vary it."""
