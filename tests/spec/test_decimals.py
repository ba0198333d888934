"""No setting becomes another number than the one that was typed."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, Union, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normlab.cli import main
from normlab.errors import BadSetting
from normlab.spec import toml
from normlab.spec._decimals import faithful
from normlab.spec._frozen import Frozen
from normlab.spec.options import options_of
from normlab.spec.settings import with_settings
from normlab.spec.study import StudySpec
from normlab.spec.sweep import TABLES


def _numbers(table: type[Frozen], above: str = "") -> Iterator[str]:
    """Every key that takes a number with a point, found by the settings' own types."""
    for name, field in table.model_fields.items():
        key = f"{above}{field.alias or name}"
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Frozen):
            yield from _numbers(inner, f"{key}.")
        elif float in _parts(inner):
            yield key


def _parts(kind: Any) -> set[object]:
    if get_origin(kind) in (Union, types.UnionType, tuple):
        return set().union(*map(_parts, get_args(kind)))
    first = get_args(kind)[:1]  # of Annotated
    return {kind} | (_parts(first[0]) if hasattr(kind, "__metadata__") else set())


KEYS = sorted(_numbers(StudySpec))
UNFAITHFUL = ["1e-400", "0.1e-330", "1e400", "17e+308"]
ROADS: dict[str, Callable[[str, str], object]] = {
    "--set": lambda key, text: with_settings(StudySpec(), [f"{key}={text}"]),
    "--set as a list": lambda key, text: with_settings(
        StudySpec(), [f"{key}=[{text}, 0.5]"]
    ),
    "study.toml": lambda key, text: toml.loads(f"{key} = {text}", where="f.toml"),
}
LISTS = ("recipe.rates", "data.mean", "data.std")


def test_the_keys_are_found() -> None:
    assert {"recipe.momentum", "recipe.weight_decay", *LISTS} <= {*KEYS}


@pytest.mark.parametrize("text", UNFAITHFUL)
@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("key", KEYS)
def test_what_a_float_would_change_is_refused(key: str, road: str, text: str) -> None:
    typed = f"[{text}]" if road == "study.toml" and key in LISTS else text
    with pytest.raises(BadSetting) as caught:
        ROADS[road](key, typed)
    told = str(caught.value)
    assert key in told and text in told and "for a number of 64 bits" in told
    assert "\n" not in told


@pytest.mark.parametrize("text", UNFAITHFUL)
def test_axes_and_options_of_norms_refuse_it_too(text: str) -> None:
    for setting in (
        f"recipe.momentum=0.5,{text}",
        f"sweep.recipe.weight_decay=0,{text}",
        f"arms=batch,noisy(shift={text})",
    ):
        with pytest.raises(BadSetting, match="for a number of 64 bits"):
            with_settings(StudySpec(), [setting])


@pytest.mark.parametrize("option", ["--momentum", "--weight-decay", "--lr"])
def test_the_command_line_refuses_it(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", option, "1e-400"]) == 2
    told = capsys.readouterr().err
    assert "=1e-400 is too close to 0" in told and told.count("\n") == 1


@pytest.mark.parametrize("value", [Fraction(1, 10**400), Decimal("1e-400"), 10**400])
def test_numbers_of_python_are_held_to_it_too(value: Any) -> None:
    with pytest.raises(BadSetting, match="for a number of 64 bits"):
        options_of("noisy", {"shift": value})


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_passes_as_it_is_written(number: float) -> None:
    assert float(faithful(repr(number))) == number


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_passes_if_and_only_if_it_does_not_vanish(number: Decimal) -> None:
    vanishes = number != 0 and abs(number) <= Decimal(2) ** -1075
    overflows = abs(number) >= Decimal(2) ** 1024
    if vanishes or overflows:
        with pytest.raises(ValueError, match="64 bits"):
            faithful(str(number))
    elif abs(number) < Decimal(2) ** 1023:  # between them rounding decides
        assert faithful(str(number)) == str(number)


def test_tables_of_a_sweep_are_among_those_looked_through() -> None:
    assert {key.partition(".")[0] for key in KEYS} >= {*TABLES}
