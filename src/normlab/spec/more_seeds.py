"""Seeds that join a study after it began."""

from __future__ import annotations

from itertools import count, islice

from normlab.errors import BadSetting
from normlab.spec._wording import shown
from normlab.spec.settings import parse_seeds
from normlab.spec.study import StudySpec


def with_more_seeds(spec: StudySpec, asked: str) -> StudySpec:
    """The study from more seeds: those it has, in their order, then the others.

    How many were declared stays what it was, so there may be more seeds than that.

    Args:
        spec: The study so far.
        asked: How many in all, or which, as behind `--seeds`.

    Raises:
        BadSetting: If it is no such text, or the study would lose a seed.

    Example:
        >>> more = with_more_seeds(StudySpec(seeds=(7, 1)), "4")
        >>> more.seeds, more.declared
        ((7, 1, 0, 2), 2)
    """
    named = parse_seeds(asked)
    if "," in asked:
        if lost := [seed for seed in spec.seeds if seed not in named]:
            raise BadSetting(
                f"seeds={shown(asked)} leaves out seed {lost[0]}, which the study has. "
                "Name all of its seeds, or give how many it shall have."
            )
        new = [seed for seed in named if seed not in spec.seeds]
    elif len(named) < len(spec.seeds):
        raise BadSetting(
            f"seeds={shown(asked)} is fewer than the study has ({len(spec.seeds)}), "
            "and none is taken away. Give more."
        )
    else:
        free = (seed for seed in count() if seed not in spec.seeds)
        new = list(islice(free, len(named) - len(spec.seeds)))
    return at_seeds(spec, (*spec.seeds, *new))


def at_seeds(spec: StudySpec, seeds: tuple[int, ...]) -> StudySpec:
    """The study from these seeds; what was declared stays.

    Raises:
        BadSetting: If that is no study: a seed twice, or too many runs.
    """
    settings = spec.model_dump(by_alias=True)
    whole = StudySpec(**{**settings, "seeds": seeds, "seeds_at_most": None})
    return whole.model_copy(update={"seeds_at_most": spec.declared})


def at_once(spec: StudySpec) -> StudySpec:
    """The study as if all its seeds had been asked for when it began."""
    declared = max(spec.declared, len(spec.seeds))
    return spec.model_copy(update={"seeds_at_most": declared})
