"""`normlab run --quick`: what is reduced, and what stays as it was asked for."""

from __future__ import annotations

import pytest

from normlab.cli.quick import quick_text, reduced
from normlab.experiments.registry import NAMES, experiment
from normlab.spec.plan import plan
from normlab.spec.settings import with_settings


@pytest.mark.parametrize("name", NAMES)
def test_no_more_is_trained_than_before(name: str) -> None:
    whole = experiment(name).spec()
    quick = reduced(whole)
    assert len(quick.seeds) == 3
    assert quick.seeds_with_surfaces == ()
    assert quick.recipe.epochs <= whole.recipe.epochs
    assert quick.data == whole.data
    assert set(plan(quick)) <= set(plan(whole))
    alike = ("arms", "model", "sweep", "measure")
    assert all(getattr(quick, part) == getattr(whole, part) for part in alike)


def test_what_is_smaller_stays() -> None:
    small = with_settings(
        experiment("article").spec(),
        ["seeds=7,", "recipe.epochs=1", "data.training=100"],
    )
    quick = reduced(small)
    assert (quick.seeds, quick.recipe.epochs, quick.data.training) == ((7,), 1, 100)


def test_it_is_said_what_was_reduced() -> None:
    quick = reduced(experiment("article").spec())
    few = with_settings(quick, ["data.training=1234"])
    assert quick_text(few).startswith("quick: 3 seeds, ")
    assert " of 1,234 images, no pictures of loss surfaces" in quick_text(few)
