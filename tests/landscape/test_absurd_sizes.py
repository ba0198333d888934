"""Sizes that no machine can serve are refused before anything is allocated."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import normlab
from normlab.errors import BadSetting


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"points": 1003}, r"points=1,003 is more than any picture shows\. Use 1,001"),
        ({"points": 10**9 + 1}, r"more than any picture shows"),
        ({"threads": 10**9}, r"threads=1000000000 is more than 1,024"),
    ],
)
def test_they_are_one_line(given: dict[str, Any], text: str) -> None:
    x = torch.zeros(64, 2)
    with pytest.raises(BadSetting, match=text):
        normlab.surface(nn.Linear(2, 2), (x, torch.zeros(64).long()), **given)
