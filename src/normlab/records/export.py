"""Tables in the formats of other tools."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING, Any

from normlab.disk import whole
from normlab.disk.output import refuse_to_replace
from normlab.errors import BadSetting
from normlab.foreign import plain
from normlab.records._trouble import reporting
from normlab.spec.names import known

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Columns = Mapping[str, Sequence[Any]]

SUFFIXES = {"csv": ".csv", "json": ".json", "parquet": ".parquet", "latex": ".tex"}
"""Every format, and how its files end."""
_FORMULA = ("=", "+", "-", "@")
_DIGITS = 4  # of a number in a printed table
_ESCAPES = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}"}
_ESCAPES |= {"^": r"\textasciicircum{}", **{c: rf"\{c}" for c in "&%$#_{}"}}


def form_of(path: Path, form: str | None, *, unless: str | None = None) -> str:
    """The format that is meant, by its name or by how the file's name ends.

    Args:
        path: The file to write; `-` has no format of its own.
        form: As it was asked for, if it was.
        unless: Taken where neither says.

    Raises:
        BadSetting: If the format is unknown, not said, or the file's name says another.

    Example:
        >>> from pathlib import Path
        >>> form_of(Path("runs.csv"), None), form_of(Path("-"), "latex")
        ('csv', 'latex')
    """
    if form is not None and form not in SUFFIXES:
        raise BadSetting(
            f"--format={form} is unknown. {known(SUFFIXES, instead_of=form)}"
        )
    ends = {suffix: name for name, suffix in SUFFIXES.items()}
    said = ends.get(path.suffix.lower())
    if form and said and form != said:
        raise BadSetting(
            f"--format={form} contradicts the name {path.name}, which ends as {said} "
            f"does. Name the file with {SUFFIXES[form]}, or leave --format out."
        )
    if found := form or said or unless:
        return found
    raise BadSetting(
        f"{path}: which format is not said. Give --format {'|'.join(SUFFIXES)}, or a "
        "name that ends so."
    )


def export(
    table: Mapping[str, Any], form: str, path: Path, *, force: bool = False
) -> None:
    """Write a table for other tools, whole or not at all.

    Args:
        table: As for `exported`.
        form: As for `exported`.
        path: The file to write.
        force: Whether an existing file of this kind is replaced.

    Raises:
        BadSetting: If parquet is not installed.
        BadFolder: If the file exists, cannot be written, or is no regular file.
    """
    refuse_to_replace(path, SUFFIXES[form], force=force)
    content = exported(table, form)
    with reporting(path):
        whole.write(path, content)


def exported(table: Mapping[str, Any], form: str) -> bytes:
    """A table as the content of a file for other tools.

    Args:
        table: Columns of equal length by their names; for `json` also any other
            object of plain values, such as that of `normlab show --json`.
        form: `csv` and `parquet`; `json`, of a table a list with an object for each
            row, what is not finite null; `latex`, a tabular that needs no package,
            with four digits.

    Raises:
        BadSetting: If parquet is not installed.
    """
    forms: dict[str, Callable[[Columns], bytes]] = {
        "csv": _csv,
        "json": _json,
        "parquet": _parquet,
        "latex": _latex,
    }
    return forms[form](table)


def _json(table: Mapping[str, Any]) -> bytes:
    value: object = table
    if all(isinstance(cells, list) for cells in table.values()):
        rows = zip(*table.values(), strict=True)
        value = [dict(zip(table, map(_finite, row), strict=True)) for row in rows]
    return json.dumps(value, indent=1, allow_nan=False).encode()


def _finite(cell: Any) -> Any:
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _csv(table: Columns) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_harmless, table))
    for row in zip(*table.values(), strict=True):
        writer.writerow(map(_harmless, row))
    return text.getvalue().encode()


def _harmless(cell: object) -> object:
    """A cell that no spreadsheet computes: names come from whoever made the study."""
    if not isinstance(cell, str):
        return cell
    text = plain(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _parquet(table: Columns) -> bytes:
    try:
        import pyarrow as pa  # pyright: ignore[reportMissingImports]
        import pyarrow.parquet as pq  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise BadSetting(
            "--format=parquet needs pyarrow. Install it: pip install 'normlab[parquet]'"
        ) from None
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(dict(table)), sink)
    return sink.getvalue().to_pybytes()


def _latex(table: Columns) -> bytes:
    sides = "".join("r" if _is_numeric(cells) else "l" for cells in table.values())
    head = " & ".join(map(_printed, table))
    rows = (" & ".join(map(_printed, row)) for row in zip(*table.values(), strict=True))
    body = "\n".join(f"{row} \\\\" for row in rows)
    lines = [rf"\begin{{tabular}}{{{sides}}}", r"\hline", f"{head} \\\\", r"\hline"]
    return "\n".join(
        [*lines, *([body] if body else []), r"\hline", r"\end{tabular}", ""]
    ).encode()


def _is_numeric(cells: Sequence[Any]) -> bool:
    known = [cell for cell in cells if cell is not None]
    return all(isinstance(c, int | float) and not isinstance(c, bool) for c in known)


def _printed(cell: object) -> str:
    r"""A cell as TeX: text escaped, numbers with four digits, nothing as a dash.

    Example:
        >>> _printed("weight_std"), _printed(0.123456), _printed(1e-9), _printed(None)
        ('weight\\_std', '0.1235', '$10^{-9}$', '--')
    """
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return "--"
    if isinstance(cell, float):
        return _number(cell)
    return "".join(_ESCAPES.get(character, character) for character in plain(str(cell)))


def _number(value: float) -> str:
    if math.isinf(value):
        return r"$\infty$" if value > 0 else r"$-\infty$"
    digits, _, power = f"{value:.{_DIGITS}g}".partition("e")
    minus = f"${digits}$" if digits.startswith("-") else digits
    if not power:
        return minus
    times = "" if digits == "1" else rf"{digits} \cdot "
    return rf"${times}10^{{{int(power)}}}$"
