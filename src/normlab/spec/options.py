"""What can be set of a norm, and how a norm is written with its options."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from pydantic import Field, create_model

from normlab.errors import BadSetting
from normlab.spec._frozen import Frozen, Number, Whole
from normlab.spec._wording import shown
from normlab.spec.names import NORMS, known
from normlab.spec.norms import FAMILIES, Norm, Option

_WITH_OPTIONS = re.compile(r"(?P<norm>[^()]*)\((?P<options>[^()]*)\)")
_OWN = re.compile(r"(?P<file>.+\.py):(?P<norm>[A-Za-z_]\w*)")
_COMMA = re.compile(r",(?![^()]*\))")


class Options(Frozen):
    """The `[arms.options]` table of study.toml, for a norm that has none."""

    section: ClassVar[str] = "arms.options"


def _made(option: Option) -> tuple[Any, Any]:
    """Its type and its limits, as pydantic takes them."""
    kind: Any = Whole if option.whole else Number
    limits = {"ge": option.least, "le": option.most, "description": option.words}
    if option.default is None:
        return kind | None, Field(default=None, **limits)
    return kind, Field(default=option.default, **limits)


def _table(norm: Norm) -> type[Options]:
    fields: dict[str, Any] = {option.name: _made(option) for option in norm.options}
    name = f"{norm.name.capitalize()}Options"
    return create_model(name, __base__=Options, __module__=__name__, **fields)


_OF = {norm.name: _table(norm) for norm in FAMILIES.values() if norm.options}
globals().update({table.__name__: table for table in _OF.values()})  # for pickle


def options_of(norm: str, given: Any = None) -> Options:
    """The options of a norm, those that are not given with their defaults.

    Raises:
        BadSetting: If the norm has no such option, or a value is refused.

    Example:
        >>> options_of("ghost", {"chunk": 8}).model_dump()
        {'chunk': 8}
    """
    kind = _OF.get(norm, Options)
    if isinstance(given, kind):
        return given
    if isinstance(given, Options):
        given = given.model_dump()
    if given is not None and not isinstance(given, dict):
        raise BadSetting(f"arms.options={shown(given)} must be a table of settings.")
    for key in given or {}:
        if key not in kind.model_fields:
            names = list(kind.model_fields)
            have = known(names, instead_of=key) if names else "It has none."
            raise BadSetting(f"arms.options.{key}: no option of norm '{norm}'. {have}")
    return kind(**(given or {}))


def taken_apart(text: str) -> tuple[str, dict[str, str]]:
    """A norm as it is typed, with or without options.

    Raises:
        BadSetting: If it is not written `NORM(key=value,...)`.

    Example:
        >>> taken_apart("ghost(chunk=8)"), taken_apart("batch")
        (('ghost', {'chunk': '8'}), ('batch', {}))
    """
    if ("(" not in text and ")" not in text) or own_norm(text):
        return text, {}
    match = _WITH_OPTIONS.fullmatch(text.strip())
    pairs = [p.partition("=") for p in match["options"].split(",")] if match else []
    options = {key.strip(): value.strip() for key, _, value in pairs}
    if not match or not all(equals for _, equals, _ in pairs):
        raise BadSetting(
            f"arms.norm={shown(text)} must be written NORM(key=value,...), "
            "e.g. ghost(chunk=16)."
        )
    if len(options) < len(pairs):
        raise BadSetting(f"arms.norm={shown(text)} gives an option twice.")
    return match["norm"].strip(), options


def own_norm(text: str) -> tuple[str, str] | None:
    """The file and the class of a norm of a user's own; None for any other text.

    Example:
        >>> own_norm("norms/mine.py:Norm"), own_norm("batch")
        (('norms/mine.py', 'Norm'), None)
    """
    match = _OWN.fullmatch(text)
    return (match["file"], match["norm"]) if match else None


def name_of(text: str) -> str:
    """What an arm is called that is given as this norm alone; safe in file names.

    Example:
        >>> name_of("batch"), name_of("ghost(chunk=8)")
        ('batch', 'ghost-chunk8')
    """
    if own := own_norm(text):
        return own[1]
    norm, options = taken_apart(text)
    if norm not in NORMS:
        return "arm"  # the norm must be complained about, and not the name
    return "-".join([norm, *(f"{key}{value}" for key, value in options.items())])


def listed(text: str) -> list[str]:
    """What stands between commas, but for those between parentheses.

    Example:
        >>> listed("none, noisy(shift=0,scale=1)")
        ['none', 'noisy(shift=0,scale=1)']
    """
    # at each comma the pattern looks for the next parenthesis: there may be 10,000
    parts = _COMMA.split(text) if ")" in text else text.split(",")
    return [part.strip() for part in parts]
