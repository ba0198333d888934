"""A small study on made-up data, quick enough to be trained many times."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from normlab.base.streams import numpy_stream
from normlab.records.events import EpochDone
from normlab.spec.plan import RunKey
from normlab.spec.settings import with_settings
from normlab.spec.study import StudySpec
from normlab.study.listener import Silent

MODEL = """
from torch import nn

def make(norm, shape, classes):
    return nn.Sequential(
        nn.Flatten(), nn.Linear(36, 16), norm(16), nn.ReLU(), nn.Linear(16, classes)
    )
"""
"""A model file: its factory is `make`."""

SETTINGS = ("measure=none", "seeds=2", "recipe.epochs=3", "recipe.batch_size=16")


class StopsAfter(Silent):
    """A user who presses Ctrl-C after so many epochs."""

    def __init__(self, epochs: int) -> None:
        self.left = epochs

    def event(self, key: RunKey, event: object) -> None:
        self.left -= isinstance(event, EpochDone)
        if self.left == 0:
            raise KeyboardInterrupt


def spec_of(data: Path, *settings: str) -> StudySpec:
    """Two arms, two seeds, three epochs of 7 steps, unless told otherwise."""
    base = with_settings(StudySpec(), (f"data.source={data}", *SETTINGS))
    return with_settings(base, settings)


def write_data(folder: Path, *, images: int = 100) -> Path:
    """An .npz file of two classes of 6 x 6 images."""
    rng = numpy_stream(0, "study data")

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(count) % 2
        bright = np.where(labels, 150, 100)[:, None, None]
        return rng.normal(bright, 40, (count, 6, 6)).clip(0, 255).astype("u1"), labels

    (x_train, y_train), (x_test, y_test) = part(images), part(40)
    path = folder / "data.npz"
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path
