"""What probes keep is what their classes say."""

from __future__ import annotations

import numpy as np
import pytest

from normlab.errors import NotMeasured
from normlab.records.observed.contract import Arrays, Place, ProbeArrays
from normlab.records.observed.gradient import GradientArrays
from normlab.records.observed.registry import PROBES

DTYPES = {"float": np.float32, "int": np.int64, "bool": np.bool_, "number": np.uint8}
AXES = (
    "steps lengths ends images shown first units chosen rows distance_steps "
    "burst_steps strides order radii directions sides ..."
)
SIZES = {axis: 4 + number for number, axis in enumerate(AXES.split())}


def made(kind: type[Arrays], at: str = "") -> dict[str, np.ndarray]:
    """Every array of a kind; any two of its axes have other sizes."""
    found = {
        f"{at}{name}": np.ones(
            [3 if axis.isdecimal() else SIZES[axis] for axis in known.axes.split()],
            DTYPES[known.dtype],
        )
        for name, known in kind.known().items()
    }
    for number, nested in enumerate(kind.kinds().values()):
        for place in (Place(number, "a.b"), Place(12, f"fc#{number}")):
            found |= made(nested, f"{place}:")
    return found


@pytest.mark.parametrize("kind", PROBES)
def test_packing_undoes_unpacking(kind: type[ProbeArrays]) -> None:
    arrays = made(kind)
    packed = kind.unpacked({**arrays, "pending:001:x": np.ones(1)}).packed()
    assert packed.keys() == arrays.keys()
    assert all(packed[name] is arrays[name] for name in arrays)


@pytest.mark.parametrize("kind", PROBES)
def test_an_array_of_another_shape_or_type_is_refused(kind: type[ProbeArrays]) -> None:
    arrays = made(kind)
    steps = [
        name
        for name, found in arrays.items()
        if found.ndim and found.shape[0] == SIZES["steps"] and name != "steps"
    ]
    for name in steps:
        short = {**arrays, name: arrays[name][1:]}
        with pytest.raises(ValueError, match=rf"{name.rpartition(':')[2]} is .*, not "):
            kind.unpacked(short)
    for name, found in arrays.items():
        with pytest.raises(ValueError, match="str32"):
            kind.unpacked({**arrays, name: np.full(found.shape, "x")})


@pytest.mark.parametrize("kind", PROBES)
def test_an_array_that_was_not_kept_is_none_or_not_measured(
    kind: type[ProbeArrays],
) -> None:
    whole = {name for name in kind.known() if not hasattr(kind, name)}
    for name in whole:
        left = kind.unpacked({n: a for n, a in made(kind).items() if n != name})
        with pytest.raises(NotMeasured, match=f"{kind.probe}.* without '{name}'"):
            getattr(left, name)
    for name in kind.known().keys() - whole:
        assert getattr(kind.unpacked({}), name) is None


def test_a_name_that_no_field_has_is_refused_by_the_writer() -> None:
    with pytest.raises(KeyError, match="GradientArrays has no betta"):
        GradientArrays.row(betta=1.0)
    with pytest.raises(AttributeError):
        _ = GradientArrays.unpacked({}).betta  # type: ignore[attr-defined]
