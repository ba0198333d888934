"""study.toml: every setting written out with a comment, and read back."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from normlab.disk.opening import content
from normlab.disk.remedy import remedy
from normlab.errors import BadSetting
from normlab.foreign import brief
from normlab.spec._decimals import faithful
from normlab.spec._frozen import AUTO, Frozen
from normlab.spec.renamed import with_new_names
from normlab.spec.study import SCHEMA, StudySpec
from normlab.spec.sweep import Sweep

if TYPE_CHECKING:
    from pathlib import Path

    from tomlkit.container import Container
    from tomlkit.items import Item, Table

_MAX_BYTES = 10_000_000
_LONG_KEY = re.compile(
    r"""(?<![\w"'.-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){50}"""
)
"""A key of more than fifty parts; those of a study have four."""


def dumps(spec: StudySpec) -> str:
    """Write every setting, defaults too, with a comment beside each key.

    A setting left to normlab (None) is written as "auto".
    """
    import tomlkit  # only writing needs it, and it is slow to import

    document = tomlkit.document()
    document.add(tomlkit.comment('A study of normlab. "auto" leaves a setting to it.'))
    _fill(document, spec)
    return tomlkit.dumps(document)


def loads(text: str, *, where: str, begun: bool = False) -> StudySpec:
    """Read a study from TOML; settings that are not given have their defaults.

    Args:
        text: The content of a study.toml.
        where: What errors call it, usually its path.
        begun: Whether it is that of a study that has begun: settings that had another
            name then are read without a warning.

    Raises:
        BadSetting: If it is no TOML, or a key or value is refused.
    """
    try:
        if _LONG_KEY.search(text):  # which takes tomllib the square of its length
            raise RecursionError
        values = tomllib.loads(text, parse_float=_kept_decimal)
    except RecursionError:
        raise BadSetting(f"{where}: nested too deeply for a study.toml.") from None
    except ValueError as error:  # no TOML, or a number of too many digits
        raise BadSetting(f"{where}: not valid TOML: {error}.") from None
    version = values.get("schema", SCHEMA)
    if version != SCHEMA or isinstance(version, bool):
        raise BadSetting(
            f"{where}: schema={brief(version)}, and this normlab reads schema "
            f"{SCHEMA}. Use the normlab that wrote it, or a newer one."
        )
    try:
        return StudySpec(**with_new_names(values, warn=not begun))
    except BadSetting as error:
        raise BadSetting(f"{where}: {error}") from None
    except RecursionError:
        raise BadSetting(f"{where}: nested too deeply for a study.toml.") from None


def load(path: Path, *, within: Path | None = None) -> StudySpec:
    """Read a study.toml.

    Args:
        path: The file.
        within: The study folder that it lies in; there it may not be a link.

    Raises:
        BadSetting: If it cannot be read, or a key or value is refused.
    """
    try:
        text = content(path, most=_MAX_BYTES, within=within).decode()
    except UnicodeDecodeError:
        raise BadSetting(f"{path}: not a text file in UTF-8.") from None
    except OSError as error:
        raise BadSetting(
            f"{path}: cannot be read ({error.strerror}). "
            f"{remedy(error, otherwise='Give a file that can be read.')}"
        ) from None
    return loads(text, where=str(path), begun=within is not None)


def _kept_decimal(text: str) -> float | str:
    """What a float would change stays a text: its key's own validator refuses it."""
    try:
        return float(faithful(text))
    except ValueError:
        return text


def _fill(table: Table | Container, settings: Frozen) -> None:
    import tomlkit

    for name, field in type(settings).model_fields.items():
        key, value = field.alias or name, getattr(settings, name)
        if value is None and settings.sparse:
            continue
        if isinstance(value, Frozen):
            inner = tomlkit.table()
            inner.comment(field.description or "")
            if isinstance(value, Sweep):  # its keys are those of other tables
                inner.update({axis.key: _item(axis.values) for axis in value.axes})
            else:
                _fill(inner, value)
            if inner or isinstance(settings, StudySpec):
                table.add(key, inner)
        elif isinstance(value, tuple) and value and isinstance(value[0], Frozen):
            tables = tomlkit.aot()
            for one in value:
                inner = tomlkit.table()
                _fill(inner, one)
                tables.append(inner)
            table.add(key, tables)
        else:
            item = _item(value)
            item.comment(field.description or "")
            table.add(key, item)
    for key, value in (settings.model_extra or {}).items():
        table.add(key, _item(value))


def _item(value: Any) -> Item:
    import tomlkit
    from tomlkit.items import Array, Trivia, Whitespace

    if isinstance(value, tuple):
        # given at once: tomlkit looks at all values before whenever it appends one
        comma = Whitespace(", ")
        items: list[Item] = []
        for one in value:
            items += (comma, tomlkit.item(one))
        return Array(items[1:], Trivia())
    return tomlkit.item(AUTO if value is None else value)
