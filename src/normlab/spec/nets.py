"""The networks that come with normlab, without importing them."""

from __future__ import annotations

from collections.abc import Mapping

NETS: Mapping[str, Mapping[str, str]] = {
    "mlp": {
        "depth": "2",
        "width": "512, 256, 256, ...",
        "activation": "relu",
        "placement": "before",
        "weight_std": "torch's",
    },
    "sigmoid": {
        "depth": "3",
        "width": "100",
        "activation": "sigmoid",
        "placement": "before",
        "weight_std": "0.1",
    },
    "lenet": {"activation": "relu", "placement": "before"},
    # behind the nonlinearity, the norm of a block would normalise the shortcut too
    "resnet": {"activation": "relu"},
}
"""Name of each, which is that of its file and function in `nets`; and which keys of
`[model]` vary it, with the words for what it is without them."""


def by_default(key: str) -> str:
    """What a key of `[model]` is where it is left to the networks, in words.

    Example:
        >>> by_default("depth"), by_default("placement")
        ('2 for `mlp`; 3 for `sigmoid`', 'before')
    """
    nets: dict[str, list[str]] = {}
    for net, defaults in NETS.items():
        if key in defaults:
            nets.setdefault(defaults[key], []).append(f"`{net}`")
    if len(nets) == 1:
        return next(iter(nets))
    return "; ".join(f"{value} for {', '.join(of)}" for value, of in nets.items())
