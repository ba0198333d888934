"""Which images are learnt, and how they are cut and prepared."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from normlab.spec._frozen import Frozen, Number, Whole
from normlab.spec._text import Line

Deviation = Annotated[Number, Field(gt=0)]


Axes = Literal["f", "l", "cl", "lc", "hw", "chw", "hwc", "dhw", "cdhw", "dhwc"]


class Data(Frozen):
    """The `[data]` table of study.toml.

    Example:
        >>> Data(source="mnist", validation=5000).validation
        5000
    """

    section: ClassVar[str] = "data"

    source: Line = "mnist"
    """A built-in name, or a path to a file or folder of arrays, tables or images."""
    validation: Whole | None = Field(default=None, ge=0, le=10**8)
    """Training images held out to choose by; auto: 5,000 with several rates, else 0."""
    training: Whole | None = Field(default=None, ge=1, le=10**8)
    """Training images used; auto: all that are not held out."""
    binarize: bool = False
    """Whether pixels become black or white, whichever is nearer."""
    image_size: Whole | None = Field(default=None, ge=1, le=4096)
    """Pixels per side that images are resized to; auto: as found."""
    color: bool | None = None
    """Color (true) or gray (false) for image folders; auto: as found."""
    axes: Axes | None = None
    """Of an array's example: c, d, h, w, l (length) or f (features); auto: by shape."""
    integers: bool = False
    """Whether whole numbers reach the network as they are, as for embeddings."""
    folders: Literal["classes", "parts"] | None = None
    """What top folders of images are: classes or parts; auto: parts named so."""
    skip_unreadable: bool = False
    """Whether images that cannot be read are left out and counted, or refused."""
    augment: Literal["freeze", "live"] | None = None
    """For data that differs when read twice: freeze or live; auto: refuse it."""
    mean: Annotated[tuple[Number, ...], Field(min_length=1, max_length=4096)] | None = (
        None
    )
    """Per channel, taken from the inputs; auto: of the training part."""
    std: (
        Annotated[tuple[Deviation, ...], Field(min_length=1, max_length=4096)] | None
    ) = None
    """Per channel, divides the inputs; auto: of the training part."""

    @model_validator(mode="after")
    def _integers_are_not_prepared(self) -> Self:
        if self.integers and (self.mean is not None or self.binarize):
            raise ValueError(
                "integers stay as they are: leave out mean and std, and binarize."
            )
        return self

    @model_validator(mode="after")
    def _mean_and_std_belong_together(self) -> Self:
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std are given together or both left at auto.")
        if self.mean and self.std and len(self.mean) != len(self.std):
            raise ValueError(
                f"mean has {len(self.mean)} values and std has {len(self.std)}; "
                "give one of each per channel."
            )
        return self
