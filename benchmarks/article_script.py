"""The article's experiment as a plain PyTorch script: what normlab is measured against.

A 784-512-256-10 ReLU network on MNIST, first plain, then with batch norm after both
hidden linear layers; batches of 64, shuffled; cross-entropy; SGD 0.01 with momentum
0.9; 5 epochs; `.item()` at every step; torch's default number of threads. It prints
the mean training loss of each epoch and, at the end, the test accuracy.

The data pipeline is the usual one of image tutorials: each sample is made a PIL image,
turned into a tensor and normalised when it is asked for, then collated by a
DataLoader. These transforms are written out here, step for step what such a pipeline
does, because torchvision is not needed for anything else. `--loader memory` is the
second reference: a DataLoader over tensors that were normalised beforehand.
"""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data import Dataset as SampleSource

FILES = Path(__file__).parents[1] / "src" / "normlab" / "data" / "files"
MEAN, STD = 0.1307, 0.3081


def read_idx(path: Path) -> NDArray[np.uint8]:
    """A gzipped IDX file of bytes: magic number, extents (big-endian), numbers."""
    content = gzip.decompress(path.read_bytes())
    dims = content[3]
    extents = np.frombuffer(content, ">i4", count=dims, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dims).reshape(extents)


def read_part(part: str) -> tuple[Tensor, Tensor]:
    """Images (n, 28, 28) uint8 and labels (n,) int64 of "train" or "t10k"."""
    images = read_idx(FILES / f"{part}-images-idx3-ubyte.gz")
    labels = read_idx(FILES / f"{part}-labels-idx1-ubyte.gz")
    return torch.from_numpy(images.copy()), torch.from_numpy(labels.astype(np.int64))


class ToTensor:
    """PIL image to float tensor (channels, height, width) on the scale 0 to 1."""

    def __call__(self, picture: Image.Image) -> Tensor:
        """One image."""
        values = torch.from_numpy(np.array(picture, np.uint8, copy=True))
        values = values.view(picture.size[1], picture.size[0], len(picture.getbands()))
        return values.permute(2, 0, 1).contiguous().to(torch.float32).div(255)


class Normalize(nn.Module):
    """Subtract a mean and divide by a standard deviation, channel by channel."""

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, image: Tensor) -> Tensor:
        """One image; the tensors of mean and std are made anew for each."""
        image = image.clone()
        mean = torch.as_tensor(self.mean, dtype=image.dtype, device=image.device)
        std = torch.as_tensor(self.std, dtype=image.dtype, device=image.device)
        if (std == 0).any():
            raise ValueError(f"std={self.std} holds a zero: nothing to divide by.")
        return image.sub_(mean.view(-1, 1, 1)).div_(std.view(-1, 1, 1))


class Compose:
    """One transform after the other."""

    def __init__(self, *transforms: Callable[[Any], Tensor]) -> None:
        self.transforms = transforms

    def __call__(self, sample: Any) -> Tensor:
        """One image."""
        for transform in self.transforms:
            sample = transform(sample)
        return sample


class Digits(SampleSource[tuple[Tensor, int]]):
    """MNIST, each sample decoded and transformed when it is asked for."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = images, labels
        self.transform = Compose(ToTensor(), Normalize((MEAN,), (STD,)))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture = Image.fromarray(self.images[index].numpy())
        return self.transform(picture), int(self.labels[index])


def in_memory(images: Tensor, labels: Tensor) -> TensorDataset:
    """The same samples, normalised once."""
    return TensorDataset((images[:, None].float() / 255 - MEAN) / STD, labels)


LOADED = {"samples": Digits, "memory": in_memory}


def network(arm: str) -> nn.Module:
    """The article's network, "none" or "batch"."""
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in ((784, 512), (512, 256)):
        layers.append(nn.Linear(inputs, outputs))
        if arm == "batch":
            layers.append(nn.BatchNorm1d(outputs))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers, nn.Linear(256, 10))


def train(model: nn.Module, loader: DataLoader, epochs: int) -> None:
    """Train and print the mean loss of each epoch."""
    loss_of = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    model.train()
    for epoch in range(1, epochs + 1):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = loss_of(model(images), labels)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"  epoch {epoch}: loss {total / len(loader):.4f}", flush=True)


def accuracy(model: nn.Module, loader: DataLoader) -> float:
    """Share of test images that are recognised."""
    model.eval()
    right = seen = 0
    with torch.no_grad():
        for images, labels in loader:
            right += (model(images).argmax(dim=1) == labels).sum().item()
            seen += len(labels)
    return right / seen


def main() -> None:
    """Train the arms one after the other."""
    parser = argparse.ArgumentParser(description="The article's experiment, plain.")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--arms", default="none,batch")
    parser.add_argument("--loader", choices=LOADED, default="samples")
    parser.add_argument("--images", type=int, help="train on the first N only (a try)")
    given = parser.parse_args()

    load = LOADED[given.loader]
    images, labels = read_part("train")
    training = load(images[: given.images], labels[: given.images])
    train_loader = DataLoader(training, batch_size=64, shuffle=True)
    test_loader = DataLoader(load(*read_part("t10k")), batch_size=64, shuffle=False)
    models = {arm: network(arm) for arm in given.arms.split(",")}
    for arm, model in models.items():
        print(arm)
        train(model, train_loader, given.epochs)
    for arm, model in models.items():
        print(f"{arm}: test accuracy {accuracy(model, test_loader):.2%}")


if __name__ == "__main__":
    main()
