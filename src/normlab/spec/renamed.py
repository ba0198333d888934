"""Settings that had another name: still understood, for one release, with a warning."""

from __future__ import annotations

import warnings
from typing import Any

from normlab.errors import BadSetting

RENAMED = {"data.binarise": "data.binarize", "data.colour": "data.color"}
"""Old key of study.toml to the one that it has now."""


class RenamedSetting(FutureWarning):
    """An old name of a setting; it works until the next release."""


def renamed(key: str) -> str:
    """The name that a setting has now; an old one is warned of.

    Args:
        key: With dots, as after `--set`.

    Example:
        >>> renamed("data.image_size")
        'data.image_size'
    """
    if key not in RENAMED:
        return key
    text = f"{key} is now called {RENAMED[key]}; the old name works until version 0.2."
    warnings.warn(text, RenamedSetting, stacklevel=3)
    return RENAMED[key]


def with_new_names(tables: dict[str, Any], *, warn: bool) -> dict[str, Any]:
    """The tables of a study.toml under the names that settings have now.

    Args:
        tables: As TOML has them; what is no table is for others to refuse.
        warn: Whether to warn: of a study that was made with the old name and is only
            read there is nothing to change.

    Raises:
        BadSetting: If a setting stands there under both names.

    Example:
        >>> with_new_names({"data": {"colour": False}}, warn=False)
        {'data': {'color': False}}
    """
    for old, new in RENAMED.items():
        section, _, key = old.partition(".")
        table = tables.get(section)
        if not isinstance(table, dict) or key not in table:
            continue
        name = new.partition(".")[2]
        if name in table:
            raise BadSetting(f"{old} and {new} are one setting. Leave out {old}.")
        if warn:
            renamed(old)
        kept = {name if k == key else k: value for k, value in table.items()}
        tables = {**tables, section: kept}
    return tables
