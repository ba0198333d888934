"""Settings given as text: `--set key=value`, `--seeds`, `--lr`, `--norm`."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from normlab.errors import BadSetting
from normlab.spec._frozen import AUTO
from normlab.spec._wording import shown
from normlab.spec.arms import Arm
from normlab.spec.names import known
from normlab.spec.nets import NETS
from normlab.spec.options import listed, name_of
from normlab.spec.renamed import renamed
from normlab.spec.study import MAX_SEEDS, StudySpec
from normlab.spec.sweep import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable


_ONE_TEXT = ("experiment", "data.source", "model.name", "model.weights", "model.output")
"""Settings that are one text, whatever is in it."""

_FREE = ("model", "options")
"""The table whose keys are a user's."""


def with_settings(spec: StudySpec, settings: Iterable[str]) -> StudySpec:
    """The study with some settings replaced.

    Args:
        spec: Where the other settings come from.
        settings: `key=value` each; the key as in study.toml with dots
            (`recipe.batch_size=32`), lists whole with commas (`seeds=0,1`) or one
            place by its index (`arms.1.norm=layer`), or as study.toml writes them
            (`seeds=[0, 1]`), `auto` for what normlab chooses.
            Several values for a key of one value make it an axis of the sweep.

    Raises:
        BadSetting: If a key does not exist or a value is refused.

    Example:
        >>> with_settings(StudySpec(), ["recipe.rates=0.1,1"]).recipe.rates
        (0.1, 1.0)
    """
    return with_values(spec, map(_pair, settings))


def with_values(spec: StudySpec, settings: Iterable[tuple[str, str]]) -> StudySpec:
    """`with_settings` of keys and their texts.

    Example:
        >>> with_values(StudySpec(), [("recipe.rates", "0.1,1")]).recipe.rates
        (0.1, 1.0)
    """
    values = spec.model_dump(by_alias=True)
    for given, typed in settings:
        key = renamed(given.strip())
        text = _with_commas(key, typed.strip())
        if key.startswith("sweep."):
            values["sweep"][key.removeprefix("sweep.")] = _parts(text, key)
        elif _is_axis(spec, key, text):
            values["sweep"][key] = _parts(text, key)
        else:
            _place(values, spec, key, text)
            values["sweep"].pop(key, None)  # one value takes the place of several
    return StudySpec(**values)


def _pair(setting: str) -> tuple[str, str]:
    key, equals, text = setting.partition("=")
    if not equals:
        raise BadSetting(f"--set {setting}: write it as key=value.")
    return key, text


def _with_commas(key: str, text: str) -> str:
    """A list as study.toml writes it as one with commas; any other text as it is."""
    is_list = text.startswith("[") and text.endswith("]")
    if not is_list or key in _ONE_TEXT or key.split(".")[:2] == list(_FREE):
        return text
    try:
        values = tomllib.loads(f"list = {text}", parse_float=str)["list"]
    except tomllib.TOMLDecodeError:
        raise BadSetting(
            f"{key}={shown(text)} is no list as study.toml writes it. Give "
            f"'{key}=[...]' in quotes of the shell, or the values with commas."
        ) from None
    if not values or any(isinstance(one, list | dict) for one in values):
        raise BadSetting(f"{key}={shown(text)} must be a list of values, at least one.")
    parts = [str(one).lower() if isinstance(one, bool) else str(one) for one in values]
    return f"{','.join(parts)},"


