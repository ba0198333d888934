"""A small residual network for small images."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from normlab.base.slots import NormMaker
from normlab.nets.hidden import behind_layer, nonlinearity
from normlab.nets.image import image_shape


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut; a nonlinearity after their sum.

    Where the number of channels changes, the image is halved and the shortcut is
    a 1 x 1 convolution with a norm of its own; elsewhere both are identities.
    """

    def __init__(
        self, norm: NormMaker, channels: int, width: int, *, activation: str = "relu"
    ) -> None:
        super().__init__()
        changes = channels != width
        stride = 2 if changes else 1
        self.conv1 = nn.Conv2d(channels, width, 3, stride=stride, padding=1)
        self.norm1 = norm(width, dims=2)
        self.nonlinearity1 = nonlinearity(activation)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.norm2 = norm(width, dims=2)
        self.shortcut = (
            nn.Conv2d(channels, width, 1, stride=stride) if changes else nn.Identity()
        )
        self.norm3 = norm(width, dims=2) if changes else nn.Identity()
        self.nonlinearity2 = nonlinearity(activation)

    def forward(self, x: Tensor) -> Tensor:
        """`(n, channels, h, w)` to `(n, width, h, w)`, halved where width changes."""
        branch = self.nonlinearity1(self.norm1(self.conv1(x)))
        branch = self.norm2(self.conv2(branch))
        return self.nonlinearity2(branch + self.norm3(self.shortcut(x)))


def resnet(
    norm: NormMaker, shape: tuple[int, ...], classes: int, *, activation: str = "relu"
) -> nn.Sequential:
    """A convolution, three residual blocks of 16, 32 and 64 channels, a mean.

    It trains without norms too: torch's default initial weights make the branches
    smaller than their shortcuts, and three blocks are too few to add up.

    Args:
        norm: Makes the norms, one after every convolution.
        shape: `(channels, height, width)` of one example, at least 8 x 8.
        classes: Number of outputs.
        activation: Another nonlinearity.

    Raises:
        BadModel: If examples are not images, or smaller than that, or there is no
            such activation.

    Source: after He, Zhang, Ren and Sun 2016, arXiv 1512.03385, section 4.2.
    """
    channels, _, _ = image_shape(shape, net="resnet", smallest=8)
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 16, kernel_size=3, padding=1),
            **behind_layer(
                1, norm(16, dims=2), activation=activation, placement="before"
            ),
            block1=ResidualBlock(norm, 16, 16, activation=activation),
            block2=ResidualBlock(norm, 16, 32, activation=activation),
            block3=ResidualBlock(norm, 32, 64, activation=activation),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            fc=nn.Linear(64, classes),
        )
    )
