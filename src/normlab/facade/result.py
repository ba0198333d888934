"""What Python users get of a study: its table, its claims, its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from normlab.analysis.result import StudyResult
from normlab.analysis.text.tables import columns
from normlab.records.export import exported

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
        >>> empty
        <Result article: 2 arms, 5 seeds, 0 of 0 runs ended>
    """

    def figures(self) -> Gallery:
        """The figures of this study by name; each is drawn when asked for.

        Returns:
            A mapping. Its names are those of the figures that can be drawn of this
            study; another one raises NotMeasured, and `missing` says why.
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

    def save_figure(
        self,
        name: str,
        path: str | Path,
        *,
        width: str | None = None,
        font: float | None = None,
        title: bool = True,
        force: bool = False,
    ) -> None:
        """Write one figure to a file, for a paper or a slide.

        Args:
            name: For example `learning-curves`.
            path: Ends in .svg, .png or .pdf.
            width: With its unit: `3.25in`, `8.5cm`; None takes 1000 pixels.
            font: Points of the letters; None takes those of the report.
            title: Whether the figure has its title above it.
            force: Whether an existing file of this kind is replaced.

        Raises:
            BadSetting: If there is no such figure or format, a size makes no sense, or
                kaleido or a browser is missing.
            NotMeasured: If the study did not record what it shows.
            BadFolder: If the file exists or cannot be written.
        """
        from normlab.figures.kit.export import export_figure
        from normlab.figures.kit.paper import Paper

        paper = Paper.of(width, font, title=title)
        export_figure(self.plot(name), Path(path), paper=paper, force=force)

    def report(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the report: one HTML file with all figures, which opens offline.

        Args:
            path: Ends in .html.
            force: Whether an existing file of this kind is replaced.

        Raises:
            BadFolder: If the file exists or cannot be written.
        """
        from normlab.report.write import write

        return write(self, Path(path), force=force)

    def to_latex(self, table: str = "claims") -> str:
        r"""A table of the study as a LaTeX tabular, which needs no package.

        Args:
            table: claims, runs, epochs or steps.

        Raises:
            BadSetting: If there is no such table.

        Example:
            >>> from normlab.records.rows import StudyRecord
            >>> from normlab.spec.study import StudySpec
            >>> empty = Result(StudyRecord(spec=StudySpec(), meta={}, runs=()))
            >>> print(empty.to_latex("runs").splitlines()[0])
            \begin{tabular}{}
        """
        return exported(columns(self, table), "latex").decode()
