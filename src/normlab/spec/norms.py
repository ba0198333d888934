"""Every norm of normlab: one object each, from which all lists and texts are made.

What builds a norm called `x-y` is the function `x_y` of `normlab/norms/x_y.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Option(NamedTuple):
    """A number that can be set of a norm, and how it is described in study.toml."""

    name: str
    default: float | None
    """None is written as "auto"."""
    least: float
    most: float
    words: str

    @property
    def whole(self) -> bool:
        """Whether it counts something."""
        return isinstance(self.least, int)


@dataclass(frozen=True, kw_only=True)
class Norm:
    """A norm without its code: what it is called, what it does, what can be set.

    Example:
        >>> FAMILIES["ghost"].short, FAMILIES["ghost"].axes
        ('ghost batch norm', 'nhw')
    """

    name: str
    """On the command line and in study.toml."""
    short: str
    """In what arms are called: with batch norm."""
    axes: str
    """Of an input `(n, c, h, w)`, those whose values share statistics; may be none."""
    over: str
    """The same in words."""
    learns: str
    """Its parameters."""
    follows: bool
    """Whether it acts by the `statistics` that a loss surface is measured with."""
    under: str
    """What it does under each kind of them."""
    options: tuple[Option, ...] = ()


_BOTH = "gamma and beta per channel"
_SAME = "the same under all"
_ALL = "*batch*: the batch's; *full*, *recalibrated*: of all; *running*: stored ones"

FAMILIES = {
    norm.name: norm
    for norm in (
        Norm(
            name="none",
            short="norm",
            axes="",
            over="-",
            learns="none",
            follows=False,
            under=_SAME,
        ),
        Norm(
            name="batch",
            short="batch norm",
            axes="nhw",
            over="n, h, w",
            learns=_BOTH,
            follows=True,
            under=_ALL,
        ),
        Norm(
            name="layer",
            short="layer norm",
            axes="chw",
            over="c, h, w",
            learns=_BOTH,
            follows=False,
            under=_SAME,
        ),
        Norm(
            name="group",
            short="group norm",
            axes="chw",
            over="the channels of its group, h, w",
            learns=_BOTH,
            follows=False,
            under=_SAME,
            options=(
                Option(
                    "groups",
                    default=None,
                    least=2,
                    most=10**6,
                    words="Groups in every layer; auto: up to 32, big enough to have a "
                    "variance.",
                ),
            ),
        ),
        Norm(
            name="instance",
            short="instance norm",
            axes="hw",
            over="h, w",
            learns=_BOTH,
            follows=False,
            under=_SAME,
        ),
        Norm(
            name="rms",
            short="RMS norm",
            axes="chw",
            over="c, h, w (root mean square only)",
            learns="gamma per channel",
            follows=False,
            under=_SAME,
        ),
        Norm(
            name="ghost",
            short="ghost batch norm",
            axes="nhw",
            over="the n of its chunk, h, w",
            learns=_BOTH,
            follows=True,
            under="as batch; *batch* and *full* are cut into chunks",
            options=(
                Option(
                    "chunk",
                    default=16,
                    least=2,
                    most=10**6,
                    words="Examples that are normalised together.",
                ),
            ),
        ),
        Norm(
            name="noisy",
            short="noisy batch norm",
            axes="nhw",
            over="n, h, w; then a random scale and shift",
            learns=_BOTH,
            follows=True,
            under="as batch, without the noise",
            options=(
                Option(
                    "shift",
                    default=0.5,
                    least=0.0,
                    most=1000.0,
                    words="A layer's shift at each step is uniform in -shift to shift.",
                ),
                Option(
                    "scale",
                    default=1.25,
                    least=1.0,
                    most=1000.0,
                    words="A layer's scale at each step is uniform in 1 to scale.",
                ),
                Option(
                    "jitter",
                    default=0.1,
                    least=0.0,
                    most=1000.0,
                    words="How far each number's own shift and scale lie from the "
                    "layer's.",
                ),
            ),
        ),
        Norm(
            name="renorm",
            short="batch renorm",
            axes="nhw",
            over="n, h, w; corrected towards the running averages",
            learns=_BOTH,
            follows=True,
            under="*running* alone, once its limits begin to open; until then as batch",
            options=(
                Option(
                    "r_max",
                    default=3.0,
                    least=1.0,
                    most=1e6,
                    words="The scale is corrected by this factor at most.",
                ),
                Option(
                    "d_max",
                    default=5.0,
                    least=0.0,
                    most=1e6,
                    words="The mean is corrected by so many standard deviations at "
                    "most.",
                ),
                Option(
                    "start",
                    default=100,
                    least=0,
                    most=10**9,
                    words="Steps of batch norm before the limits open.",
                ),
                Option(
                    "r_end",
                    default=800,
                    least=0,
                    most=10**9,
                    words="Step at which r_max is reached.",
                ),
                Option(
                    "d_end",
                    default=500,
                    least=0,
                    most=10**9,
                    words="Step at which d_max is reached.",
                ),
            ),
        ),
        Norm(
            name="masked",
            short="masked batch norm",
            axes="nhw",
            over="n, h, w, where the mask that it is called with is true",
            learns=_BOTH,
            follows=True,
            under="*running* alone where it gets a mask; else as batch",
        ),
        Norm(
            name="mean-only",
            short="mean-only batch norm",
            axes="nhw",
            over="n, h, w (mean only)",
            learns=_BOTH,
            follows=True,
            under=_ALL,
        ),
        Norm(
            name="variance-only",
            short="variance-only batch norm",
            axes="nhw",
            over="n, h, w (variance only)",
            learns=_BOTH,
            follows=True,
            under=_ALL,
        ),
        Norm(
            name="fixed-affine",
            short="fixed-affine batch norm",
            axes="nhw",
            over="n, h, w",
            learns="none",
            follows=True,
            under=_ALL,
            options=(
                Option(
                    "gain",
                    default=1.0,
                    least=-1000.0,
                    most=1000.0,
                    words="What every normalised value is multiplied by.",
                ),
                Option(
                    "shift",
                    default=0.0,
                    least=-1000.0,
                    most=1000.0,
                    words="What is added to it.",
                ),
            ),
        ),
        Norm(
            name="frozen",
            short="frozen batch norm",
            axes="",
            over="stored ones, which never move",
            learns=_BOTH,
            follows=False,
            under=_SAME,
        ),
    )
}
