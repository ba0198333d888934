"""What a user's code sets for the whole process holds no longer than the code."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.overrides

from normlab.base.settings import plain_settings
from normlab.base.streams import fork_rng, seeded

SET: dict[str, Callable[[], object]] = {
    "type": lambda: torch.set_default_dtype(torch.float64),
    "gradients": lambda: torch.set_grad_enabled(False),
    "threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "device": lambda: torch.set_default_device("meta"),
    "algorithms": lambda: torch.use_deterministic_algorithms(mode=True),
}


def settings() -> list[object]:
    return [
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.get_num_threads(),
        torch.get_default_device(),
        torch.are_deterministic_algorithms_enabled(),
        torch.zeros(1).device,
        torch.overrides._get_current_function_mode_stack(),
    ]


@pytest.mark.parametrize("name", SET)
@pytest.mark.parametrize("block", [fork_rng, lambda: seeded(0, "test")])
def test_settings_are_put_back(name: str, block: Callable[[], object]) -> None:
    before = settings()
    with block():  # type: ignore[attr-defined]
        SET[name]()
        assert settings() != before
    assert settings() == before


def test_in_plain_settings_everything_is_as_in_a_fresh_process() -> None:
    before = settings()
    with fork_rng():
        for name in ("type", "gradients", "device"):
            SET[name]()
        with plain_settings():
            assert settings() == before
        assert torch.zeros(1).device.type == "meta"
