"""A small convolutional network in the manner of LeNet-5."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from normlab.base.slots import NormMaker
from normlab.nets.image import image_shape


def lenet(norm: NormMaker, shape: tuple[int, ...], classes: int) -> nn.Sequential:
    """Two convolutions of 6 and 16 channels, then layers of 120 and 84 units.

    The sizes are LeNet-5's; ReLU and max pooling stand where it has sigmoids and
    trained averages.

    Args:
        norm: Makes the norms of both convolutions and both hidden layers.
        shape: `(channels, height, width)` of one example, at least 12 x 12.
        classes: Number of outputs.

    Raises:
        BadModel: If examples are not images, or smaller than that.

    Source: LeCun, Bottou, Bengio and Haffner 1998, section II B.
    """
    channels, height, width = image_shape(shape, net="lenet", smallest=12)
    # the first convolution is padded; each pooling halves, the second takes 4 off
    rows, columns = ((side // 2 - 4) // 2 for side in (height, width))
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 6, kernel_size=5, padding=2),
            norm1=norm(6, dims=2),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(6, 16, kernel_size=5),
            norm2=norm(16, dims=2),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            fc1=nn.Linear(16 * rows * columns, 120),
            norm3=norm(120),
            relu3=nn.ReLU(),
            fc2=nn.Linear(120, 84),
            norm4=norm(84),
            relu4=nn.ReLU(),
            fc3=nn.Linear(84, classes),
        )
    )
