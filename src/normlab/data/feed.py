"""From image numbers to the tensors that a network is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from normlab.data.dataset import Part
from normlab.errors import BadData

_FAR = 64  # standard deviations from zero where float32 begins to lose digits
_SMALL = 1 / float(np.finfo(np.float32).max)  # a standard deviation


class Feed:
    r"""Normalised batches of one part.

    A number p of an image becomes $x=(p/255-\mu)/\sigma$ for uint8 images and
    $x=(p-\mu)/\sigma$ for float ones, channel by channel. It is computed as
    $x=p\,s+t$ in float32 with $s$ and $t$ rounded once from float64, so it is off
    by a few units in the last place of the largest term. Where that is not enough,
    for float64 images and means far from zero, x is computed in float64 and then
    rounded. int64 numbers are given as they are. What an image becomes
    depends on nothing but the image: not on its batch, nor on its place in it.

    The images stay as they are stored (one uint8 copy of MNIST is 47 MB, which
    workers share; four times that as float32) and are converted when taken.

    Args:
        part: Images and labels.
        mean: $\mu$, one number or one per channel.
        std: $\sigma$, as many.
        device: Where the images are kept and the batches are made.

    Raises:
        BadData: If there are neither one nor as many numbers as channels.

    Example:
        >>> images = np.array([[0.0, 2.0], [4.0, 6.0]], np.float32)
        >>> part = Part(images=images, labels=np.array([0, 1]))
        >>> Feed(part, (2.0,), (2.0,)).take(torch.tensor([1]))
        (tensor([[1., 2.]]), tensor([1]))
    """

    def __init__(
        self,
        part: Part,
        mean: Sequence[float],
        std: Sequence[float],
        device: torch.device | str = "cpu",
    ) -> None:
        self.device = torch.device(device)
        self.shape = part.images.shape[1:]
        # rows of numbers: one row per sample is the fastest layout to pick from
        flat = torch.from_numpy(part.images.reshape(len(part), -1))
        self._as_they_are = not flat.is_floating_point() and flat.dtype != torch.uint8
        self._in_float64 = needs_float64(part, mean, std)
        # not every device has float64
        self._images = flat if self._in_float64 else flat.to(self.device)
        self._labels = torch.from_numpy(part.labels).to(self.device)
        self._mean, self._std = self._per_number(mean), self._per_number(std)
        largest = 255.0 if flat.dtype == torch.uint8 else 1.0
        self._scale = (1.0 / (largest * self._std)).float().to(self.device)
        self._shift = (-self._mean / self._std).float().to(self.device)

    def __len__(self) -> int:
        return len(self._labels)

    def take(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """The images and labels at `indices`, in that order, as new tensors.

        Args:
            indices: Vector of int64 image numbers.

        Returns:
            float32 (or int64, as they are) of shape (len(indices), *sample shape), and
            int64 labels.
        """
        # the output is allocated anew: writing into a kept one saves 3 of 56
        # microseconds (64 images of MNIST), and a batch that changes under its
        # holder costs an afternoon
        picked = self._images.index_select(0, indices.to(self._images.device))
        labels = self._labels.index_select(0, indices.to(self.device))
        return self._prepared(picked), labels

    def chunks(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """All images in their order, in nearly equal chunks of at most `size`."""
        count = max(1, -(-len(self) // size))
        images, labels = (
            tensor.tensor_split(count) for tensor in (self._images, self._labels)
        )
        for picked, y in zip(images, labels, strict=True):
            # copied: a piece is a view of the data
            yield self._prepared(picked.clone()), y

    def _prepared(self, own: Tensor) -> Tensor:
        """What a network is given of these rows, which may be written to."""
        if self._as_they_are:
            x = own
        elif self._in_float64:
            x = own.double().sub_(self._mean).div_(self._std).float().to(self.device)
        else:
            x = own.to(torch.float32)
            x = torch.addcmul(self._shift, x, self._scale, out=x)
        return x.view(-1, *self.shape)

    def _per_number(self, values: Sequence[float]) -> Tensor:
        """One number per number of a sample: four times as fast as broadcasting."""
        per_channel = (len(values), *(1 for _ in self.shape[1:]))
        shaped = np.reshape(np.asarray(values, np.float64), per_channel)
        whole = np.broadcast_to(shaped, self.shape).reshape(-1)
        return torch.from_numpy(np.array(whole))


def needs_float64(part: Part, mean: Sequence[float], std: Sequence[float]) -> bool:
    """Whether digits would be lost if `Feed` computed in float32.

    Raises:
        BadData: If there are neither one nor as many numbers as channels.
    """
    channels = part.images.shape[1]
    if len(mean) != len(std) or len(mean) not in (1, channels):
        raise BadData(
            f"{len(mean)} means and {len(std)} standard deviations for images of "
            f"{channels} channels; give one of each, or one of each per channel."
        )
    if part.images.dtype in (np.uint8, np.int64):
        return False
    far = np.abs(np.asarray(mean) / np.asarray(std)).max() > _FAR
    # below it the inverse has no place in float32
    small = np.min(std) < _SMALL
    return part.images.dtype == np.float64 or bool(far or small)
