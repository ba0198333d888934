"""All figures of a study, each drawn when it is asked for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from normlab.errors import BadSetting, NormlabError, NotMeasured
from normlab.figures import (
    accuracy_and_percentiles,
    along_gradient,
    by_hand,
    claims_forest,
    cost,
    covariate_shift,
    dead_units,
    drift,
    effective_rate,
    final_accuracy,
    learning_curves,
    neuron_by_step,
    one_neuron,
    percentiles,
    rates,
    running_statistics,
    scale_shift,
    sharpness,
    step_path,
    straightness,
    surface,
    surface_3d,
    surface_difference,
    sweep,
    twin_difference,
)
from normlab.figures.kit.observed import setting_words, trained_words
from normlab.figures.kit.picture import FigureKind, Picture
from normlab.figures.kit.theme import LIGHT, Theme
from normlab.spec.names import known

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult
    from normlab.records.rows import StudyRecord

KINDS: tuple[FigureKind, ...] = (
    sweep.KIND,
    rates.KIND,
    learning_curves.KIND,
    final_accuracy.KIND,
    surface.COMMON,
    surface.PATH,
    surface_3d.KIND,
    one_neuron.KIND,
    neuron_by_step.KIND,
    by_hand.KIND,
    drift.KIND,
    percentiles.KIND,
    sharpness.KIND,
    along_gradient.KIND,
    covariate_shift.KIND,
    straightness.KIND,
    step_path.KIND,
    scale_shift.KIND,
    running_statistics.KIND,
    effective_rate.KIND,
    dead_units.KIND,
    accuracy_and_percentiles.KIND,
    twin_difference.KIND,
    surface_difference.KIND,
    surface.RANDOM,
    claims_forest.KIND,
    cost.KIND,
)
"""In the order of a report. A new figure is one file and one row here."""


class Gallery(Mapping[str, Picture]):
    """The figures of one study by name; asking for one draws it, once.

    Iterating gives the names of those that can be drawn of this study, so it draws all.
    Those that it did not measure raise NotMeasured when they are asked for, and so do
    those of what happens inside networks of which none trained: `missing` says why.
    """

    def __init__(self, result: StudyResult, theme: Theme = LIGHT) -> None:
        self._result = result
        self._theme = theme
        self._known: dict[str, Picture] = {}

    def __getitem__(self, name: str) -> Picture:
        if name not in self._known:
            self._known[name] = self._draw(name)
        return self._known[name]

    def _draw(self, name: str) -> Picture:
        kinds = {kind.id: kind for kind in KINDS}
        if name not in kinds:
            raise BadSetting(f"figure '{name}' is unknown. {_known(name)}")
        kind = kinds[name]
        try:
            more = _of_those_shown(self._result.record) if kind.of_one_setting else ()
            figure, alt, still = kind.draw(self._result, self._theme)
        except NotMeasured as missing:
            raise NotMeasured(f"{kind.title}: {missing}.") from None
        reading, alt = (" ".join((text, *more)) for text in (kind.reading, alt))
        return Picture(
            kind=replace(kind, reading=reading), figure=figure, alt=alt, still=still
        )

    def __iter__(self) -> Iterator[str]:
        return iter(picture.kind.id for picture in self._all[0])

    def __len__(self) -> int:
        return len(self._all[0])

    def __repr__(self) -> str:
        return f"<Gallery: {', '.join(self)}; {len(self.missing)} cannot be drawn>"

    @property
    def missing(self) -> tuple[str, ...]:
        """One line for each figure that cannot be drawn of this study, and why."""
        return tuple(self._all[1])

    @cached_property
    def _all(self) -> tuple[list[Picture], list[str]]:
        return self.drawn()

    def drawn(self) -> tuple[list[Picture], list[str]]:
        """All that can be drawn, and one line for each that cannot.

        A fault of one figure does not cost the others: it is a line too, and a warning.
        """
        pictures: list[Picture] = []
        missing: list[str] = []
        for name in (kind.id for kind in KINDS):
            try:
                pictures.append(self[name])
            except NormlabError as reason:
                missing.append(str(reason))
            except Exception as fault:
                what = f"{type(fault).__name__}: {fault}"
                missing.append(f"{name}: a fault of normlab keeps it from being drawn.")
                warnings.warn(f"figure '{name}' is at fault ({what})", stacklevel=2)
        return pictures, missing


def _of_those_shown(record: StudyRecord) -> list[str]:
    """Sentences on the runs that a figure of one setting shows; none of most studies.

    Raises:
        NotMeasured: If none of them trained.
    """
    trained = trained_words(record)
    return [words for words in (setting_words(record), trained) if words]


def _known(name: str) -> str:
    return known(tuple(kind.id for kind in KINDS), instead_of=name)
