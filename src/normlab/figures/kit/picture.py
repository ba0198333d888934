"""A figure with its title, the sentence that says how to read it, and words for it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import plotly.graph_objects as go

from normlab.analysis.text.words import named
from normlab.figures.kit.panels import TITLE

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult
    from normlab.figures.kit.theme import Theme

Section = Literal["sweep", "training", "surface", "neuron", "curious"]
SECTIONS: Mapping[Section, str] = {
    "sweep": "Over settings and rates",
    "training": "Training",
    "surface": "The loss surface",
    "neuron": "One neuron, and drift",
    "curious": "For the curious",
}
"""In the order in which a reader asks."""


WORDS = 24  # parts of a figure that are told one by one


class Drawn(NamedTuple):
    """A figure, and what is seen on it in words, for those who do not see it."""

    figure: go.Figure
    alt: str
    still: go.Figure | None = None
    """The same for paper, where nothing moves: all stages at once; None: as it is."""


def in_words(parts: Iterable[str], between: str = "; ") -> str:
    """What is seen of each arm or claim; of more than `WORDS` of the first ones."""
    return named(list(parts), WORDS, between)


@dataclass(frozen=True, kw_only=True)
class FigureKind:
    """One figure that normlab can draw of a study."""

    id: str
    section: Section
    title: str
    reading: str
    """How to read it; one sentence or two."""
    of_one_setting: bool
    """Whether it shows what was observed, at one rate and point of several; then its
    reading says at which, and it is drawn only if a network trained there."""
    draw: Callable[[StudyResult, Theme], Drawn]
    """Raises NotMeasured where the study lacks what it shows."""
    at_once: bool = True
    """Whether a report shows it without being asked, as it does not with 3-D."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure of one study; shows itself in a notebook."""

    kind: FigureKind
    figure: go.Figure
    alt: str
    still: go.Figure | None = None
    """For paper, if the figure moves."""

    def on_paper(self) -> Picture:
        """The one that loses nothing where no slider can be moved."""
        return self if self.still is None else replace(self, figure=self.still)

    def titled(self) -> go.Figure:
        """A copy of the figure that carries its title, for a page of its own."""
        figure = go.Figure(self.figure)
        layout = figure.to_dict()["layout"]
        above = layout["margin"]["t"] + TITLE
        height = layout["height"] + TITLE
        # the legend stays below the title
        down = 1 - TITLE / height
        title = {"text": self.kind.title, "x": 0, "xref": "paper", "y": 1}
        title |= {"yref": "container", "yanchor": "top", "pad": {"t": 12}}
        return figure.update_layout(
            title=title, height=height, margin={"t": above}, legend={"y": down}
        )

    def __repr__(self) -> str:
        return f"<Picture {self.kind.id}: {self.kind.title}>"

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> Any:
        """Interactive; a picture beside it where one can be drawn, and in words."""
        from normlab.figures.kit.export import png_of  # which draws pictures itself

        bundle = dict(self.titled()._repr_mimebundle_(*args, **kwargs) or {})
        bundle["text/plain"] = f"{self.kind.title}. {self.alt}"
        if (png := png_of(self)) is not None:
            bundle["image/png"] = b64encode(png).decode()
        return bundle
