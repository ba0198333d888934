from __future__ import annotations

import torch

from normlab.probes.scale import Scale
from tests.probes.cases import small, step_state


def test_effective_rates_are_those_of_van_laarhoven() -> None:
    model = small("batch")
    probe = Scale(("0.weight",), steps={0}, momentum=0.9)
    probe.observe(step_state(model, 0, rate=0.1))
    arrays = probe.arrays()
    lengths = model[0].weight.detach().norm(dim=1)
    assert torch.allclose(arrays["000:0.weight:norm"], lengths)
    expected = 0.1 / (0.1 * lengths**2)
    assert torch.allclose(arrays["000:0.weight:effective_rate"], expected)


def test_other_optimizers_than_sgd_have_none() -> None:
    probe = Scale(("0.weight",), steps={0})
    probe.observe(step_state(small("batch"), 0))
    assert not any("effective" in name for name in probe.arrays())
