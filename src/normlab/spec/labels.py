"""What readers see an arm called: with batch norm, without batch norm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from normlab.spec.arms import Arm
from normlab.spec.names import AS_IS
from normlab.spec.norms import FAMILIES

NONE = "none"
LONG = 30  # characters of a name


def labels_of(arms: Sequence[Arm]) -> dict[str, str]:
    """A phrase for every arm by its name; no two are alike.

    What an arm without a norm goes without is named where all others have the same
    kind. An arm's own name is said where its norm alone does not tell it apart, or
    where the user chose another.

    Example:
        >>> labels_of([Arm(name="none", norm="none"), Arm(name="batch", norm="batch")])
        {'none': 'without batch norm', 'batch': 'with batch norm'}
        >>> labels_of([Arm(name="a", norm="layer"), Arm(name="b", norm="layer")])
        {'a': 'with layer norm (a)', 'b': 'with layer norm (b)'}
    """
    kinds = {_kind(arm) for arm in arms if arm.norm != NONE}
    without = f"without {kinds.pop() if len(kinds) == 1 else 'norm'}"
    plain = {a.name: without if a.norm == NONE else f"with {_kind(a)}" for a in arms}
    times = Counter(plain.values())
    return {arm.name: _label(arm, plain[arm.name], times) for arm in arms}


def _label(arm: Arm, plain: str, times: Mapping[str, int]) -> str:
    if times[plain] == 1 and arm.name == (arm.own or arm.norm):
        return plain
    # a name as long as a line says enough by itself
    return f"with {arm.name}" if len(arm.name) > LONG else f"{plain} ({arm.name})"


def beside(label: str, other: str) -> str:
    """What a label becomes in a sentence that has named the other one.

    Example:
        >>> beside("without batch norm", "with batch norm")
        'without'
        >>> beside("with layer norm", "with batch norm")
        'with layer norm'
    """
    return "without" if label == other.replace("with ", "without ", 1) else label


def _kind(arm: Arm) -> str:
    name = arm.own or arm.norm
    if name == AS_IS:
        return "its own norms"
    return FAMILIES[name].short if name in FAMILIES else name
