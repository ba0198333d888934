"""What convolutional networks ask of the shape of an example."""

from __future__ import annotations

from math import isqrt

from normlab.errors import BadModel


def image_shape(
    shape: tuple[int, ...], *, net: str, smallest: int
) -> tuple[int, int, int]:
    """Channels, height and width of an example, or a refusal.

    Raises:
        BadModel: If an example is not an image of at least `smallest` a side.

    Example:
        >>> image_shape((1, 28, 28), net="lenet", smallest=12)
        (1, 28, 28)
    """
    if len(shape) != 3:
        square = len(shape) == 1 and isqrt(shape[0]) ** 2 == shape[0]
        rows = ", or --set data.axes=hw if its numbers are the rows of an image"
        raise BadModel(
            f"net '{net}' needs images (channels, height, width), but an example has "
            f"shape {shape}. Use --model mlp{rows if square else ''}."
        )
    channels, height, width = shape
    if min(height, width) < smallest:
        raise BadModel(
            f"net '{net}' needs images of at least {smallest} x {smallest}, but these "
            f"are {height} x {width}. Take larger images (of a folder: "
            "--image-size) or --model mlp."
        )
    return channels, height, width
