"""What a study returns: its table, its claims, its record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from normlab.analysis.analyse import Analysis, analyse
from normlab.analysis.claim import Claims
from normlab.analysis.claims.definition import Definition
from normlab.analysis.claims.own import own_claims
from normlab.analysis.text.frames import frame
from normlab.analysis.text.looking import looking_text
from normlab.analysis.text.summary import to_json
from normlab.analysis.text.table import Table, table_of
from normlab.analysis.text.words import count, notes_text, upper
from normlab.records.rows import ENDED, StudyRecord

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class StudyResult:
    """A study as it stands: its record, and what follows from it.

    It is a snapshot: open it again to see what a running study has added since. It
    prints as its table, claims and fairness, and shows them in a notebook. Losses are
    in nats per image, accuracies fractions, times in seconds; torch is not needed.

    Args:
        record: Everything that was recorded: settings, runs, epochs, measurements.
        folder: Where it is kept; None for a study that lies nowhere.
        own: Claims of the user's that are judged with normlab's.

    Example:
        >>> from normlab.spec.study import StudySpec
        >>> empty = StudyResult(StudyRecord(spec=StudySpec(), meta={}, runs=()))
        >>> print(empty.analysis.fairness)
        not proven yet: no two arms of one seed have started
    """

    record: StudyRecord
    folder: Path | None = None
    own: tuple[Definition, ...] = ()

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Read a study folder; nothing is executed and nothing changed.

        Args:
            folder: As `normlab run` or `compare` made it; it may be conducted by
                another process at this moment.

        Raises:
            BadFolder: If there is no study, it is damaged, was edited after it began,
                or has an unknown schema version.
            BadSetting: If its study.toml cannot be read.
        """
        from normlab.records.folder import StudyFolder

        study = StudyFolder.open(Path(folder))
        return cls(study.read(), study.path)

    @cached_property
    def analysis(self) -> Analysis:
        """The arms, the judged claims, and what was proven equal; computed once."""
        return analyse(self.record, self.own)

    def table(self) -> Table:
        r"""Training loss of each epoch, test loss and accuracy per arm.

        Each is a mean over seeds with its interval
        $\bar x \pm t_{n-1}\,\mathrm{sd}(x)/\sqrt n$ (95 %); losses in nats per image,
        accuracies in percent.

        Returns:
            Rows of text, a column per arm; of several rates or a sweep a row per rate
            and point. Prints aligned.
        """
        return table_of(self.analysis.arms, largest_class=self.record.largest_class)

    def claims(self, extra: Definition | Iterable[Definition] = ()) -> Claims:
        r"""Every claim on every arm against the baseline, judged.

        Of twins $s$ with measures $m_s$ and $m'_s$ (baseline) the effect is
        $e_s = \log(m_s/m'_s)$ or $m_s - m'_s$, the estimate its mean over seeds with a
        95 % paired t interval; p values are corrected by Holm's method over all claims
        returned. Ratios are given as ratios (1 = equal), accuracies as fractions.

        Args:
            extra: Claims of your own. They join the family that is corrected for, so
                the others' corrected p values may rise; they are marked as yours.

        Returns:
            A tuple; each claim has `id`, `statement`, `estimate`, `interval`, `p_holm`,
            `effects`, `verdict` and `note`. Prints as text.

        Raises:
            BadSetting: If a claim of your own cannot be judged; the message says why.

        Source: Holm 1979, Scandinavian Journal of Statistics 6, 65-70; the claims and
        the papers they come from are in `docs/claims.md`.
        """
        added = own_claims(extra)
        return (
            replace(self, own=(*self.own, *added)).analysis.claims
            if added
            else (self.analysis.claims)
        )

    def to_json(self) -> dict[str, Any]:
        """The object that `normlab show --json` prints, of plain Python values.

        Returns:
            `schema`, `study`, `runs` and `claims`; what is not finite is None.
        """
        return to_json(self.record, self.analysis)

    def to_pandas(self) -> pd.DataFrame:
        """One row per run and epoch, for analyses of one's own.

        Returns:
            Columns `arm`, `rate`, `seed`, `status`, `trained`, `parameters`, `epoch`,
            `train_loss` and `test_loss` (nats per image), `test_accuracy` (a fraction),
            `seconds`, and one for each further metric; with a sweep also `point`.

        Raises:
            BadSetting: If pandas is not installed.
        """
        rows = [
            {**run, **epoch, **epoch["metrics"]}
            for run in self.to_json()["runs"]
            for epoch in run["epochs"]
        ]
        unneeded = ["digests", "epochs", "metrics"]
        return frame(rows).drop(columns=unneeded, errors="ignore")

    def __repr__(self) -> str:
        spec, runs = self.record.spec, self.record.runs
        arms, seeds = count(len(spec.arms), "arm"), count(len(spec.seeds), "seed")
        ended = sum(run.status in ENDED for run in runs)
        where = "" if self.folder is None else f", in {self.folder}"
        return (
            f"<Result {spec.experiment}: {arms}, {seeds}, {ended} of "
            f"{count(len(runs), 'run')} ended{where}>"
        )

    def __str__(self) -> str:
        parts = (self.table(), self.claims(), "\n".join(self._remarks()))
        return "\n\n".join(map(str, parts))

    def _repr_html_(self) -> str:
        said = self._remarks()
        parts = (self.table()._repr_html_(), self.claims()._repr_html_())
        return "".join([*parts, *(f"<p>{escape(text)}</p>" for text in said)])

    def _remarks(self) -> list[str]:
        """Beside the numbers: what was equal, and what else must be known."""
        fairness = self.analysis.fairness
        notes = [f"Note: {text}" for text in notes_text(self.record.notes)]
        said = [*looking_text(self.record), *map(upper, self.analysis.remarks)]
        return [*said, str(fairness), *fairness.remarks, *notes]
