from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import escape

from normlab.cli import main
from normlab.errors import BadFolder
from normlab.facade.result import Result
from normlab.records.observed.observations import Observations
from normlab.records.rows import StudyRecord
from normlab.report.build import build
from normlab.report.glossary import GLOSSARY
from normlab.report.write import write
from normlab.spec.data import Data
from normlab.spec.model import Model
from normlab.spec.study import StudySpec

from .conftest import DRAWN

EVIL = '</script><script>alert("x")</script><b onclick=1>'
HOME = "/home/ann"
MOST = 6_000_000  # bytes
MOVING = 2  # figures with a slider: each has another for paper


class Outline(HTMLParser):
    """Headings, ids, references and elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.elements.append((tag, found))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if found.get("id"):
            self.ids.append(str(found["id"]))
        self.targets += [str(v) for k, v in attrs if k in ("href", "src", "action")]


@pytest.fixture(scope="session")
def text(page_path: Path) -> str:
    return page_path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def outline(text: str) -> Outline:
    return Outline(text)


def test_nothing_outside_is_fetched_only_linked(outline: Outline) -> None:
    links = {target for target in outline.targets if not target.startswith("#")}
    assert all(link.startswith("https://") for link in links)
    assert links <= {
        str(found.get("href")) for tag, found in outline.elements if tag == "a"
    }


def test_every_link_leads_somewhere(outline: Outline) -> None:
    within = {target[1:] for target in outline.targets if target.startswith("#")}
    assert within <= set(outline.ids)


def test_batch_norm_is_explained_where_an_arm_has_it(text: str) -> None:
    assert text.count("<math") == 4
    other = StudySpec(arms=("none", "layer"))
    assert 'id="basics"' not in build(Result(StudyRecord(spec=other)))


def test_words_are_explained_where_they_are_used(text: str) -> None:
    for word in ("twins", "Hessian", "covariate shift"):
        link = f'href="#word-{word.replace(" ", "-")}" title="'
        assert link in text
        assert f"<dt>{word}</dt><dd>{escape(GLOSSARY[word])}</dd>" in text


def test_no_id_is_given_twice(outline: Outline) -> None:
    assert len(outline.ids) == len(set(outline.ids))


def test_headings_skip_no_level(outline: Outline) -> None:
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    steps = zip(outline.headings, outline.headings[1:], strict=False)
    assert all(deeper - level <= 1 for level, deeper in steps)


def test_every_figure_is_there_with_its_words_and_its_reading(
    text: str, outline: Outline
) -> None:
    plots = {
        str(attributes["data-figure"]): attributes
        for _, attributes in outline.elements
        if "data-figure" in attributes
    }
    assert set(plots) == {kind.id for kind in DRAWN}
    assert all(
        plot["role"] == "figure" and plot["aria-label"] for plot in plots.values()
    )
    assert text.count("<figcaption>") == len(DRAWN)


def test_the_verdict_comes_first_and_the_rest_in_the_order_of_questions(
    text: str,
) -> None:
    order = [
        'id="verdict"',
        'id="section-training"',
        'id="learning-curves"',
        'id="final-accuracy"',
        'id="section-surface"',
        'id="surface-common"',
        'id="section-neuron"',
        'id="one-neuron"',
        'id="drift"',
        'id="section-curious"',
        'id="sharpness"',
        'id="claims"',
        'id="cost"',
        'id="fairness"',
        'id="limits"',
        'id="environment"',
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_plotly_is_there_once_and_the_file_is_small_enough(
    text: str, page_path: Path
) -> None:
    assert text.count("plotly.js v") == 1
    assert page_path.stat().st_size <= MOST


def test_the_policy_forbids_every_request(text: str) -> None:
    assert "default-src 'none'" in text


def test_it_says_how_to_repeat_the_study(text: str, observed: Result) -> None:
    assert observed.folder is not None
    assert f"normlab rerun {observed.folder.name}\n" in unescape(
        re.sub("<[^>]*>", "\n", text)
    )


def test_every_claim_leads_to_its_figure_and_back(text: str, observed: Result) -> None:
    for row, figure in re.findall(
        r'<tr role="row" id="(claim-\d+)">.*?href="#([\w-]+)"', text, flags=re.DOTALL
    ):
        drawing = text[text.index(f'<figure id="{figure}"') :].partition("</figure>")[0]
        assert f'href="#{row}"' in drawing
    assert text.count('<tr role="row" id="claim-') == len(observed.claims())


def test_no_folder_of_the_machine_is_named(observed: Result) -> None:
    toml = f'[data]\nsource = "{HOME}/my photos"\n[model]\nname = "{HOME}/net.py:make"'
    meta = {
        **observed.record.meta,
        "command": f"normlab run --model {HOME}/net.py:make --out={HOME}/studies/x",
        "study_toml": toml,
        "data": json.dumps({"line": f"{HOME}/my photos: 480 images"}),
    }
    runs = tuple(replace(run, reason=f"no {HOME}/x") for run in observed.record.runs)
    spec = StudySpec(
        data=Data(source=f"{HOME}/my photos"), model=Model(name=f"{HOME}/net.py:make")
    )
    record = replace(observed.record, spec=spec, meta=meta, runs=runs)
    page = unescape(build(Result(record, Path(HOME) / "studies" / "x")))
    assert "/home/" not in page
    assert "ann" not in re.findall(r"[^\W\d]+", page.partition("<script>")[0])
    assert "net.py:make on my photos" in page
    assert 'source = "my photos"' in page
    assert "normlab rerun x" in page


def test_what_was_not_measured_is_said_and_not_drawn(observed: Result) -> None:
    runs = tuple(replace(run, observed=Observations()) for run in observed.record.runs)
    page = build(replace(observed, record=replace(observed.record, runs=runs)))
    assert "Not drawn" in page
    assert "Sharpness: “sharpness” was not recorded" in page
    assert 'data-figure="sharpness"' not in page


def test_a_study_that_never_began_has_a_report() -> None:
    page = build(Result(StudyRecord(spec=StudySpec())))
    assert "Learning curves: no run has taken a step yet." in page


def test_one_arm_alone_is_not_compared() -> None:
    page = build(Result(StudyRecord(spec=StudySpec(arms=("none",)))))
    assert "there is nothing to compare it with" in page


def test_whatever_a_user_wrote_is_text(observed: Result) -> None:
    spec = StudySpec(data=Data(source=EVIL))
    runs = tuple(replace(run, reason=EVIL) for run in observed.record.runs)
    meta = {**observed.record.meta, "command": EVIL, "study_toml": EVIL, "cpu": EVIL}
    record = replace(observed.record, spec=spec, runs=runs, meta=meta)
    page = build(Result(record, Path(EVIL.replace("/", "_"))))
    assert 'alert("x")' not in page
    assert "<b onclick" not in page
    assert page.count("&lt;b onclick=1&gt;") >= 5


def test_no_data_ends_its_script_early(text: str) -> None:
    blocks = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text)
    assert len(blocks) == len(DRAWN) + 1 + MOVING
    for block in blocks:
        assert "<" not in block
        json.loads(block)


def test_the_same_records_give_the_same_file(observed: Result) -> None:
    assert build(observed) == build(observed)


def test_a_report_that_cannot_be_written_says_where(
    observed: Result, tmp_path: Path
) -> None:
    with pytest.raises(BadFolder, match="normlab report DIR -o FILE"):
        write(observed, tmp_path / "missing" / "report.html")


def test_the_command_says_where_the_report_is(
    observed: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "r.html"
    assert main(["report", str(observed.folder), "-o", str(file)]) == 0
    assert capsys.readouterr().out == f"report written to {file}\n"
    assert file.exists()
