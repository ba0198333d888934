"""What a study returns: its table, its claims, its record."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from normlab.analysis.analyse import Analysis, analyse
from normlab.analysis.claim import Claims
from normlab.analysis.summary import to_json
from normlab.analysis.table import Table, table_of
from normlab.errors import BadSetting
from normlab.records.rows import StudyRecord

if TYPE_CHECKING:
    import pandas as pd

    from normlab.figures.gallery import Gallery
    from normlab.figures.picture import Picture


@dataclass(frozen=True)
class Result:
    """A study as it stands: open it from its folder, or get it from `compare`.

    It is a snapshot: open it again to see what a running study has added since.
    """

    record: StudyRecord
    folder: Path | None = None

    @classmethod
    def open(cls, folder: str | Path) -> Result:
        """Read a study folder; nothing is executed and nothing changed.

        Raises:
            BadFolder: If there is no study, or one of an unknown schema version.
        """
        from normlab.records.folder import StudyFolder

        study = StudyFolder.open(Path(folder))
        return cls(study.read(), study.path)

    @cached_property
    def analysis(self) -> Analysis:
        """The arms, the judged claims, and what was proven equal."""
        return analyse(self.record)

    def table(self) -> Table:
        """Training loss of each epoch, test loss and accuracy per arm."""
        return table_of(self.analysis.arms)

    def claims(self) -> Claims:
        """Every claim with its estimate, interval and verdict."""
        return self.analysis.claims

    def figures(self) -> Gallery:
        """All figures of this study by name; each is drawn when asked for."""
        # a layer above, met only here: a result shows its own pictures
        from normlab.figures.gallery import Gallery

        return Gallery(self)

    def plot(self, name: str) -> Picture:
        """One figure, which shows itself in a notebook.

        Args:
            name: For example `learning-curves`; `list(result.figures())` has all.

        Raises:
            BadSetting: If there is no figure of that name.
            NotMeasured: If the study did not record what it shows.
        """
        return self.figures()[name]

    def to_json(self) -> dict[str, Any]:
        """The object that `normlab show --json` prints."""
        return to_json(self.record, self.analysis)

    def to_pandas(self) -> pd.DataFrame:
        """One row per run and epoch: losses, accuracy, seconds and other metrics.

        Raises:
            BadSetting: If pandas is not installed.
        """
        try:
            pandas = importlib.import_module("pandas")
        except ImportError:
            raise BadSetting(
                "to_pandas() needs pandas, which is not installed; "
                "install it with: pip install 'normlab[pandas]'"
            ) from None
        rows = [
            {**run, **epoch, **epoch["metrics"]}
            for run in self.to_json()["runs"]
            for epoch in run["epochs"]
        ]
        unneeded = ["digests", "epochs", "metrics"]
        return pandas.DataFrame(rows).drop(columns=unneeded, errors="ignore")

    def __str__(self) -> str:
        return f"{self.table()}\n\n{self.claims()}\n\n{self.analysis.fairness}"

    def _repr_html_(self) -> str:
        parts = (self.table()._repr_html_(), self.claims()._repr_html_())
        return f"{''.join(parts)}<p>{self.analysis.fairness}</p>"
