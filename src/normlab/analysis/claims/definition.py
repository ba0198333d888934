"""What a claim is: a statement about two arms, and what one pair of twins says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from normlab.analysis.design.learning import NOT_SAID, Chance, trained
from normlab.errors import BadSetting, described
from normlab.records.rows import RunRecord
from normlab.records.surface import Surface


@dataclass(frozen=True, kw_only=True, eq=False)
class Twins:
    """The two runs of one seed and rate that are compared; both have ended.

    Args:
        seed: Of both.
        baseline: The baseline's run: losses, accuracies, what probes observed.
        other: That of the other arm.
        baseline_rates: The baseline at all rates of the study, where rates are
            compared.
        other_rates: The other arm likewise.
        bowls: Baseline and other on their common plane, if that was measured.
        classes: How many classes the labels have; None if the study does not say.
        chance: The loss of one who guesses, as far as the study says.

    Example:
        >>> from normlab.spec.plan import RunKey
        >>> none = RunRecord(key=RunKey("none", 0.1, 0), status="diverged")
        >>> batch = RunRecord(key=RunKey("batch", 0.1, 0), status="done")
        >>> Twins(seed=0, baseline=none, other=batch).diverged
        'training with none diverged'
    """

    seed: int
    baseline: RunRecord
    other: RunRecord
    baseline_rates: tuple[RunRecord, ...] = ()
    other_rates: tuple[RunRecord, ...] = ()
    bowls: tuple[Surface, Surface] | None = None
    classes: int | None = None
    chance: Chance = NOT_SAID

    @property
    def untrained(self) -> tuple[bool, bool]:
        """Whether the baseline did not train, and whether the other arm did not."""
        baseline, other = (trained(r, self.chance) for r in (self.baseline, self.other))
        return not baseline, not other

    @property
    def diverged(self) -> str | None:
        """Which of them has diverged, in words; None if both came to their end."""
        runs = (self.baseline, self.other)
        names = [run.called for run in runs if run.status == "diverged"]
        return f"training {' and '.join(names)} diverged" if names else None


@dataclass(frozen=True)
class Omitted:
    """Why twins give no effect for a claim.

    Args:
        because: Half a sentence.
        pending: Whether they may yet give one: their runs have not ended.

    Example:
        >>> Omitted("no test loss").because
        'no test loss'
    """

    because: str
    pending: bool = False


_PLACES = ("arm", "baseline")
"""What stands in braces in the statement of a claim."""

Measured = float | Omitted | Mapping[str, float | Omitted]
"""What twins give for a claim: one effect, or one for each of its components."""


class Second(NamedTuple):
    """A second effect of a claim, on the claim's scale; it is shown and not judged."""

    name: str
    """What it is, in words."""
    effect: Callable[[Twins, float], Measured | None]
    """From twins and the effect that is judged; None where it says nothing."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One claim, before any study is looked at.

    A claim of normlab's is one file with such an object, and one row in
    `claims/__init__.py`; one of your own goes to `compare(claims=...)`, `Study` or
    `Result.claims(extra=...)`.

    Args:
        id: Its name, e.g. `lower-test-loss`.
        statement: With the places {arm} and {baseline}, which become phrases like
            `with batch norm` and `without`.
        asked: What the statement answers, as the first lines of a result ask it:
            `faster`; empty if it is not among them.
        measure: What is measured, in words.
        quantity: What the numbers are of, in a few words: `steps to the same loss`.
        figure: The id of the figure that shows it; empty if none does.
        scale: Ratios are analysed as logarithms and shown as ratios, 1 = equal.
        unit: Of the measure.
        better: On which side of equal the other arm's effects support the statement.
        margin: Up to where a difference does not matter: a ratio above 1, or a
            difference above 0; None: every difference matters.
        effect: The other arm against the baseline: the logarithm of a ratio, or a
            difference, by `scale`; or why these twins give none. Of a claim with
            several components (a measure, a phase) one such by the name of each, which
            is half a sentence like `in steps 19-187`.
        compares: One run of each arm, or its runs at all rates: then only with several
            rates.
        probe: Whose arrays it rests on; where a study did not observe them, it is not
            made.
        surfaces: Whether it rests on what is measured with surfaces; likewise.
        test: Student's t test over seeds; or McNemar's exact test of effects -1, 0, 1,
            or the exact sign test.
        counted: Of what is counted, whether it happened to the baseline's run, and to
            the other arm's.
        over_images: Whether the interval allows for other test images too, by
            `RunRecord.correct`.
        untrained: Whether it is also about runs that did not train; else twins with
            such a run give no effect.
        words: What an effect above equal, and one below, is called: `rougher`,
            `smoother`.
        beside: What is shown beside the effect.
        veto: One that may object: where its 95 % interval lies wholly on the other
            side, what would be supported or contradicted is mixed.
        where: At which of several places twins were compared, half a sentence.
        caveat: What the literature contests about the statement or its measure; of
            normlab's claims it is said where one arm alone has a norm.
        caveat_about: Of these norms, if not of all.
        formula: The effect as TeX, for the documents.
        papers: Who states or measures it.
        turns: What would change the verdict: choices of the measure that decide.
        own: Whether it is a claim of a user's; normlab marks it.

    Raises:
        BadSetting: If a text has other places, the margin does not fit the
            scale, or the effect is no function.

    Example:
        >>> def loss_ratio(twins: Twins) -> float | Omitted:
        ...     if twins.other.test_loss is None or twins.baseline.test_loss is None:
        ...         return Omitted("no test loss")
        ...     return math.log(twins.other.test_loss / twins.baseline.test_loss)
        >>> Definition(
        ...     id="lower-test-loss",
        ...     statement="the test loss ends lower {arm} than {baseline}",
        ...     measure="ratio of the final test losses",
        ...     scale="ratio", unit="nats", better="lower", margin=1.05,
        ...     effect=loss_ratio,
        ... ).sign
        -1
    """

    id: str
    statement: str
    asked: str = ""
    measure: str
    quantity: str = ""
    figure: str = ""
    scale: Literal["ratio", "difference"]
    unit: str
    better: Literal["higher", "lower"]
    margin: float | None
    effect: Callable[[Twins], Measured]
    compares: Literal["runs", "rates"] = "runs"
    probe: str = ""
    surfaces: bool = False
    test: Literal["t", "mcnemar", "sign"] = "t"
    counted: Callable[[Twins], tuple[bool, bool]] | None = None
    over_images: bool = False
    untrained: bool = False
    words: tuple[str, str] = ("higher", "lower")
    beside: tuple[Second, ...] = ()
    veto: Second | None = None
    where: Callable[[Sequence[Twins]], str] | None = None
    caveat: str = ""
    caveat_about: tuple[str, ...] = ()
    formula: str = ""
    papers: str = ""
    turns: str = ""
    own: bool = False

    def __post_init__(self) -> None:
        try:
            self.statement.format(**dict.fromkeys(_PLACES, "with batch norm"))
        except Exception as error:  # whatever is wrong with its braces
            raise BadSetting(
                f"claims: the statement of {self.id!r} may have the places {{arm}} and "
                f"{{baseline}} alone ({described(error)})."
            ) from error
        choices = {
            "scale": ("ratio", "difference"),
            "better": ("higher", "lower"),
            "compares": ("runs", "rates"),
            "test": ("t", "mcnemar", "sign"),
        }
        for name, known in choices.items():
            if (value := getattr(self, name)) not in known:
                raise BadSetting(
                    f"claims: {name} of {self.id!r} is {value!r}; give "
                    f"{' or '.join(known)}."
                )
        if not callable(self.effect):
            raise BadSetting(f"claims: the effect of {self.id!r} must be a function.")
        least = 1 if self.scale == "ratio" else 0
        if self.margin is not None and not self.margin > least:
            raise BadSetting(
                f"claims: the margin of {self.id!r} is {self.margin!r}; a "
                f"{self.scale} needs one above {least}, or None."
            )

    @property
    def sign(self) -> int:
        """1 if higher effects support the statement, else -1."""
        return 1 if self.better == "higher" else -1
