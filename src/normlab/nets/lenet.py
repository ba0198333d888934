"""A small convolutional network in the manner of LeNet-5."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from normlab.base.slots import NormMaker
from normlab.nets.hidden import behind_layer
from normlab.nets.image import image_shape


def lenet(
    norm: NormMaker,
    shape: tuple[int, ...],
    classes: int,
    *,
    activation: str = "relu",
    placement: str = "before",
) -> nn.Sequential:
    """Two convolutions of 6 and 16 channels, then layers of 120 and 84 units.

    The sizes are LeNet-5's; ReLU and max pooling stand where it has sigmoids and
    trained averages.

    Args:
        norm: Makes the norms of both convolutions and both hidden layers.
        shape: `(channels, height, width)` of one example, at least 12 x 12.
        classes: Number of outputs.
        activation: Another nonlinearity.
        placement: The norm `before` or `after` the nonlinearity; pooling is last.

    Raises:
        BadModel: If examples are not images, or smaller than that, or there is no
            such activation or placement.

    Source: LeCun, Bottou, Bengio and Haffner 1998, section II B.
    """
    channels, height, width = image_shape(shape, net="lenet", smallest=12)
    # the first convolution is padded; each pooling halves, the second takes 4 off
    rows, columns = ((side // 2 - 4) // 2 for side in (height, width))

    def behind(number: int, norm: nn.Module) -> dict[str, nn.Module]:
        return behind_layer(number, norm, activation=activation, placement=placement)

    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 6, kernel_size=5, padding=2),
            **behind(1, norm(6, dims=2)),
            pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(6, 16, kernel_size=5),
            **behind(2, norm(16, dims=2)),
            pool2=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            fc1=nn.Linear(16 * rows * columns, 120),
            **behind(3, norm(120)),
            fc2=nn.Linear(120, 84),
            **behind(4, norm(84)),
            fc3=nn.Linear(84, classes),
        )
    )
