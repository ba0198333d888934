"""From a result to the text of its report."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.resources import files
from shlex import quote
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from normlab.analysis.series.step_table import step_tables
from normlab.analysis.statements import Said, said_and_found, statements_of
from normlab.analysis.text.answer import answers
from normlab.analysis.text.over_sweep import over_sweep
from normlab.figures.gallery import Gallery
from normlab.figures.kit.export import stills as stills_of
from normlab.figures.kit.numbers import Table
from normlab.figures.kit.numbers import tables as numbers_of
from normlab.figures.kit.picture import SECTIONS, Picture, Section
from normlab.figures.kit.theme import DARK, LIGHT, swaps
from normlab.records.data_line import data_line
from normlab.report.conditions import different, equal, extent
from normlab.report.limits import limits
from normlab.report.private import private
from normlab.report.sources import SOURCES, linked
from normlab.report.terms import Terms, anchor
from normlab.report.title import title
from normlab.report.unfinished import unfinished
from normlab.report.verdicts import back, tables

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult

ARTICLE = "article"
FACTS = {
    "created": "started",
    "finished": "finished",
    "resumed_with": "resumed with",
    "normlab": "normlab",
    "torch": "PyTorch",
    "numpy": "NumPy",
    "scipy": "SciPy",
    "python": "Python",
    "platform": "platform",
    "cpu": "processor",
    "cores": "cores",
    "data_digest": "digest of the data",
}


def build(result: StudyResult, *, stills: bool = False) -> str:
    """The whole report as one HTML text; nothing outside is referred to.

    Args:
        result: A study, also one that is not finished.
        stills: Whether each figure has a picture for readers without JavaScript.

    Raises:
        BadSetting: If there are to be pictures, and kaleido or a browser is missing.
    """
    pictures, missing = Gallery(result).drawn()
    by_section: dict[Section, list[Picture]] = {}
    for picture in pictures:
        by_section.setdefault(picture.kind.section, []).append(picture)
    shown = [picture.kind.id for picture in pictures]
    verdicts = tables(result.record.spec, result.claims(), shown)
    groups = answers(result.record.spec, result.claims())
    swept = [*map(over_sweep, groups)] if result.record.spec.sweep.axes else []
    # a sweep is answered first, with its figure
    first = [p for p in by_section.get("sweep", ()) if swept and p.kind.id == "sweep"]
    by_section["sweep"] = [p for p in by_section.get("sweep", ()) if p not in first]
    page = Environment(
        loader=PackageLoader("normlab.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_private(result),
    )
    page.filters["payload"] = payload
    page.filters["tables"] = _numbers
    page.filters["sentence"] = sentence
    page.filters["linked"] = linked
    page.filters["anchor"] = anchor
    terms = Terms()
    page.filters["explained"] = lambda text, part: terms.marked(part, text)
    return page.get_template("report.html").render(
        result=result,
        record=result.record,
        spec=result.record.spec,
        analysis=result.analysis,
        title=title(result.record.spec, result.record.meta),
        unfinished=unfinished(result),
        verdicts=verdicts,
        back=back(verdicts),
        shown=shown,
        swept=swept,
        first=first,
        answers=[each.others for each in swept] or groups,
        table=Markup(result.table()._repr_html_()),
        step_tables=[Markup(t._repr_html_()) for t in step_tables(result.record)],
        extent=extent(result.record.spec),
        equal=equal(result.record.spec),
        different=different(result),
        data=data_line(result.record.meta),
        stills=stills_of(pictures) if stills else {},
        sections=[
            (name, heading, by_section[name])
            for name, heading in SECTIONS.items()
            if by_section.get(name)
        ],
        numbers_in=""
        if swept
        else next((n for n in ("sweep", "training") if by_section.get(n)), ""),
        missing=missing,
        limits=limits(result),
        words=terms.met,
        sources=SOURCES,
        said=_said(result),
        about_batch=any("batch" in arm.norm for arm in result.record.spec.arms),
        environment=_environment(result.record.meta),
        commands=_commands(result),
        settings=result.record.meta.get("study_toml", ""),
        style=_own("style.css"),
        script=_own("page.js"),
        plotly=Markup(get_plotlyjs()),
        looks=_script_safe(
            {
                "light": LIGHT.template().to_plotly_json(),
                "dark": DARK.template().to_plotly_json(),
                "swaps": swaps(),
            }
        ),
    )


def payload(picture: Picture) -> Markup:
    """A figure as JSON for the page, without what the page has already."""
    drawn = json.loads(picture.figure.to_json() or "{}")
    drawn["layout"].pop("template", None)
    return _script_safe(drawn)


def _numbers(picture: Picture) -> list[Table]:
    """All that it shows, also what a slider would."""
    return numbers_of(picture.on_paper().figure)


def sentence(text: object) -> str:
    """With a capital and a full stop.

    Example:
        >>> sentence("one arm only: nothing to compare")
        'One arm only: nothing to compare.'
    """
    return f"{str(text)[:1].upper()}{str(text)[1:]}."


def _private(result: StudyResult) -> Callable[[Any], Any]:
    """Every text of the page without the folders of the machine it is made on."""
    spec = result.record.spec
    places = (
        result.folder,
        spec.data.source,
        spec.model.file,
        spec.model.weights,
    )

    def shown(value: Any) -> Any:
        is_text = isinstance(value, str) and not isinstance(value, Markup)
        return private(value, *places) if is_text else value

    return shown


def _script_safe(value: Any) -> Markup:
    """JSON that no parser of HTML takes for the end of its script element."""
    text = json.dumps(value, separators=(",", ":"), default=lambda o: o.tolist())
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _own(name: str) -> Markup:
    """A file of this package; nothing of a user's is in it."""
    return Markup(files("normlab.report").joinpath("page", name).read_text("utf-8"))


def _said(result: StudyResult) -> list[Said]:
    """What the publication says; the article's statements are the table's own rows."""
    spec = result.record.spec
    if spec.experiment == ARTICLE:
        return []
    return said_and_found(statements_of(spec), result.claims())


def _environment(meta: Any) -> Sequence[tuple[str, str]]:
    return [(name, meta[key]) for key, name in FACTS.items() if meta.get(key)]


def _commands(result: StudyResult) -> list[tuple[str, str]]:
    """What a command does, and the command."""
    folder = quote(result.folder.name) if result.folder else "DIR"
    asked = result.record.meta.get("command")
    made = [("This study was made with", asked)] if asked else []
    return [*made, ("Repeat it, in a new folder, with", f"normlab rerun {folder}")]
