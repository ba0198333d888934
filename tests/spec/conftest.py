"""Fixtures of the spec's tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from normlab.errors import BadSetting
from normlab.spec.settings import with_settings
from normlab.spec.study import StudySpec


@pytest.fixture
def refusal() -> Callable[..., str]:
    """What is said when the article's study is changed so."""

    def refuse(*settings: str) -> str:
        with pytest.raises(BadSetting) as caught:
            with_settings(StudySpec(), settings)
        return str(caught.value)

    return refuse
