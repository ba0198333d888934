"""What CONTRIBUTING says of adding a part is enough; a part half added is noticed.

Every message says which step is missing.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import pytest

import normlab.analysis.claims
import normlab.data.formats
import normlab.experiments
import normlab.figures
import normlab.nets
import normlab.probes
import normlab.records.observed
from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.claims.definition import Definition
from normlab.data.formats.readers import READERS
from normlab.data.load import NAMED
from normlab.experiments.experiment import Experiment
from normlab.experiments.registry import NAMES
from normlab.figures.gallery import KINDS
from normlab.figures.kit.picture import FigureKind
from normlab.records.observed.contract import ProbeArrays
from normlab.records.observed.registry import PROBES
from normlab.spec.model import Shape
from normlab.spec.names import DATA
from normlab.spec.nets import NETS

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()


def modules(room: ModuleType, *, but: str = "") -> dict[str, ModuleType]:
    """The files of a folder by name, but for those that are no part of their own."""
    names = {m.name for m in iter_modules(room.__path__) if not m.ispkg}
    return {
        name: import_module(f"{room.__name__}.{name}")
        for name in sorted(names - set(but.split()))
    }


def end_in(room: ModuleType, kind: type, *, but: str) -> dict[str, object]:
    """The objects that the files of a folder end in, by the names of the files."""
    found: dict[str, object] = {}
    for name, module in modules(room, but=but).items():
        values = [v for n, v in vars(module).items() if n.isupper()]
        ends = [value for value in values if isinstance(value, kind)]
        assert ends, f"{module.__file__} must end in {kind.__name__}(...)"
        found |= {f"{name}.{i}": value for i, value in enumerate(ends)}
    return found


def nothing(lone: Iterable[object], step: str) -> None:
    """Fail with the step that was left out, and for what."""
    assert not (names := sorted(map(str, lone))), f"{step}: {', '.join(names)}"


def test_every_figure_is_in_the_gallery() -> None:
    made = end_in(normlab.figures, FigureKind, but="gallery line")
    lone = [name for name, kind in made.items() if kind not in KINDS]
    nothing(lone, "KINDS in src/normlab/figures/gallery.py lacks the KIND of")


def test_every_claim_is_judged_and_has_everyday_words() -> None:
    made = end_in(normlab.analysis.claims, Definition, but="definition own seen")
    lone = [name for name, claim in made.items() if claim not in DEFINITIONS]
    nothing(
        lone,
        "DEFINITIONS in src/normlab/analysis/claims/__init__.py lacks the CLAIM of",
    )
    mute = [d.id for d in DEFINITIONS if not d.quantity]
    nothing(mute, "quantity is missing in the CLAIM of")
    odd = [
        d.id for d in DEFINITIONS if not d.statement.endswith("{arm} than {baseline}")
    ]
    nothing(odd, "the statement must end in {arm} than {baseline} in the CLAIM of")


def test_every_claim_has_what_its_section_of_the_docs_needs() -> None:
    texts = ("formula", "papers", "turns")
    mute = [d.id for d in DEFINITIONS if not all(getattr(d, t) for t in texts)]
    nothing(mute, f"{', '.join(texts)} are missing in the CLAIM of")


def test_every_experiment_has_its_name_and_its_page() -> None:
    helpers = "experiment registry template"
    made = end_in(normlab.experiments, Experiment, but=helpers)
    files = {name.partition(".")[0].replace("_", "-") for name in made}
    nothing(files - {*NAMES}, "NAMES in src/normlab/experiments/registry.py lacks")
    nothing({*NAMES} - files, "src/normlab/experiments has no file for")
    folder = ROOT / "docs" / "experiments"
    pages = {page.stem for page in folder.glob("*.md")}
    nothing({*NAMES} - pages, "docs/experiments has no page for")
    listed = (folder / "index.md").read_text().splitlines()
    nothing({*NAMES} - {*listed}, "docs/experiments/index.md lacks")


def test_every_network_has_its_name_and_its_settings() -> None:
    helpers = "answers beside check code custom hidden image neighbours own_norm "
    helpers += "registry"
    files = modules(normlab.nets, but=helpers)
    nothing(files.keys() - NETS.keys(), "src/normlab/spec/nets.py lacks a row for")
    nothing(NETS.keys() - files.keys(), "src/normlab/nets has no file for")
    for name, module in files.items():
        factory = getattr(module, name, None)
        assert callable(factory), f"src/normlab/nets/{name}.py has no function {name}"
        first, settings = ["norm", "shape", "classes"], {*NETS[name]}
        taken = list(inspect.signature(factory).parameters)
        assert taken[:3] == first, f"{name} must take {', '.join(first)} first"
        varied = {*taken} & {*Shape.model_fields}
        nothing(varied ^ settings, f"src/normlab/spec/nets.py and {name}() differ in")
        for key, words in NETS[name].items():
            default = inspect.signature(factory).parameters[key].default
            assert default is None or words == str(default), (
                f"src/normlab/spec/nets.py: {key} of {name} is {default}, not {words}"
            )


def test_every_probe_has_its_arrays_and_what_makes_it() -> None:
    files = modules(normlab.probes)
    kept = {kind.probe: kind for kind in PROBES if not kind.afterwards}
    nothing(kept.keys() - files.keys(), "src/normlab/probes has no file for")
    for name in kept:
        made = inspect.isfunction(getattr(files[name], name, None))
        assert made, f"src/normlab/probes/{name}.py has no function {name}(of)"
    for name, module in files.items():
        for value in vars(module).values():
            own = inspect.isclass(value) and value.__module__ == module.__name__
            if own and "observe" in vars(value) and hasattr(value, "kind"):
                assert kept.get(name) is value.kind, (
                    f"src/normlab/records/observed/{name}.py must define what "
                    f"{value.__name__} keeps: ProbeArrays with probe={name!r}"
                )


def test_every_file_of_arrays_is_called_like_its_probe() -> None:
    helpers = "contract observations phases registry"
    files = modules(normlab.records.observed, but=helpers)
    nothing(
        files.keys() ^ {kind.probe for kind in PROBES},
        f"src/normlab/records/observed/NAME.py needs one {ProbeArrays.__name__} with "
        "probe=NAME",
    )


def test_every_built_in_data_source_has_its_name_and_is_documented() -> None:
    nothing({*NAMED} - {*DATA}, "DATA in src/normlab/spec/names.py lacks")
    nothing({*DATA} - {*NAMED}, "REMOTES in src/normlab/data/download.py lacks")
    page = (ROOT / "docs" / "data.md").read_text()
    nothing((n for n in DATA if f"`{n}`" not in page), "docs/data.md does not name")


def test_every_reader_of_files_is_asked_and_documented() -> None:
    asked = {reader.__module__.rpartition(".")[2] for reader in READERS.values()}
    # of folders, of tables, and what several readers share
    others = "cells cifar columns idx listing names packaged readers table"
    nothing(
        modules(normlab.data.formats, but=others).keys() - asked,
        "READERS in src/normlab/data/formats/readers.py does not ask",
    )
    page = (ROOT / "docs" / "data.md").read_text()
    lone = (suffix for suffix in READERS if f"`FILE{suffix}`" not in page)
    nothing(lone, "docs/data.md does not name")


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


def test_every_benchmark_is_described() -> None:
    page = (ROOT / "benchmarks" / "README.md").read_text()
    files = sorted(path.name for path in (ROOT / "benchmarks").glob("*.py"))
    lone = [name for name in files if not re.search(rf"`{re.escape(name)}[ `]", page)]
    assert files
    nothing(lone, "benchmarks/README.md does not say what is measured by")
