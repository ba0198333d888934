"""What nets and norms agree on, so that neither has to know the other.

A net has *slots*: places, named `norm1`, `norm2`, ..., where a norm may stand. It
asks a `NormMaker` for a module for each of them and says only how wide the slot
is and what passes through it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral  # NumPy's integers too
from typing import NamedTuple, Protocol

from torch import nn

from normlab.errors import BadModel

KINDS = ("vectors", "sequences", "images", "volumes")
"""What passes through a slot, by its number of position axes."""
_POSITIONS = ("", ", positions", ", height, width", ", depth, height, width")
_MARK = "_normlab_slot"


class NormMaker(Protocol):
    """Makes the norm of one slot, e.g. `norm(256)` or `norm(16, dims=2)`."""

    def __call__(
        self, features: int, dims: int = 0, **settings: float | None
    ) -> nn.Module:
        """Module for inputs of shape `(n, features, *positions)`.

        Args:
            features: Width of the slot: units or channels.
            dims: Number of position axes: 0 vectors, 1 sequences, 2 images,
                3 volumes.
            settings: `eps` and `momentum`, for a norm that has them.

        Raises:
            BadModel: If this norm has no meaning at such a slot.
        """
        ...


def describe(features: int, dims: int) -> str:
    """Name a slot in an error message; refuse one that cannot exist.

    Raises:
        BadModel: If `features` is not positive or `dims` is not 0, 1, 2 or 3.

    Example:
        >>> describe(16, 2)
        'images of 16 features'
    """
    if not isinstance(features, Integral) or features < 1:
        raise BadModel(f"a norm needs at least 1 feature, not features={features!r}.")
    if dims not in range(len(KINDS)):
        raise BadModel(
            f"a norm needs dims=0 (vectors), 1 (sequences), 2 (images) or "
            f"3 (volumes), not dims={dims!r}."
        )
    return f"{KINDS[dims]} of {features} feature{'s' if features > 1 else ''}"


class Slot(NamedTuple):
    """What a norm was asked for with."""

    features: int
    dims: int

    def __str__(self) -> str:
        dims = f", dims={self.dims}" if self.dims else ""
        return f"norm({self.features}{dims})"

    def misfit(self, shape: Sequence[int], units: int | None = None) -> str | None:
        """Why an input is not what the slot is for, and the right call; None if it is.

        Args:
            shape: Of the input, with the batch.
            units: The axis that holds its features, if that is known.

        Example:
            >>> print(Slot(8, 0).misfit((64, 8, 6, 6)))
            norm(8) is for inputs of shape (examples, 8), and gets (64, 8, 6, 6). \
Call norm(8, dims=2).
            >>> Slot(8, 2).misfit((64, 8, 6, 6)) is None
            True
        """
        axes, second = len(shape), shape[1] if len(shape) > 1 else None
        turned = units not in (None, 1) and shape[units or 0] == self.features
        if axes == self.dims + 2 and second == self.features and not turned:
            return None
        layout = f"(examples, {self.features}{_POSITIONS[self.dims]})"
        return (
            f"{self} is for inputs of shape {layout}, and gets {tuple(shape)}"
            f"{' with its features along another axis' if turned else ''}. "
            f"{self._remedy(shape, turned=turned)}"
        )

    def _remedy(self, shape: Sequence[int], *, turned: bool) -> str:
        axes = len(shape)
        if not 2 <= axes <= len(KINDS) + 1:
            return "Give it a batch of one of these shapes."
        second, last = (shape[axis] == self.features for axis in (1, -1))
        right = Slot(self.features if second or last else shape[1], axes - 2)
        moved = f"call {right} on x.movedim(-1, 1), and move the axis back"
        if axes > 2 and last and (turned or not second):
            return f"They must be along axis 1: {moved}."
        if axes > 2 and last:
            return f"Call {right} if axis 1 holds them. If the last does, {moved}."
        return f"Call {right}."


def with_settings(norm: nn.Module, settings: Mapping[str, float | None]) -> nn.Module:
    """The same norm with the `eps` and `momentum` of its slot, if it has such.

    Raises:
        BadModel: If anything else is to be set.

    Example:
        >>> with_settings(nn.BatchNorm1d(3), {"eps": 1e-3, "momentum": None})
        BatchNorm1d(3, eps=0.001, momentum=None, ...)
        >>> with_settings(nn.Identity(), {"eps": 1e-3})
        Identity()
    """
    for name, value in settings.items():
        if name not in ("eps", "momentum"):
            raise BadModel(
                f"norm(..., {name}={value}): the norm of an arm takes eps and "
                "momentum, and the rest is the arm's. Leave it out."
            )
        if hasattr(norm, name):
            setattr(norm, name, value)
    return norm


def marked(norm: nn.Module, slot: Slot) -> nn.Module:
    """The same module, known to stand in a slot, as will be its copies."""
    setattr(norm, _MARK, tuple(slot))
    return norm


def in_slot(module: nn.Module) -> bool:
    """Whether it is a norm that was made for a slot; an empty slot has none.

    Example:
        >>> [in_slot(marked(one, Slot(16, 2))) for one in (nn.Identity(), nn.ReLU())]
        [False, True]
    """
    return hasattr(module, _MARK) and type(module) is not nn.Identity


def slots_of(model: nn.Module) -> dict[str, Slot]:
    """The norms of a network that were made for a slot, by their paths.

    Example:
        >>> slots_of(nn.Sequential(nn.ReLU(), marked(nn.Identity(), Slot(16, 2))))
        {'1': Slot(features=16, dims=2)}
    """
    return {
        path: Slot(*getattr(module, _MARK))
        for path, module in model.named_modules()
        if hasattr(module, _MARK)
    }
