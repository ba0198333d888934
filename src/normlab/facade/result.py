"""What Python users get of a study: its table, its claims, its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from normlab.analysis.result import StudyResult

if TYPE_CHECKING:
    from normlab.figures.gallery import Gallery
    from normlab.figures.kit.picture import Picture


@dataclass(frozen=True, repr=False)
class Result(StudyResult):
    """A study as it stands: open it from its folder, or get it from `compare`.

    It is a snapshot: open it again to see what a running study has added since. It
    prints as its table, claims and fairness, and shows them in a notebook. Losses are
    in nats per image, accuracies fractions, times in seconds; torch is not needed.

    Args:
        record: Everything that was recorded: settings, runs, epochs, measurements.
        folder: Where it is kept; None for a study that lies nowhere.
        own: Claims of your own that are judged with normlab's.

    Example:
        >>> from normlab.records.rows import StudyRecord
        >>> from normlab.spec.study import StudySpec
        >>> empty = Result(StudyRecord(spec=StudySpec(), meta={}, runs=()))
        >>> "learning-curves" in list(empty.figures())
        True
    """

    def figures(self) -> Gallery:
        """All figures of this study by name; each is drawn when asked for.

        Returns:
            A mapping. Its names are those of all figures that normlab can draw; one
            that this study did not measure raises NotMeasured.
        """
        from normlab.figures.gallery import Gallery  # Plotly takes a while to import

        return Gallery(self)

    def plot(self, name: str) -> Picture:
        """One figure, which shows itself in a notebook.

        Args:
            name: For example `learning-curves`; `list(result.figures())` has all.

        Returns:
            The Plotly `figure`, how to read it (`kind.reading`) and what is seen on it
            in words (`alt`).

        Raises:
            BadSetting: If there is no figure of that name.
            NotMeasured: If the study did not record what it shows.
        """
        return self.figures()[name]
