"""Points are vectors, and a model goes exactly where it is put."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from normlab.base.digest import digest
from normlab.base.point import Point
from normlab.base.streams import ambient, stream
from normlab.errors import BadModel


def network() -> nn.Sequential:
    with ambient(0, "test point"):
        return nn.Sequential(
            nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 4)
        )


MODEL = network()  # for tests that do not move it


def drawn(address: int, model: nn.Module | None = None) -> Point:
    return Point.of(model or network()).gaussian_like(stream("test point", address))


def test_a_point_holds_every_parameter_and_no_buffer() -> None:
    model = network()
    tensors = Point.of(model).tensors()
    assert {name: digest(t) for name, t in tensors.items()} == {
        name: digest(p) for name, p in model.named_parameters()
    }


def test_writing_a_point_back_restores_the_model_bit_for_bit() -> None:
    model = network()
    before = Point.of(model)
    drawn(1).write_into_(model)
    assert not Point.of(model).flat.equal(before.flat)
    before.write_into_(model)
    assert Point.of(model).flat.equal(before.flat)


def test_writing_keeps_the_parameters_themselves() -> None:
    model = network()
    parameters = list(model.parameters())
    drawn(1).write_into_(model)
    assert all(a is b for a, b in zip(parameters, model.parameters(), strict=True))
    assert all(parameter.requires_grad for parameter in parameters)


def test_a_point_does_not_follow_its_model() -> None:
    model = network()
    point = Point.of(model)
    before = point.flat.clone()
    drawn(1).write_into_(model)
    assert point.flat.equal(before)


def test_some_parameters_can_be_chosen_and_the_others_stay() -> None:
    model = network()
    others = Point.of(model, ["1.weight", "1.bias"])
    point = Point.of(model, ["3.weight", "0.weight"])
    assert [block.name for block in point.blocks] == ["3.weight", "0.weight"]
    (0 * point).write_into_(model)
    assert not model[0].weight.any()
    assert Point.of(model, ["1.weight", "1.bias"]).flat.equal(others.flat)


def test_tied_parameters_count_once() -> None:
    with ambient(0, "test point"):
        model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    assert len(Point.of(model).flat) == 9 + 3 + 3


@given(st.integers(0, 99), st.integers(0, 99), st.floats(-3, 3))
def test_points_form_a_vector_space(one: int, other: int, factor: float) -> None:
    a, b = drawn(one, MODEL), drawn(other, MODEL)
    torch.testing.assert_close((a + b - b).flat, a.flat)
    torch.testing.assert_close((factor * (a + b)).flat, (a * factor + factor * b).flat)
    assert a.norm() ** 2 == pytest.approx(a.dot(a))
    assert abs(a.dot(b)) <= a.norm() * b.norm() * (1 + 1e-12)


def test_a_gaussian_direction_depends_on_its_stream_alone() -> None:
    assert drawn(1).flat.equal(drawn(1, network()).flat)
    assert not drawn(1).flat.equal(drawn(2).flat)


def test_a_gaussian_direction_has_the_length_of_its_dimension() -> None:
    with ambient(0, "test point"):
        model = nn.Linear(100, 100)
    # the length of n standard normal numbers is sqrt(n) within 1 / sqrt(2)
    assert drawn(1, model).norm() == pytest.approx(10100**0.5, abs=4)


def test_filter_norms_are_the_lengths_of_what_makes_one_output() -> None:
    model = network()
    norms = Point.of(model).filter_norms()
    weight = model[0].weight.detach()
    expected = torch.stack([filter_.norm() for filter_ in weight])
    torch.testing.assert_close(norms["0.weight"], expected)
    torch.testing.assert_close(norms["3.bias"], model[3].bias.detach().norm()[None])


def test_a_direction_can_be_given_the_filter_norms_of_a_point() -> None:
    # the filter normalisation of Li et al. 2018
    here, direction = Point.of(network()), drawn(1)
    wanted, own = here.filter_norms(), direction.filter_norms()
    fitted = direction.scaled({name: wanted[name] / own[name] for name in own})
    for name, norms in fitted.filter_norms().items():
        torch.testing.assert_close(norms, wanted[name])


def test_points_of_different_parameters_do_not_combine() -> None:
    model = network()
    with pytest.raises(BadModel, match="different parameters cannot be combined"):
        Point.of(model) + Point.of(model, ["0.weight"])


def test_a_parameter_that_is_not_there_is_named() -> None:
    with pytest.raises(BadModel, match=r"no parameter '0\.wait'\. It has: 0\.weight, "):
        Point.of(network(), ["0.wait"])


def test_a_model_of_another_shape_is_refused() -> None:
    with ambient(0, "test point"):
        wide, narrow = nn.Linear(3, 4), nn.Linear(2, 4)
    with pytest.raises(BadModel, match=r"'weight' has shape \(4, 2\) in the model"):
        Point.of(wide).write_into_(narrow)
