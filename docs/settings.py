"""Write settings.md from the settings themselves.

    python docs/settings.py

What stands between the two marks of the page is replaced.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from marks import filled
from pydantic.fields import FieldInfo

from normlab.spec._frozen import AUTO, Frozen
from normlab.spec.arms import Arm, Variation
from normlab.spec.data import Data
from normlab.spec.model import Model
from normlab.spec.recipe import Recipe
from normlab.spec.study import Execution, StudySpec
from normlab.spec.surfaces import Surfaces

PAGE = Path(__file__).with_suffix(".md")
KINDS = {int: "whole number", float: "number", str: "text", bool: "true or false"}
TABLES: tuple[tuple[str, type[Frozen]], ...] = (
    ("Before all tables", StudySpec),
    ("[data]", Data),
    ("[model]", Model),
    ("[recipe]", Recipe),
    ("[surfaces]", Surfaces),
    ("[execution]", Execution),
    ("[[arms]]", Arm),
    ("[arms.model]", Variation),
)


def table(title: str, kind: type[Frozen]) -> Iterator[str]:
    """A row for each key; tables inside have sections of their own."""
    yield from ("", f"## {title}", "")
    yield "| key | default | takes | meaning |"
    yield "|---|---|---|---|"
    for name, field in kind.model_fields.items():
        if not _is_table(field):
            key = field.alias or name
            words = _code_safe(field.description or "")
            cells = f"`{key}`", _default(field), takes(field), words
            yield f"| {' | '.join(cells)} |"


def _is_table(field: FieldInfo) -> bool:
    default = field.get_default()
    several = isinstance(default, tuple) and any(isinstance(v, Frozen) for v in default)
    return isinstance(default, Frozen) or several


def _default(field: FieldInfo) -> str:
    return "" if field.is_required() else f"`{_written(field.get_default())}`"


def _written(value: Any) -> str:
    """As study.toml has it.

    Example:
        >>> _written(None), _written(True), _written((0.01,))
        ('"auto"', 'true', '[0.01]')
    """
    if isinstance(value, tuple):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{AUTO if value is None else value}"' if _is_text(value) else f"{value}"


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def takes(field: FieldInfo) -> str:
    """The kind of a value, and its range.

    Example:
        >>> takes(Recipe.model_fields["momentum"])
        'number, 0 or more, below 1'
        >>> takes(Data.model_fields["folders"])
        '`"classes"` or `"parts"`, or `"auto"`'
    """
    return _kind(field.annotation, list(field.metadata))


def _kind(annotation: Any, metadata: list[Any]) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(parts[0], [*parts[1:], *metadata])
    if origin in (Union, types.UnionType):
        kinds = [_kind(p, metadata) for p in parts if p is not type(None)]
        kinds += [f"`{_written(None)}`"] if type(None) in parts else []
        return ", or ".join(kinds)
    if origin is Literal:
        *most, last = (f"`{_written(value)}`" for value in parts)
        return f"{', '.join(most)} or {last}" if most else last
    if origin is tuple:
        return f"list of: {_kind(parts[0], [])}"
    limits = [words for limit in metadata for words in _limits(limit)]
    return ", ".join([KINDS.get(annotation, "text"), *limits])


def _limits(limit: Any) -> Iterator[str]:
    """The words for pydantic's limits, also those inside of a `Field`."""
    for part in getattr(limit, "metadata", None) or [limit]:
        for name, words in {
            "ge": "{} or more",
            "gt": "above {}",
            "le": "at most {}",
            "lt": "below {}",
        }.items():
            if (value := getattr(part, name, None)) is not None:
                large = isinstance(value, int) and value > 10**9
                yield words.format("2^63" if large else f"{value:,}")


def _code_safe(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def content() -> str:
    """A section for each table."""
    return "\n".join(line for named in TABLES for line in table(*named))


def page(text: str) -> str:
    """The page with its tables as they are now."""
    return filled(text, "settings", content())


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
