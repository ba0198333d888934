"""What a report is called, and what is said first of a study that is not finished."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from normlab.facade.result import Result
from normlab.nets.mlp import mlp
from normlab.norms.none import none
from normlab.records.rows import RunRecord, Status, StudyRecord
from normlab.report.build import build
from normlab.report.title import title
from normlab.report.unfinished import unfinished
from normlab.spec.arms import Arm
from normlab.spec.data import Data
from normlab.spec.model import Model
from normlab.spec.plan import RunKey
from normlab.spec.study import StudySpec

FACTS = {"data": '{"shape": [1, 28, 28]}', "classes": "10"}
BOTH = (Arm(name="none", norm="none"), Arm(name="batch", norm="batch"))
TITLES = {
    "What batch normalization changed: 784-512-256-10 on Fashion-MNIST": StudySpec(
        data=Data(source="fashion-mnist")
    ),
    "What normalization changed: LeNet on MNIST": StudySpec(
        arms=(*BOTH, Arm(name="layer", norm="layer")), model=Model(name="lenet")
    ),
    "What batch normalization changed: net.py:make on photos": StudySpec(
        data=Data(source="/home/ann/photos/"), model=Model(name="/home/ann/net.py:make")
    ),
    "Training without normalization: 784-512-256-10 on MNIST": StudySpec(arms=BOTH[:1]),
    "What batch normalization changed: a fully connected network on MNIST": StudySpec(
        sweep={"model.depth": [1, 2]}
    ),
}


@pytest.mark.parametrize("words", TITLES)
def test_a_title_is_in_the_words_of_the_field(words: str) -> None:
    assert title(TITLES[words], FACTS) == words


@pytest.mark.parametrize(("depth", "width"), [(None, None), (4, None), (3, 20)])
def test_sizes_are_those_of_the_network(depth: int | None, width: int | None) -> None:
    with torch.device("meta"):  # draws nothing
        net = mlp(none, (1, 28, 28), 10, depth=depth, width=width)
    layers = [layer for layer in net.modules() if isinstance(layer, nn.Linear)]
    sizes = [layers[0].in_features, *(layer.out_features for layer in layers)]
    spec = StudySpec(model=Model(depth=depth, width=width))
    assert f": {'-'.join(map(str, sizes))} on" in title(spec, FACTS)


def study(statuses: tuple[Status, ...], **facts: str) -> Result:
    runs = tuple(
        RunRecord(key=RunKey("none", 0.1, seed), status=status)
        for seed, status in enumerate(statuses)
    )
    return Result(StudyRecord(spec=StudySpec(), meta=facts, runs=runs), Path("/x/mine"))


def test_what_is_missing_is_said_with_the_command_that_goes_on() -> None:
    page = build(study(("done", "interrupted", "queued", "queued")))
    first = page.partition("</header>")[0]
    assert "1 of 4 runs have ended (1 interrupted, 2 queued)" in first
    assert "normlab resume mine" in first


def test_runs_that_ended_are_not_all() -> None:
    found = unfinished(study(("done", "diverged")))
    assert found is not None
    assert "loss surfaces" in found.missing


def test_a_study_that_came_to_its_end_has_no_banner() -> None:
    whole = study(("done", "diverged"), finished="2026-01-01T00:00:00+00:00")
    assert unfinished(whole) is None
    assert "Not finished" not in build(whole)
    none_yet = replace(whole, record=replace(whole.record, runs=()))
    assert unfinished(none_yet) is None
