from __future__ import annotations

import pytest

from normlab.facade.result import Result

from .made_up import observed_study


@pytest.fixture(scope="session")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A study in which everything was measured."""
    return observed_study(tmp_path_factory.mktemp("observed") / "study")