def _is_axis(spec: StudySpec, key: str, text: str) -> bool:
    """Whether several values were given for a setting that takes one."""
    table, _, field = key.partition(".")
    if "," not in text or table not in TABLES:
        return False
    found = getattr(getattr(spec, table), field, ())
    # a path may hold a comma
    is_path = key in ("model.weights", "model.output") or (
        key == "model.name" and not set(_parts(text, key)) <= set(NETS)
    )
    return not isinstance(found, tuple) and not is_path


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds as on the command line: `5` is 0 to 4, with a comma those listed.

    Example:
        >>> parse_seeds("3"), parse_seeds("0,1,7"), parse_seeds("7,")
        ((0, 1, 2), (0, 1, 7), (7,))
    """
    listed = parse_numbers(text, "seeds")
    if "," in text:
        return listed
    count = listed[0]
    if not 1 <= count <= MAX_SEEDS:
        raise BadSetting(
            f"seeds={shown(text)} must be a number of seeds from 1 to {MAX_SEEDS}; "
            "one seed alone is written with a comma behind it."
        )
    return tuple(range(count))


def parse_numbers(text: str, key: str) -> tuple[int, ...]:
    """Whole numbers with commas between them.

    Example:
        >>> parse_numbers("3", "--only-seeds"), parse_numbers("0,4", "--only-seeds")
        ((3,), (0, 4))
    """
    return tuple(_whole(part, key, text) for part in _parts(text, key))


def parse_norms(text: str) -> tuple[Arm, ...]:
    """Arms as on the command line, each named after its norm.

    Example:
        >>> [arm.name for arm in parse_norms("none,batch,ghost(chunk=8)")]
        ['none', 'batch', 'ghost-chunk8']
    """
    return tuple(Arm(name=name_of(norm), norm=norm) for norm in _parts(text, "arms"))


def _parts(text: str, key: str) -> list[str]:
    parts = listed(text)
    if len(parts) > 1 and not parts[-1]:
        parts.pop()
    if not all(parts):
        raise BadSetting(
            f"{key}={shown(text)} has an empty place; give a list with commas."
        )
    return parts


def _whole(text: str, key: str, given: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadSetting(f"{key}={shown(given)} must be whole numbers.") from None


def _place(values: dict[str, Any], spec: StudySpec, key: str, text: str) -> None:
    """Put `text` where the dotted `key` points; its type is checked afterwards."""
    *road, last = key.split(".")
    here: Any = values
    if road == list(_FREE):  # any key, so its type is told by how it is written
        values["model"]["options"][last] = typed_value(text)
        return
    for step, part in enumerate(road):
        here = _enter(here, part, ".".join(road[: step + 1]), key)
    found = _enter(here, last, key, key)
    if isinstance(found, dict):
        names = ", ".join(f"{key}.{name}" for name in found) or f"{key}.NAME"
        raise BadSetting(f"--set {key}: is a table; set one of its keys: {names}.")
    here[int(last) if isinstance(here, list) else last] = _value(key, text, found)
    if isinstance(here, dict) and road[:1] == ["arms"] and last == "norm":
        here.pop("options", None)  # those of the norm that was there
        if here.get("name") in (found, name_of(str(found))):
            del here["name"]  # it said which norm this is


def typed_value(text: str) -> Any:
    """A value as study.toml would write it; any other text is a text.

    Example:
        >>> typed_value("10"), typed_value("[1, 2]"), typed_value("gelu")
        (10, [1, 2], 'gelu')
    """
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _enter(here: Any, part: str, so_far: str, key: str) -> Any:
    if isinstance(here, dict) and part in here:
        found = here[part]
        # tuples are frozen; a list can take the new value
        if isinstance(found, tuple):
            here[part] = found = list(found)
        return found
    if isinstance(here, list) and part.isdecimal() and int(part) < len(here):
        return here[int(part)]
    if isinstance(here, dict):
        raise BadSetting(
            f"--set {key}: unknown key '{so_far}'. {known(here, instead_of=part)}"
        )
    if isinstance(here, list):
        raise BadSetting(
            f"--set {key}: no place '{part}'; it holds {len(here)}, counted from 0."
        )
    raise BadSetting(f"--set {key}: '{so_far}' does not exist; the key ends before it.")


def _value(key: str, text: str, found: Any) -> Any:
    if key == "seeds":
        return parse_seeds(text)
    if key == "arms":
        return [{"name": name_of(norm), "norm": norm} for norm in _parts(text, key)]
    takes_list = isinstance(found, list) or key in ("data.mean", "data.std")
    return _parts(text, key) if takes_list and text != AUTO else text
