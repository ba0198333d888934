"""From what was typed to a study: options first, `--set` last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from normlab.spec.paths import from_anywhere
from normlab.spec.settings import with_settings, with_values
from normlab.spec.study import StudySpec


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
    return from_anywhere(with_settings(with_values(spec, typed), settings))
