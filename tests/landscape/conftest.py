"""Networks made in these tests draw from default generators that are put back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from normlab.base.streams import seeded


@pytest.fixture(autouse=True)
def _own_generators(_nothing_leaks: None) -> Iterator[None]:
    with seeded(0, "landscape tests"):
        yield
