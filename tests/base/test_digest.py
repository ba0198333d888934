"""Digests are equal exactly when type, shape and bits are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis.extra import numpy as arrays

from normlab.base.digest import digest

DTYPES = (np.float32, np.float64, np.int64, np.uint8, np.bool_)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
def test_a_tensor_and_an_array_of_the_same_numbers_agree(dtype: type) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    assert digest(array) == digest(torch.from_numpy(array))


@given(arrays.arrays(np.float32, arrays.array_shapes(min_dims=0, min_side=0)))
def test_strides_do_not_matter(array: np.ndarray) -> None:
    other_order = array.copy(order="F")
    assert digest(other_order) == digest(array)
    assert digest(torch.from_numpy(other_order)) == digest(array)


def test_byte_order_does_not_matter() -> None:
    assert digest(np.arange(3, dtype=">i8")) == digest(np.arange(3, dtype="<i8"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.zeros(2, np.float32), np.zeros(1, np.float64)),
        (np.zeros(1), np.zeros(())),
        (np.zeros(0, np.int64), np.zeros(0, np.int32)),
        (np.array(0.0), np.array(-0.0)),
        (np.array([1, 2]), np.array([2, 1])),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_what_differs_in_type_shape_or_bits_differs(
    one: np.ndarray, other: np.ndarray
) -> None:
    assert digest(one) != digest(other)


def test_nan_is_equal_to_itself() -> None:
    assert digest(torch.tensor([torch.nan])) == digest(np.array([np.nan], np.float32))


def test_types_unknown_to_numpy_have_a_digest() -> None:
    ones = torch.ones(3, dtype=torch.bfloat16, requires_grad=True)
    assert digest(ones) == digest(ones.clone()) != digest(ones.to(torch.float16))


def test_the_digest_of_a_tensor_never_changes() -> None:
    assert digest(torch.arange(3)) == "30f0dd9b57ae927568b2aedc0363e1f2"


def test_python_objects_are_refused() -> None:
    with pytest.raises(TypeError, match="array of Python objects has no digest"):
        digest(np.array([None, 1]))
