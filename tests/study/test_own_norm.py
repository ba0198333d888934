"""A norm of a user's own, from a file or from Python, is an arm like any other."""

from functools import partial

import pytest
from torch import nn

from normlab.base.streams import numpy_stream
from normlab.errors import BadFolder, BadModel, BadSetting
from normlab.facade.study import Study
from normlab.records.folder import StudyFolder
from normlab.spec.arms import Arm
from normlab.spec.settings import with_settings
from normlab.spec.study import StudySpec

TEXT = """
from torch import nn

class Norm(nn.BatchNorm1d):
    pass

class Fails(nn.BatchNorm1d):
    def forward(self, input):
        raise ValueError("boo")

class Two(nn.BatchNorm1d):
    def __init__(self, features, more):
        super().__init__(features)

def nothing(features):
    return 3
"""


class Mine(nn.BatchNorm1d):
    pass


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "my.py"
    path.write_text(TEXT)
    return path


def study(*norms, **settings) -> Study:
    images = numpy_stream("own norm").normal(size=(60, 1, 4, 4)).astype("float32")
    part = images, (images.mean((1, 2, 3)) > 0).astype("int64")
    settings = {"settings": ("model.width=8",), **settings}
    return Study(
        norm=norms,
        data=(part, part),
        seeds=1,
        epochs=1,
        workers=1,
        measure="none",
        **settings,
    )


class Bare(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 2))


def test_masked_norm_is_refused_where_nobody_gives_it_a_mask():
    with pytest.raises(BadModel, match=r"'masked' is told by a mask .* Take 'batch'"):
        study("none", "masked", model=Bare, settings=()).run()


def test_arms_are_named_after_their_classes(file):
    given = study("none", Mine, partial(Mine, momentum=0.2), f"{file}:Norm")
    arms = [(arm.name, arm.norm) for arm in given.spec.arms]
    assert arms == [
        ("none", "none"),
        ("Mine", "python"),
        ("Mine-momentum0.2", "python"),
        ("Norm", f"{file}:Norm"),
    ]


def test_the_command_line_takes_a_file():
    spec = with_settings(StudySpec(), ["arms=none,my.py:Norm"])
    assert spec.arms[1] == Arm(name="Norm", norm="my.py:Norm")


def test_it_is_trained_kept_and_checked(file, tmp_path):
    given = study("batch", Mine, f"{file}:Norm")
    result = given.run(tmp_path / "s", quiet=True)
    ends = {run.key.arm: run for run in result.record.runs}
    assert {run.status for run in ends.values()} == {"done"}
    meta = StudyFolder.open(tmp_path / "s").meta()
    assert "class Norm" in meta["norm_sources"]
    given.resume(tmp_path / "s", quiet=True)
    with pytest.raises(BadSetting, match="none was given"):
        study("batch").resume(tmp_path / "s", quiet=True)
    file.write_text(TEXT + "\nraise SystemExit('executed')\n")
    with pytest.raises(BadFolder, match="the file of norm Norm is not what it was"):
        given.resume(tmp_path / "s", quiet=True)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Fails", "arm 'Fails': .*boo"),
        ("Two", "arm 'Two': .*the norm Two.8. failed with .*more"),
        ("nothing", "arm 'nothing': .*made int, not a torch.nn.Module"),
        ("Absent", "defines no 'Absent'"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(file, tmp_path, name, told):
    with pytest.raises(BadModel, match=told) as refused:
        study("none", f"{file}:{name}").run(tmp_path / "s", quiet=True)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "s").exists()
