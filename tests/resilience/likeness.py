"""What differs between a study folder and an uninterrupted one: times alone may."""

from __future__ import annotations

import fcntl
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

_TIMES = {"seconds", "attempts"}
_FACTS = {"created", "finished", "command"}
_TABLES = ("runs", "epochs", "glimpses", "steps", "measurements", "meta")


def unlike(folder: Path, whole: Path) -> list[str]:
    """Name what differs, what lies there beside a study, and a lock that is held."""
    names, others = _files(folder), _files(whole)
    found = [f"{name}: left behind" for name in sorted(names - others)]
    found += [f"{name}: missing" for name in sorted(others - names)]
    for name in sorted(names & others):
        found += _of_file(name, folder / name, whole / name)
    if "study.db" in names:
        rows, right = _rows(folder / "study.db"), _rows(whole / "study.db")
        for table in _TABLES:
            if rows[table] != right[table]:
                found.append(f"{table}: {_first(rows[table], right[table])}")
    return found + ([".lock: held"] if _is_held(folder / ".lock") else [])


def _files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir() or not any(path.iterdir())
    }


def _of_file(name: str, one: Path, other: Path) -> list[str]:
    if name in (".lock", "report.html", "study.db"):  # process, times, rows
        return []
    if name.endswith(".npz"):
        left, right = _arrays(one), _arrays(other)
        keys = sorted(left.keys() | right.keys())
        return [f"{name}: {k}" for k in keys if left.get(k) != right.get(k)]
    if name == "study.toml":
        same = _settings(one.read_text()) == _settings(other.read_text())
    else:
        same = one.read_bytes() == other.read_bytes()
    return [] if same else [name]


def _settings(text: str) -> str:
    """All but where the data lie and how many workers there were."""
    return re.sub(r'"/.*/|^workers = \w+', "", text, flags=re.MULTILINE)


def _arrays(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as file:
        return {name: _plain(name, file[name]) for name in file}


def _plain(name: str, array: np.ndarray[Any, Any]) -> Any:
    if name == "about":  # of a surface
        about = json.loads(str(array))
        return {key: value for key, value in about.items() if key != "seconds"}
    return array.dtype.str, array.shape, array.tobytes()


def _rows(database: Path) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        for table in _TABLES:
            cursor = connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2")
            names = [column[0] for column in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor]
            found[table] = [
                {k: v for k, v in row.items() if k not in _TIMES} for row in rows
            ]
    facts = {row["key"]: row["value"] for row in found["meta"]}
    facts["study_toml"] = _settings(facts["study_toml"])
    facts["looks"] = _undated(facts.get("looks", "[]"))
    found["meta"] = [fact for fact in facts.items() if fact[0] not in _FACTS]
    found["measurements"] = [m for m in map(_measured, found["measurements"]) if m]
    found["steps"] = _joined(found["steps"])
    return found


def _undated(looks: str) -> Any:
    return [{k: v for k, v in of.items() if k != "at"} for of in json.loads(looks)]


def _measured(row: dict[str, Any]) -> dict[str, Any]:
    """That there is a cost, but not which; that nothing failed says no row as well."""
    if row["name"] == "cost":
        return {"name": "cost"}
    return {} if (row["name"], row["value"]) == ("failed", "{}") else row


def _joined(blocks: list[dict[str, Any]]) -> list[Any]:
    """All losses of each run, however they were divided."""
    runs: dict[int, bytes] = {}
    for block in blocks:
        runs[block["run"]] = runs.get(block["run"], b"") + block["losses"]
    return list(runs.items())


def _first(rows: list[Any], right: list[Any]) -> str:
    if len(rows) != len(right):
        return f"{len(rows)} rows instead of {len(right)}"
    pair = next(p for p in zip(rows, right, strict=True) if p[0] != p[1])
    return f"{pair[0]} instead of {pair[1]}"[:400]


def _is_held(lock: Path) -> bool:
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
