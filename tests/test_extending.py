"""What CONTRIBUTING says of adding a part is enough; a part half added is noticed."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import pytest

import normlab.analysis.claims
import normlab.experiments
import normlab.figures
import normlab.nets
import normlab.probes
from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.claims.definition import Definition
from normlab.data.load import NAMED
from normlab.experiments.experiment import Experiment
from normlab.experiments.registry import NAMES
from normlab.figures.gallery import KINDS
from normlab.figures.kit.picture import FigureKind
from normlab.probes import registry as probes
from normlab.records.observed.registry import PROBES
from normlab.report.headline import PLAIN
from normlab.spec.model import Shape
from normlab.spec.names import DATA
from normlab.spec.nets import NETS

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()


def modules(room: ModuleType) -> list[ModuleType]:
    names = [m.name for m in iter_modules(room.__path__) if not m.ispkg]
    return [import_module(f"{room.__name__}.{name}") for name in names]


def constants(room: ModuleType, kind: type) -> list[object]:
    """Objects of this kind that files of a room define themselves, each once."""
    found = {
        id(value): value
        for module in modules(room)
        for name, value in vars(module).items()
        if isinstance(value, kind) and name.isupper()
    }
    return list(found.values())


def test_every_figure_is_in_the_gallery() -> None:
    assert {id(one) for one in constants(normlab.figures, FigureKind)} == {
        id(kind) for kind in KINDS
    }


def test_every_claim_is_judged_and_has_everyday_words() -> None:
    assert {id(one) for one in constants(normlab.analysis.claims, Definition)} == {
        id(definition) for definition in DEFINITIONS
    }
    assert {definition.id for definition in DEFINITIONS} <= set(PLAIN)


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.id)
def test_every_claim_stands_in_the_docs_with_its_measure(
    definition: Definition,
) -> None:
    rows = (ROOT / "docs" / "claims.md").read_text().splitlines()
    starts = f"| `{definition.id}` |"
    (row,) = (r for r in rows if r.startswith(starts) and definition.measure in r)
    statement = definition.statement.format(arm="an arm", baseline="the baseline")
    assert statement.lower() in row.lower()


def test_every_experiment_has_its_name_and_its_page() -> None:
    files = {
        module.__name__.rpartition(".")[2].replace("_", "-")
        for module in modules(normlab.experiments)
        if isinstance(getattr(module, "EXPERIMENT", None), Experiment)
    }
    assert files == set(NAMES)
    pages = {page.stem for page in (ROOT / "docs" / "experiments").glob("*.md")}
    assert set(NAMES) <= pages


def test_every_network_has_its_name_and_its_settings() -> None:
    built = {}
    for module in modules(normlab.nets):
        name = module.__name__.rpartition(".")[2]
        factory = getattr(module, name, None)
        if inspect.isfunction(factory):
            taken = list(inspect.signature(factory).parameters)
            if taken[:3] == ["norm", "shape", "classes"]:
                built[name] = set(taken) & set(Shape.model_fields)
    assert built == {net: set(keys) for net, keys in NETS.items()}


def test_every_probe_is_made() -> None:
    observers = {
        value
        for module in modules(normlab.probes)
        for value in vars(module).values()
        if inspect.isclass(value)
        and value.__module__ == module.__name__
        and "observe" in vars(value)
        and all(hasattr(value, name) for name in ("due", "arrays", "restore"))
    }
    made = {value for value in vars(probes).values() if inspect.isclass(value)}
    assert len(observers) > 5
    assert observers <= made
    kept = {value.kind for value in observers if hasattr(value, "kind")}
    assert kept == set(PROBES)


def test_every_built_in_data_source_has_its_name() -> None:
    assert set(NAMED) == set(DATA)


PATHS = sorted(set(re.findall(r"`((?:src|tests|docs)/[\w./-]+)`", GUIDE)))


@pytest.mark.parametrize("path", PATHS)
def test_the_guide_names_what_is_there(path: str) -> None:
    """NAME stands for the part that is added: its folder is there."""
    named = ROOT / path
    assert (named.parent if named.stem == "NAME" else named).exists()


@pytest.mark.parametrize(
    "part", ["network", "norm", "claim", "probe", "figure", "data source", "experiment"]
)
def test_the_guide_has_a_checklist_for_every_part(part: str) -> None:
    assert re.search(rf"^### An? {part}$", GUIDE, re.MULTILINE)
