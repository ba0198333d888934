"""Nets by name."""

from __future__ import annotations

from importlib import import_module

from torch import nn

from normlab.base.slots import NormMaker
from normlab.errors import BadModel
from normlab.spec.nets import NETS


def build(
    name: str,
    norm: NormMaker,
    shape: tuple[int, ...],
    classes: int,
    **options: float | str,
) -> nn.Module:
    """Build a net for data of a given shape.

    The initial weights are drawn from torch's default generator: build under
    `base.streams.seeded`.

    Args:
        name: One of `NETS`.
        norm: Fills the norm slots, e.g. `norms.registry.maker("batch")`.
        shape: Of one example, without the batch.
        classes: Number of outputs, at least 2.
        options: Of that net, e.g. `depth` of mlp; see its function.

    Raises:
        BadModel: If there is no such net, it does not fit the data, or the norm
            has no meaning in one of its slots.

    Example:
        >>> net = build("mlp", lambda features, dims=0: nn.Identity(), (784,), 10)
        >>> list(net.state_dict())[:2]
        ['fc1.weight', 'fc1.bias']
    """
    if name not in NETS:
        raise BadModel(
            f"there is no net '{name}'. There are: {', '.join(NETS)}; your own "
            f"goes by FILE.py:factory."
        )
    if not shape or min(shape) < 1:
        raise BadModel(f"net '{name}' cannot read examples of shape {tuple(shape)}.")
    if classes < 2:
        raise BadModel(f"net '{name}' needs at least 2 classes, not {classes}.")
    try:
        net = getattr(import_module(f"normlab.nets.{name}"), name)
        return net(norm, shape, classes, **options)
    except (MemoryError, RuntimeError) as error:  # torch raises the latter
        if not isinstance(error, MemoryError) and "alloc" not in str(error):
            raise
        size = " x ".join(map(str, shape))
        raise BadModel(
            f"net '{name}' on inputs of {size} does not fit into memory. Take "
            "smaller images (of a folder: --image-size) or a narrower net."
        ) from None
    except BadModel as refused:
        if str(refused).startswith("net "):
            raise
        raise BadModel(f"net '{name}': {refused}") from None
