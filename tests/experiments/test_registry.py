"""Every experiment can be described, and its networks be built."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import normlab.experiments
from normlab.analysis.claims import DEFINITIONS
from normlab.errors import BadSetting
from normlab.experiments.experiment import Experiment
from normlab.experiments.registry import NAMES, experiment
from normlab.experiments.template import template
from normlab.spec import toml
from normlab.spec.plan import plan
from normlab.spec.study import StudySpec
from normlab.study.source import source_of
from normlab.study.twins import build_arm, shared_tensors

CLAIMS = {definition.id for definition in DEFINITIONS}
VERDICTS = {"supported", "contradicted", "no-difference"}
FORMS = [(name, full) for name in NAMES for full in (False, True)]


def test_every_file_is_registered() -> None:
    folder = Path(normlab.experiments.__file__).parent
    files = {path.stem.replace("_", "-") for path in folder.glob("*.py")}
    assert files - {"--init--", "experiment", "registry", "template"} == set(NAMES)
    assert [experiment(name).name for name in NAMES] == list(NAMES)


@pytest.mark.parametrize(("name", "full"), FORMS)
def test_an_experiment_is_a_study(name: str, full: bool) -> None:
    spec = experiment(name).spec(full=full)
    assert spec.experiment == name
    assert len(spec.seeds) >= 3  # fewer give no verdict
    assert toml.loads(template(experiment(name), full=full), where=name) == spec


@pytest.mark.parametrize(("name", "full"), FORMS)
def test_the_networks_of_an_experiment_can_be_built(name: str, full: bool) -> None:
    spec = experiment(name).spec(full=full)
    models = {spec.at(point).model: spec.at(point) for point in spec.sweep.points}
    for variant in models.values():
        source = source_of(variant.model, root=Path())
        networks = [
            build_arm(source, arm, seed=0, shape=(1, 28, 28), classes=10)
            for arm in variant.arms
        ]
        weights = {n for n, t in networks[0].named_parameters() if t.ndim > 1}
        assert weights <= set(shared_tensors(networks))


@pytest.mark.parametrize("name", NAMES)
def test_statements_are_about_claims_and_arms_that_there_are(name: str) -> None:
    arms = {arm.name for arm in experiment(name).spec().arms}
    assert experiment(name).statements
    assert experiment(name).differs.endswith(".")
    for statement in experiment(name).statements:
        assert statement.claim in CLAIMS
        assert statement.expects
        assert statement.expects <= VERDICTS
        assert {statement.arm, statement.against} <= arms
        assert statement.arm != statement.against


def test_the_article_is_what_a_study_is_without_settings() -> None:
    assert experiment("article").spec() == StudySpec()


@pytest.mark.parametrize("name", NAMES)
def test_the_long_form_is_not_shorter(name: str) -> None:
    default, full = (experiment(name).spec(full=long) for long in (False, True))
    assert len(plan(full)) >= len(plan(default))
    assert full.recipe.epochs >= default.recipe.epochs
    assert [arm.name for arm in full.arms] == [arm.name for arm in default.arms]


def test_changes_replace_keys_and_leave_the_others() -> None:
    made = Experiment(
        picture="sweep",
        name="x",
        title="",
        differs="",
        default={"recipe": {"epochs": 2, "momentum": 0.5}, "seeds": (1, 2)},
        full={"recipe": {"epochs": 3}},
    )
    recipe = made.spec(full=True).recipe
    assert (recipe.epochs, recipe.momentum) == (3, 0.5)
    assert made.spec(full=True).seeds == (1, 2)
    assert made.spec().recipe.epochs == 2


def test_another_sweep_replaces_the_sweep() -> None:
    sizes = experiment("batch-sizes").spec(full=True).sweep.axes
    assert [axis.key for axis in sizes] == ["recipe.batch_size"]
    assert len(sizes[0].values) == 10


def test_an_unknown_experiment_is_refused() -> None:
    with pytest.raises(BadSetting, match=r"'dept'\. Known: .* Did you mean 'depth'\?"):
        experiment("dept")


def test_a_template_says_what_is_tested_in_lines_that_fit() -> None:
    head = template(experiment("depth")).split("\n\n")[0].splitlines()
    assert all(line.startswith("#") and len(line) <= 88 for line in head)
    assert any(re.search("small changes grow", line) for line in head)


def test_experiments_never_import_torch() -> None:
    code = (
        "import sys; from normlab.experiments.registry import NAMES, experiment;"
        "[experiment(n).spec() for n in NAMES]; print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
