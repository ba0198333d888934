"""What reaches a network, of every type, layout and container, against float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import scipy.io
import torch
from numpy.typing import NDArray
from torch.utils.data import TensorDataset

from normlab.data.arrays import from_given
from normlab.data.dataset import Dataset
from normlab.data.feed import Feed
from normlab.data.load import load
from normlab.spec.data import Data

from .test_arrays import Items

N, M = 26, 9  # training and test examples; no axis of an example is as long
RNG = np.random.default_rng(7)

Parts = dict[str, NDArray[Any]]


class Kind(NamedTuple):
    """A type of numbers, and whether they are whole and from 0 to 255."""

    dtype: str
    bytes: bool
    draw: Callable[[tuple[int, ...]], NDArray[Any]]


def _draw(low: float, high: float) -> Callable[[tuple[int, ...]], NDArray[Any]]:
    def draw(shape: tuple[int, ...]) -> NDArray[Any]:
        # of each column its own scale: one mean for all must show
        scale = np.linspace(0.6, 1, shape[-1])
        return low + (high - low) * scale * RNG.random(shape)

    return draw


KINDS = [
    *(
        Kind(dtype, bytes=True, draw=_draw(0, 255.9))
        for dtype in ("uint8", "int16", "int32", "int64")
    ),
    *(
        Kind(dtype, bytes=True, draw=lambda s: np.floor(_draw(0, 255.9)(s)))
        for dtype in ("float32", "float64")
    ),
    Kind("bool", bytes=True, draw=lambda s: RNG.random(s) < 0.5),
    *(Kind(dtype, bytes=False, draw=_draw(-500, 4000)) for dtype in ("int16", "int64")),
    *(Kind(dtype, bytes=False, draw=_draw(-3, 5)) for dtype in ("float32", "float64")),
]


class Layout(NamedTuple):
    """A shape, and how an example of it must reach the network."""

    shape: tuple[int, ...]
    of_bytes: Callable[[NDArray[Any]], NDArray[Any]]
    """Channels first, as numbers that one mean belongs to."""
    of_others: Callable[[NDArray[Any]], NDArray[Any]]


def as_it_is(x: NDArray[Any]) -> NDArray[Any]:
    return x


def one_channel(x: NDArray[Any]) -> NDArray[Any]:
    return x[:, np.newaxis]


def last_is_channels(x: NDArray[Any]) -> NDArray[Any]:
    return np.moveaxis(x, -1, 1)


def together(x: NDArray[Any]) -> NDArray[Any]:
    """A row of pixels: one mean for all."""
    return x[:, np.newaxis]


LAYOUTS = {
    "n,h,w": Layout((8, 8), one_channel, one_channel),
    "n,h,w,c": Layout((8, 8, 3), last_is_channels, last_is_channels),
    "n,h,w,2": Layout((7, 8, 2), last_is_channels, last_is_channels),
    "n,h,w,13": Layout((16, 16, 13), last_is_channels, last_is_channels),
    "n,c,h,w": Layout((3, 8, 7), as_it_is, as_it_is),
    "n,k2": Layout((64,), together, as_it_is),
    "n,3k2": Layout((192,), together, as_it_is),
    "sequences": Layout((3, 20), one_channel, as_it_is),
    "sequences, channels last": Layout((20, 3), one_channel, last_is_channels),
    "volumes": Layout((5, 5, 5), one_channel, one_channel),
    "volumes with channels": Layout((2, 5, 6, 7), as_it_is, as_it_is),
    "table": Layout((5,), as_it_is, as_it_is),
}


def arrays(x: Parts, y: Parts, _: Path) -> Dataset:
    return from_given(((x["train"], y["train"]), (x["test"], y["test"])), spec=Data())


def tensors(x: Parts, y: Parts, _: Path) -> Dataset:
    both = [TensorDataset(*map(torch.from_numpy, (x[p], y[p]))) for p in x]
    return from_given(tuple(both), spec=Data())


def dict_items(x: Parts, y: Parts, _: Path) -> Dataset:
    def rows(part: str) -> Iterator[dict[str, Any]]:
        for image, label in zip(x[part], y[part], strict=True):
            yield {"id": 3, "image": image, "label": int(label)}

    return from_given({part: Items(*rows(part)) for part in x}, spec=Data())


def mapping(x: Parts, y: Parts, _: Path) -> Dataset:
    return from_given(named(x, y), spec=Data())


def npz(x: Parts, y: Parts, folder: Path) -> Dataset:
    np.savez(folder / "d.npz", **named(x, y))
    return load(Data(source=str(folder / "d.npz")))


def pt(x: Parts, y: Parts, folder: Path) -> Dataset:
    for part in x:
        torch.save(
            (torch.tensor(x[part]), torch.tensor(y[part])), folder / f"{part}.pt"
        )
    return load(Data(source=str(folder)))


def mat(x: Parts, y: Parts, folder: Path) -> Dataset:
    for part in x:
        last = np.moveaxis(x[part], 0, -1) if x[part].ndim > 2 else x[part]
        scipy.io.savemat(folder / f"{part}_32x32.mat", {"X": last, "y": y[part]})
    return load(Data(source=str(folder)))


def csv(x: Parts, y: Parts, folder: Path) -> Dataset:
    for part in x:
        frame(x, y, part).to_csv(folder / f"{part}.csv", index=False)
    return load(Data(source=str(folder)))


def frames(x: Parts, y: Parts, _: Path) -> Dataset:
    return from_given(tuple(frame(x, y, part) for part in x), spec=Data())


def named(x: Parts, y: Parts) -> dict[str, NDArray[Any]]:
    both = {f"{part}_images": x[part] for part in x}
    return both | {f"{part}_labels": y[part] for part in y}


def frame(x: Parts, y: Parts, part: str) -> pd.DataFrame:
    numbers = x[part].astype(np.uint8) if x[part].dtype == bool else x[part]
    table = pd.DataFrame(numbers, columns=[f"f{i}" for i in range(numbers.shape[1])])
    table.insert(2, "target", y[part])
    return table


FLAT = {"csv": csv, "frames": frames}
CONTAINERS = {
    "arrays": arrays,
    "tensors": tensors,
    "dict items": dict_items,
    "mapping": mapping,
    "npz": npz,
    "pt": pt,
    "mat": mat,
    **FLAT,
}
CELLS = [
    (container, layout)
    for container in CONTAINERS
    for layout, look in LAYOUTS.items()
    if container not in FLAT or len(look.shape) == 1
]


@pytest.mark.parametrize(("container", "layout"), CELLS)
def test_what_reaches_the_network_is_standardised_as_float64_says(
    container: str, layout: str, tmp_path: Path
) -> None:
    look = LAYOUTS[layout]
    y = {"train": np.arange(N) % 2, "test": np.arange(M) % 2}
    for number, kind in enumerate(KINDS):
        x = {p: kind.draw((len(y[p]), *look.shape)).astype(kind.dtype) for p in y}
        folder = tmp_path / str(number)
        folder.mkdir()
        data = CONTAINERS[container](x, y, folder)
        pixels = kind.bytes and layout != "table"
        taken = look.of_bytes if pixels else look.of_others
        wide = {part: taken(x[part].astype(np.float64)) for part in x}
        places = (0, *range(2, wide["train"].ndim))
        mean = wide["train"].mean(axis=places, keepdims=True)
        std = wide["train"].std(axis=places, keepdims=True)
        for part, own in (("train", data.train), ("test", data.test)):
            fed, labels = Feed(own, data.mean, data.std).take(torch.arange(len(own)))
            expected = (wide[part] - mean) / std
            if layout in ("n,k2", "n,3k2"):
                expected = expected.reshape(len(expected), -1)
            assert fed.shape == expected.shape, kind
            np.testing.assert_allclose(
                fed, expected, rtol=1e-5, atol=1e-5, err_msg=f"{kind}"
            )
            assert labels.tolist() == y[part].tolist()
        assert (data.train.images.dtype == np.uint8) == pixels, kind
