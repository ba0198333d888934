"""Keywords that make no sense are refused before anything is trained."""

from __future__ import annotations

import pytest

from normlab.errors import BadSetting
from normlab.facade.compare import Study


@pytest.mark.parametrize("seeds", [10**9, 0, -1, True, None])
def test_seeds_that_make_no_sense_are_refused_at_once(seeds: object) -> None:
    with pytest.raises(BadSetting, match=r"^seeds="):
        Study(seeds=seeds)
