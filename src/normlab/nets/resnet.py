"""A small residual network for small images."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from normlab.base.slots import NormMaker
from normlab.nets.image import image_shape


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut; a ReLU after their sum.

    Where the number of channels changes, the image is halved and the shortcut is
    a 1 x 1 convolution with a norm of its own; elsewhere both are identities.
    """

    def __init__(self, norm: NormMaker, channels: int, width: int) -> None:
        super().__init__()
        changes = channels != width
        stride = 2 if changes else 1
        self.conv1 = nn.Conv2d(channels, width, 3, stride=stride, padding=1)
        self.norm1 = norm(width, dims=2)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.norm2 = norm(width, dims=2)
        self.shortcut = (
            nn.Conv2d(channels, width, 1, stride=stride) if changes else nn.Identity()
        )
        self.norm3 = norm(width, dims=2) if changes else nn.Identity()
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """`(n, channels, h, w)` to `(n, width, h, w)`, halved where width changes."""
        branch = self.relu1(self.norm1(self.conv1(x)))
        branch = self.norm2(self.conv2(branch))
        return self.relu2(branch + self.norm3(self.shortcut(x)))


def resnet(norm: NormMaker, shape: tuple[int, ...], classes: int) -> nn.Sequential:
    """A convolution, three residual blocks of 16, 32 and 64 channels, a mean.

    It trains without norms too: torch's default initial weights make the branches
    smaller than their shortcuts, and three blocks are too few to add up.

    Args:
        norm: Makes the norms, one after every convolution.
        shape: `(channels, height, width)` of one example, at least 8 x 8.
        classes: Number of outputs.

    Raises:
        BadModel: If examples are not images, or smaller than that.

    Source: after He, Zhang, Ren and Sun 2016, arXiv 1512.03385, section 4.2.
    """
    channels, _, _ = image_shape(shape, net="resnet", smallest=8)
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 16, kernel_size=3, padding=1),
            norm1=norm(16, dims=2),
            relu1=nn.ReLU(),
            block1=Block(norm, 16, 16),
            block2=Block(norm, 16, 32),
            block3=Block(norm, 32, 64),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            fc=nn.Linear(64, classes),
        )
    )
