"""From what was typed to a study: options first, `--set` last."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from normlab.errors import BadSetting
from normlab.spec.model import Keywords
from normlab.spec.paths import from_anywhere
from normlab.spec.settings import typed_value, with_settings, with_values
from normlab.spec.study import StudySpec

OPTIONS = {
    "data.source": "--data",
    "model.name": "--model",
    "model.output": "--model-output",
    "arms": "--norm",
    "recipe.rates": "--lr",
}
"""Of keys whose options have names of their own; others are called like their key."""


def apply(
    spec: StudySpec,
    options: Mapping[str, str | None],
    settings: Iterable[str] = (),
) -> StudySpec:
    """Replace the keys that were given; None leaves what `spec` says.

    Paths become absolute, as those of a study.toml are already.

    Args:
        spec: The experiment as it is known or as its study.toml tells.
        options: Key of study.toml to the text typed behind its option.
        settings: `key=value` as typed behind `--set`; these win.

    Raises:
        BadSetting: If a key does not exist or a value is refused.
    """
    typed = [(key, text) for key, text in options.items() if text is not None]
    try:
        known = with_values(spec, typed)
    except BadSetting as error:
        raise BadSetting(_as_typed(str(error), typed)) from None
    return from_anywhere(with_settings(known, settings))


def keywords(typed: Iterable[str] | None) -> dict[str, str | None]:
    """What is typed behind `--model-option`, by the keys of study.toml.

    Raises:
        BadSetting: If it is not written KEY=VALUE.

    Example:
        >>> keywords(["num_classes=10"])
        {'model.options.num_classes': '10'}
    """
    found: dict[str, str | None] = {}
    for one in typed or ():
        name, equals, value = one.partition("=")
        if not equals or not name.strip().isidentifier():
            raise BadSetting(
                f"--model-option {one}: write it as KEY=VALUE, e.g. num_classes=10."
            )
        found[f"model.options.{name.strip()}"] = value
    return found


def model_options(typed: Iterable[str] | None) -> dict[str, Any]:
    """The same as keywords for a function.

    Raises:
        BadSetting: If it is not written KEY=VALUE, or a value is none of study.toml's.

    Example:
        >>> model_options(["num_classes=10", "act=gelu"])
        {'num_classes': 10, 'act': 'gelu'}
    """
    texts = {key.rpartition(".")[2]: text for key, text in keywords(typed).items()}
    return Keywords(**{n: typed_value(str(text)) for n, text in texts.items()}).given


def _as_typed(line: str, typed: Iterable[tuple[str, str]]) -> str:
    """An error that names the option in place of its key.

    Example:
        >>> _as_typed("recipe.rates.0=x must be a number.", [("recipe.rates", "x")])
        '--lr=x must be a number.'
    """
    for key, _ in typed:
        found = re.match(rf"{re.escape(key)}(\.\w+)*=", line)
        if found:
            option = OPTIONS.get(key, "--" + key.rpartition(".")[2].replace("_", "-"))
            return f"{option}={line[found.end() :]}"
    return line
