"""From a result to the text of its report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from shlex import quote
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from normlab.analysis.claim import as_listed
from normlab.analysis.series.step_table import step_tables
from normlab.analysis.text.answer import answers
from normlab.analysis.text.words import ARMS, named
from normlab.figures.gallery import Gallery
from normlab.figures.kit.picture import Picture
from normlab.figures.kit.theme import DARK, LIGHT, swaps
from normlab.records.data_line import data_line
from normlab.report.conditions import different, equal, extent
from normlab.report.limits import limits

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult

# the order of the reference experiment
SECTIONS = {
    "surface": "The loss surface",
    "drift": "How activations drift",
    "normalisation": "Normalising one neuron",
    "training": "Training",
    "evaluation": "Evaluation",
}
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


def build(result: StudyResult) -> str:
    """The whole report as one HTML text; nothing outside is referred to.

    Args:
        result: A study, also one that is not finished.
    """
    pictures, missing = Gallery(result).drawn()
    by_section: dict[str, list[Picture]] = {}
    for picture in pictures:
        by_section.setdefault(picture.kind.section, []).append(picture)
    page = Environment(
        loader=PackageLoader("normlab.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page.filters["payload"] = payload
    page.filters["sentence"] = sentence
    return page.get_template("report.html").render(
        result=result,
        record=result.record,
        spec=result.record.spec,
        analysis=result.analysis,
        claims=as_listed(result.claims()),
        answers=answers(result.record.spec, result.claims()),
        table=Markup(result.table()._repr_html_()),
        step_tables=[Markup(t._repr_html_()) for t in step_tables(result.record)],
        arms=named([*result.record.spec.labels.values()], ARMS),
        extent=extent(result.record.spec),
        equal=equal(result.record.spec),
        different=different(result),
        data=data_line(result.record.meta),
        claims_pictures=by_section.get("claims", []),
        sections=[
            (name, title, by_section[name])
            for name, title in _titles(result).items()
            if name in by_section
        ],
        missing=missing,
        limits=limits(result),
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


def _titles(result: StudyResult) -> dict[str, str]:
    """What each section is called in this study, in their order."""
    surface = SECTIONS["surface"]
    if len(result.record.spec.recipe.rates) > 1:
        surface += ", and which learning rates work"
    return {**SECTIONS, "surface": surface}


def payload(picture: Picture) -> Markup:
    """A figure as JSON for the page, without what the page has already."""
    drawn = json.loads(picture.figure.to_json() or "{}")
    drawn["layout"].pop("template", None)
    return _script_safe(drawn)


def sentence(text: object) -> str:
    """With a capital and a full stop.

    Example:
        >>> sentence("one arm only: nothing to compare")
        'One arm only: nothing to compare.'
    """
    return f"{str(text)[:1].upper()}{str(text)[1:]}."


def _script_safe(value: Any) -> Markup:
    """JSON that no parser of HTML takes for the end of its script element."""
    text = json.dumps(value, separators=(",", ":"), default=lambda o: o.tolist())
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _own(name: str) -> Markup:
    """A file of this package; nothing of a user's is in it."""
    return Markup(files("normlab.report").joinpath("page", name).read_text("utf-8"))


def _environment(meta: Any) -> Sequence[tuple[str, str]]:
    return [(name, meta[key]) for key, name in FACTS.items() if meta.get(key)]


def _commands(result: StudyResult) -> list[tuple[str, str]]:
    """What a command does, and the command."""
    folder = quote(str(result.folder)) if result.folder else "DIR"
    asked = result.record.meta.get("command")
    made = [("This study was made with", asked)] if asked else []
    return [*made, ("Repeat it, in a new folder, with", f"normlab rerun {folder}")]
