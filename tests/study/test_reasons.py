"""Why a run failed is one short line, said once."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from normlab.facade.result import Result
from normlab.study import api
from normlab.study.prepare import PythonParts
from normlab.terminal.summary_text import summary_text
from tests.study.cases import spec_of, write_data


class FailsLate(nn.Module):
    """Only once its weights have moved away from where they began."""

    def __init__(self, norm: object) -> None:
        super().__init__()
        self.f = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), norm(8), nn.Linear(8, 2))  # type: ignore[operator]
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        self.steps += self.training  # type: ignore[operator]
        if self.steps > 10:
            raise ValueError("\n".join(["this network had enough"] * 500))
        return self.f(x)


def test_a_long_reason_is_cut_to_one_line_and_told_once(tmp_path: Path) -> None:
    spec = spec_of(write_data(tmp_path), "model.name=python", "execution.workers=1")
    result = api.run(spec, tmp_path / "s", python=PythonParts(model=FailsLate))
    reasons = {run.reason for run in result.record.runs}
    assert {run.status for run in result.record.runs} == {"failed"}
    (reason,) = reasons
    assert reason is not None and "\n" not in reason and len(reason) < 400
    assert reason.startswith("ValueError: this network had enough")
    told = summary_text(Result.open(tmp_path / "s"), tmp_path / "s")
    assert told.count("ValueError") == 1
    assert "batch-lr0.01-seed0" in told
