"""`normlab run --quick`: the same question in less than a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normlab.analysis.text.words import count
from normlab.spec.model import Model
from normlab.spec.plan import plan
from normlab.spec.settings import with_values

if TYPE_CHECKING:
    from normlab.spec.study import StudySpec

SEEDS, EPOCHS = 3, 1
RUNS = 6  # of the smallest network, that two cores train in less than a minute


def reduced(spec: StudySpec) -> StudySpec:
    """The study from few seeds and one epoch, without pictures of loss surfaces.

    Whatever is smaller already stays. All images are kept: with fewer an epoch is too
    short to tell who is faster.
    """
    seeds = min(SEEDS, len(spec.seeds))
    values = [
        ("seeds", "".join(f"{seed}," for seed in spec.seeds[:seeds])),
        ("recipe.epochs", str(min(EPOCHS, spec.recipe.epochs))),
        ("surfaces.seeds", "0"),
    ]
    return with_values(spec, values)


def may_take_long(spec: StudySpec) -> bool:
    """Whether it is more than what is trained in less than a minute."""
    return len(plan(spec)) > RUNS or spec.model != Model() or spec.recipe.epochs > 1


def quick_text(spec: StudySpec) -> str:
    """What was reduced, in one line."""
    epochs = count(spec.recipe.epochs, "epoch")
    images = f" of {spec.data.training:,} images" if spec.data.training else ""
    return (
        f"quick: {count(len(spec.seeds), 'seed')}, {epochs}{images}, "
        "no pictures of loss surfaces; without --quick all"
    )
