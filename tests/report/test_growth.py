"""What is said of a study takes work in proportion to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from normlab.analysis.result import StudyResult
from normlab.report.build import build
from normlab.terminal.summary_text import summary_text
from tests.analysis.large import DIMENSIONS, Dimension, grown
from tests.work import squared


def shown(result: StudyResult) -> object:
    return summary_text(result, Path("s"))


# every line of a report is counted, which takes half a minute
DRAWN = pytest.param(build, marks=pytest.mark.slow)


@pytest.mark.parametrize("say", [shown, StudyResult.to_json, DRAWN])
@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_work_grows_with_the_study_and_not_with_its_square(
    dimension: Dimension, say: Callable[[StudyResult], object]
) -> None:
    assert not squared(lambda n: say(grown(dimension(n))))
