"""From pydantic's list of complaints to one line that names the key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from normlab.spec.names import known

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

_BOUNDS = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "string": "a text in quotes",
    "bool": "true or false",
    "tuple": "a list",
    "model": "a table of settings",
    "finite": "a finite number",
}
_LONGEST = 60


def in_one_line(error: ValidationError, table: type[BaseModel]) -> str:
    """Say the first complaint: key and value, what is allowed, how many more."""
    complaints = error.errors(include_url=False)
    first = complaints[0]
    key = _key(table, first["loc"])
    # a list that lost its only value is also too short: not worth a second word
    others = {c["loc"] for c in complaints if c["loc"] != first["loc"][: len(c["loc"])]}
    tail = f" ({len(others)} more to mend.)" if others else ""
    if first["type"] == "extra_forbidden":
        names = [field.alias or name for name, field in table.model_fields.items()]
        what = f"unknown key '{key}'. {known(names, instead_of=str(first['loc'][-1]))}"
    elif first["type"] == "missing":
        what = f"{key} is missing."
    elif first["type"] == "value_error":
        what = _own_text(key, first)
    else:
        what = f"{key}={shown(first['input'])} {_must(first)}"
    return what + tail


def shown(value: object) -> str:
    """The value as it would be typed, cut where it becomes long.

    Example:
        >>> shown("sdg"), shown((0.1, 1.0)), shown(["a", "a"])
        ('sdg', '0.1,1.0', 'a,a')
    """
    listed = isinstance(value, list | tuple)
    text = ",".join(map(_brief, value)) if listed else str(value)
    text = text if text.isprintable() and text else repr(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _brief(item: object) -> str:
    """An arm that is a table by its name, anything else as it is."""
    if isinstance(item, dict):
        return str(item.get("name", item.get("norm", item)))
    return str(item)


def _key(table: type[BaseModel], location: tuple[int | str, ...]) -> str:
    section = getattr(table, "section", "")
    return ".".join(str(part) for part in (*([section] if section else []), *location))


def _own_text(key: str, complaint: Any) -> str:
    # what a validator of ours raised says everything except where
    text = str(complaint["ctx"]["error"])
    if not complaint["loc"]:
        return f"{key}: {text}" if key else text
    return f"{key}={shown(complaint['input'])} {text}"


def _must(complaint: Any) -> str:
    kind = str(complaint["type"])
    context = complaint.get("ctx", {})
    if kind in _BOUNDS and str(complaint["input"]).lower() == "nan":
        kind = "finite_number"  # no bound holds for it, which says too little
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        bound = context[name]
        plain = str(bound) if isinstance(bound, int) else f"{bound:g}"
        return f"must be {words} {plain}."
    if kind == "literal_error":
        names = str(context["expected"]).replace(" or ", ", ").replace("'", "")
        given = str(complaint["input"])
        return f"is unknown. {known(names.split(', '), instead_of=given)}"
    if kind == "too_short":
        return f"is too short: give at least {context['min_length']}."
    if kind == "too_long":
        return f"is too long: at most {context['max_length']} are allowed."
    wanted = _KINDS.get(kind.split("_")[0])
    return f"must be {wanted}." if wanted else f"is refused: {complaint['msg']}."
