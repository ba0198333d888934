"""A probe that kept fewer arrays costs what shows them, and is nobody's fault."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.design.pairs import Runs, pairings
from normlab.analysis.inference.evidence import collect
from normlab.errors import NotMeasured
from normlab.facade.result import Result
from normlab.figures.gallery import Gallery
from normlab.records.levels import levels_reached
from normlab.records.observed.contract import Arrays
from normlab.records.observed.observations import Observations
from normlab.records.observed.registry import PROBES
from normlab.records.rows import RunRecord

from .made_up import observations

SHOWING = {
    "activations": {
        *(
            "accuracy-and-percentiles",
            "by-hand",
            "dead-units",
            "drift",
            "one-neuron",
            "neuron-by-step",
        ),
        *("percentiles", "running-statistics", "scale-shift"),
    },
    "gradient": {"along-gradient", "covariate-shift"},
    "path": {"step-path"},
    "sharpness": {"sharpness"},
    "outputs": {"straightness"},
    "scale": {"effective-rate"},
}
"""Each probe, and the figures of what it saw."""


def lacking(result: Result, probe: str, name: str) -> Result:
    """The same study without one array of a probe."""

    def left(run: RunRecord) -> Observations:
        every = [run.observed[kind] for kind in PROBES if kind in run.observed]
        packed = [(type(one), one.packed()) for one in every]
        return Observations(
            *(
                kind.unpacked({n: a for n, a in of.items() if (kind.probe, n) != gone})
                for kind, of in packed
            )
        )

    gone = (probe, name)
    runs = tuple(replace(run, observed=left(run)) for run in result.record.runs)
    return Result(replace(result.record, runs=runs))


def drawn(result: Result, names: set[str]) -> set[str]:
    """Which of these figures are drawn; no other error than NotMeasured is let by."""
    found = set[str]()
    for name in names:
        with suppress(NotMeasured):
            found.add(Gallery(result)[name].kind.id)
    return found


def gaps(result: Result, probe: str) -> list[str]:
    """Why the claims that need a probe have no effect."""
    runs, spec = Runs.of(result.record), result.record.spec
    found = [
        collect(definition, pairing, runs, spec.seeds)
        for definition in DEFINITIONS
        if definition.probe == probe
        for pairing in pairings(spec)
    ]
    return [gap.because for evidence in found for gap in evidence.gaps]


@pytest.mark.parametrize("probe", SHOWING)
def test_an_array_left_out_is_not_measured(observed: Result, probe: str) -> None:
    names = {n for run in observed.record.runs for n in observations(run.key)[probe]}
    lost = set[str]()
    for name in sorted(names):
        without = lacking(observed, probe, name)
        lost |= SHOWING[probe] - drawn(without, SHOWING[probe])
        assert not [why for why in gaps(without, probe) if "not what" in why]
    assert lost == SHOWING[probe]


def test_what_is_read_by_nothing_says_what_it_is_kept_for(
    observed: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = set[tuple[type, str]]()

    def noticing(self: Arrays, name: str) -> object:
        read.add((type(self), name))
        return object.__getattribute__(self, name)

    monkeypatch.setattr(Arrays, "__getattribute__", noticing, raising=False)
    anew = Result(observed.record)  # remembers nothing of what other tests asked
    Gallery(anew).drawn()
    anew.claims()
    for run in anew.record.runs:  # as a study does that goes on
        levels_reached(run.observed)
    kinds = [kind for probe in PROBES for kind in (probe, *probe.kinds().values())]
    every = {(kind, n): known for kind in kinds for n, known in kind.known().items()}
    unread = {at for at, known in every.items() if known.unread}
    for kind, name in (every.keys() - read) ^ unread:
        pytest.fail(
            f"{kind.__name__}.{name}: nothing reads it, so its field must say unread=, "
            "what it is kept for; or something does, and it must not"
        )


def test_these_are_the_figures_of_each_probe(observed: Result) -> None:
    nothing = replace(
        observed.record,
        runs=tuple(
            replace(run, observed=Observations()) for run in observed.record.runs
        ),
    )
    names = {name for name in Gallery(observed) if not name.startswith("surface")}
    lost = drawn(observed, names) - drawn(Result(nothing), names)
    assert lost == set[str]().union(*SHOWING.values())
