"""Numbers and keys in the words that progress and results share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normlab.spec.point import point_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from normlab.spec.plan import RunKey


def duration(seconds: float | None) -> str:
    """Seconds as a clock shows them; unknown and endless as `-`.

    Example:
        >>> duration(5), duration(83.2), duration(3723), duration(None)
        ('0:05', '1:23', '1:02:03', '-')
    """
    if seconds is None or not 0 <= seconds < float("inf"):
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}"


def percent(share: float | None) -> str:
    """A fraction in points, or `-` where it is undefined.

    Example:
        >>> percent(0.98024), percent(None)
        ('98.02 %', '-')
    """
    return "-" if share is None else f"{100 * share:.2f} %"


def run_name(
    key: RunKey, *, rates: bool, labels: Mapping[str, str] | None = None
) -> str:
    """How a run is called on a line of its own; its rate only where several run.

    Args:
        key: The run.
        rates: Whether several rates run.
        labels: What readers see arms called, by their names; else the name is said.

    Example:
        >>> from normlab.spec.plan import RunKey
        >>> run_name(RunKey("batch", 0.01, 3), rates=True)
        'batch lr 0.01 seed 3'
    """
    rate = f" lr {key.rate:g}" if rates else ""
    point = f" {point_text(key.point)}" if key.point else ""
    arm = (labels or {}).get(key.arm, key.arm)
    return f"{arm}{rate}{point} seed {key.seed}"
