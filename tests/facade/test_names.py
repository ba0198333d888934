"""The public names: few, and each is there."""

from __future__ import annotations

import pytest

import normlab
from normlab.facade.study import Study
from normlab.spec.recipe import REFINED


def test_every_public_name_is_there() -> None:
    assert len(normlab.__all__) <= 35
    for name in normlab.__all__:
        assert getattr(normlab, name) is not None


@pytest.mark.parametrize(("refine", "further"), [(True, REFINED), (False, 0)])
def test_refining_from_python_is_that_of_the_command_line(
    refine: bool, further: int
) -> None:
    assert Study(lr=(0.01, 0.1), refine=refine).spec.recipe.refine == further
