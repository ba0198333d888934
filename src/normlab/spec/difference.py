"""What two studies were asked for, compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from normlab.spec.study import StudySpec


def differing(first: StudySpec, second: StudySpec) -> tuple[str, ...]:
    """Every setting that differs, as `key: value against value`.

    Example:
        >>> from normlab.spec.settings import with_settings
        >>> from normlab.spec.study import StudySpec
        >>> differing(StudySpec(), with_settings(StudySpec(), ["recipe.epochs=6"]))
        ('recipe.epochs: 5 against 6',)
    """
    return tuple(
        _walk(first.model_dump(by_alias=True), second.model_dump(by_alias=True))
    )


def _walk(
    first: dict[str, Any], second: dict[str, Any], above: str = ""
) -> Iterator[str]:
    # swept keys may stand in one of both alone
    for name in {**first, **second}:
        key, value, other = f"{above}{name}", first.get(name), second.get(name)
        if isinstance(value, dict) and isinstance(other, dict):
            yield from _walk(value, other, f"{key}.")
        elif value != other:
            yield f"{key}: {value!r} against {other!r}"
