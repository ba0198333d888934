from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from normlab.probes.path import Path
from tests.probes.cases import WEIGHTS, small, step_state, stepped


def walked(steps: int, pairs: set[int]) -> tuple[list[list[Tensor]], dict[str, Tensor]]:
    """The shared weights at each step, and what the probe says about them."""
    model = small("batch")
    probe = Path(model, weights=WEIGHTS, pairs=pairs, last=steps, momentum=0.9)
    places = []
    for step in range(steps + 1):
        places.append(
            [t.detach().clone() for n, t in model.named_parameters() if n in WEIGHTS]
        )
        if probe.due(step):
            probe.observe(step_state(model, step))
        stepped(model, seed=step)
    return places, dict(probe.arrays())


def flat(parts: list[Tensor]) -> Tensor:
    return torch.cat([part.reshape(-1) for part in parts])


def test_norms_and_cosines_are_those_of_differences_of_weights() -> None:
    places, arrays = walked(9, {0, 1, 2, 6})
    assert arrays["steps"].tolist() == [0, 1, 2, 6]
    for row, t in enumerate([0, 1, 2, 6]):
        u, v = (flat(places[t + i + 1]) - flat(places[t + i]) for i in (0, 1))
        cosine = float(torch.cosine_similarity(u, v, dim=0))
        assert float(arrays["norm"][row]) == pytest.approx(float(u.norm()), rel=1e-6)
        assert float(arrays["cosine"][row]) == pytest.approx(cosine, rel=1e-6)


def test_each_layer_has_its_own() -> None:
    places, arrays = walked(4, {1})
    u, v = (places[t + 1][1] - places[t][1] for t in (1, 2))
    assert float(arrays["001:3.weight:norm"]) == pytest.approx(
        float(u.norm()), rel=1e-6
    )
    cosine = torch.cosine_similarity(u.flatten(), v.flatten(), dim=0)
    assert float(arrays["001:3.weight:cosine"]) == pytest.approx(
        float(cosine), rel=1e-6
    )


def test_the_distance_is_that_from_the_start() -> None:
    places, arrays = walked(9, {0, 6})
    assert arrays["distance_steps"].tolist() == [0, 6, 9]
    far = [float((flat(places[t]) - flat(places[0])).norm()) for t in (0, 6, 9)]
    assert arrays["distance"].tolist() == pytest.approx(far, rel=1e-6)


def test_nothing_is_kept_for_later_once_a_burst_is_over() -> None:
    _, arrays = walked(4, {0})
    assert not any(name.startswith("pending:") for name in arrays)


def test_what_is_under_way_survives_a_checkpoint() -> None:
    model = small("none")

    def probe() -> Path:
        return Path(small("none"), weights=WEIGHTS, pairs={0, 1}, last=9)

    for stop in (1, 2):
        model, one, other = small("none"), probe(), probe()
        for step in range(4):
            if step == stop:
                other.restore(one.arrays())
            one.observe(step_state(model, step))
            if step >= stop:
                other.observe(step_state(model, step))
            stepped(model, seed=step)
        first, second = one.arrays(), other.arrays()
        assert list(first) == list(second)
        assert all(first[n].equal(second[n]) or n == "momentum" for n in first)


def test_a_step_of_no_length_has_no_angle() -> None:
    model = small("none")
    probe = Path(model, weights=WEIGHTS, pairs={0}, last=2)
    for step in range(3):
        probe.observe(step_state(model, step))
    assert math.isnan(float(probe.arrays()["cosine"]))
