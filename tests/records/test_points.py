from __future__ import annotations

from pathlib import Path

from normlab.records.folder import StudyFolder
from normlab.spec.plan import plan
from normlab.spec.settings import with_settings
from tests.records.studies import SPEC, finish, new_study

SWEPT = with_settings(SPEC, ["recipe.batch_size=2,8", "recipe.decay_norms=true,false"])


def swept(path: Path) -> StudyFolder:
    folder = new_study(path, SWEPT)
    with folder.write() as writer:
        writer.add_runs(plan(SWEPT))
        writer.add_runs(plan(SWEPT))
        finish(writer, plan(SWEPT)[3])
    return folder


def test_every_point_is_a_run_of_its_own(tmp_path: Path) -> None:
    folder = swept(tmp_path / "study")
    record = StudyFolder.open(folder.path).read()
    assert tuple(run.key for run in record.runs) == plan(SWEPT)
    assert [run.status for run in record.runs].count("done") == 1
    assert record.runs[3].status == "done"
    assert record.runs[3].key.point == (
        ("recipe.batch_size", 2),
        ("recipe.decay_norms", False),
    )
