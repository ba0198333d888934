"""`normlab run --quick`: the same question in less than a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normlab.analysis.text.words import count
from normlab.spec.names import DATA
from normlab.spec.settings import with_values

if TYPE_CHECKING:
    from normlab.spec.study import StudySpec

SEEDS, EPOCHS, IMAGES = 3, 2, 10_000


def reduced(spec: StudySpec, *, source: str) -> StudySpec:
    """The study from few seeds, one epoch and few images, without loss surfaces.

    Whatever is smaller already stays. Images of the user's own are all kept: there may
    be few.

    Args:
        spec: The study.
        source: Where its data will come from.
    """
    seeds = min(SEEDS, len(spec.seeds))
    values = [
        ("seeds", "".join(f"{seed}," for seed in spec.seeds[:seeds])),
        ("recipe.epochs", str(min(EPOCHS, spec.recipe.epochs))),
        ("surfaces.seeds", "0"),
    ]
    if source in DATA:
        known = spec.data.training or IMAGES
        values.append(("data.training", str(min(IMAGES, known))))
    return with_values(spec, values)


def quick_text(spec: StudySpec) -> str:
    """What was reduced, in one line."""
    epochs = count(spec.recipe.epochs, "epoch")
    images = f" of {spec.data.training:,} images" if spec.data.training else ""
    return (
        f"quick: {count(len(spec.seeds), 'seed')}, {epochs}{images}, no loss surfaces; "
        "without --quick all"
    )
