"""Keywords of every kind; a study from a script, and without its report."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis.strategies import floats

from normlab.errors import BadFolder, BadSetting
from normlab.facade import compare as module
from normlab.facade.study import Study
from normlab.spec import toml


@pytest.mark.parametrize("seeds", [10**9, 0, -1, True, None])
def test_seeds_that_make_no_sense_are_refused_at_once(seeds: Any) -> None:
    with pytest.raises(BadSetting, match=r"^seeds="):
        Study(seeds=seeds)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"lr": "abc"}, r"^recipe\.rates=abc must be a list"),
    ({"lr": None}, r"^recipe\.rates=None must be a list"),
    ({"lr": True}, r"^recipe\.rates\.0=True must be a number"),
    ({"lr": {"none": 0.1}}, r"^recipe\.rates=.* must be a list"),
    ({"batch_size": 8.5}, r"^recipe\.batch_size=8\.5 must be a whole number"),
    ({"batch_size": ()}, r"^recipe\.batch_size is empty; give at least one"),
    ({"batch_size": None}, r"^recipe\.batch_size=None must be a whole number"),
    ({"batch_size": (8, "x")}, r"^recipe\.batch_size=x must be a whole number"),
    ({"norm": None}, r"^arms=None must be a list"),
    ({"norm": 5}, r"^arms=5 must be a list"),
    ({"seeds": 2.5}, r"^seeds=2\.5 must be a list"),
    ({"settings": None}, r"^settings=None must be a list of texts 'key=value'"),
    ({"settings": (3,)}, r"^settings=\(3,\) must be a list of texts"),
    ({"settings": "epochs"}, r"^--set epochs: write it as key=value"),
]


@pytest.mark.parametrize(("keywords", "text"), REFUSED)
def test_keywords_of_the_wrong_kind_are_refused(
    keywords: dict[str, Any], text: str
) -> None:
    with pytest.raises(BadSetting, match=text):
        Study(**keywords)


NUMBERS = [
    np.float32(1e-4),
    np.float16(1e-4),
    np.array(1e-4),
    np.array(1e-4, np.float32),
    torch.tensor(1e-4),
    torch.tensor(1e-4, dtype=torch.float64, requires_grad=True),
]


@pytest.mark.parametrize("one", NUMBERS, ids=repr)
def test_a_number_keeps_the_digits_it_was_written_with(one: Any) -> None:
    study = Study(lr=one, momentum=one, weight_decay=one)
    recipe = study.spec.recipe
    assert (recipe.rates, recipe.momentum, recipe.weight_decay) == ((1e-4,), 1e-4, 1e-4)
    assert "weight_decay = 0.0001 " in toml.dumps(study.spec)


@pytest.mark.parametrize("narrow", [np.float16, np.float32, np.float64])
@given(number=floats(1e-4, 100))
def test_what_is_kept_of_a_number_is_that_number(narrow: Any, number: float) -> None:
    (rate,) = Study(lr=narrow(number)).spec.recipe.rates
    assert narrow(rate) == narrow(number)
    assert len(str(rate)) <= len(str(float(narrow(number))))


def test_lists_may_be_any_iterable() -> None:
    study = Study(
        norm=(name for name in ("none", "layer")),
        lr=map(float, ("0.1", "0.2")),
        seeds=iter(range(3)),
        batch_size={8: "small", 64: "large"}.keys(),
        settings=(f"recipe.{key}=1" for key in ("epochs", "warmup")),
    )
    assert study.spec == study.spec  # what an iterator gave is not lost
    assert [arm.name for arm in study.spec.arms] == ["none", "layer"]
    assert study.spec.recipe.rates == (0.1, 0.2)
    assert study.spec.seeds == (0, 1, 2)
    assert study.spec.sweep.axes[0].values == (8, 64)
    assert (study.spec.recipe.epochs, study.spec.recipe.warmup) == (1, 1)
    assert replace(study, epochs=2).spec.recipe.rates == (0.1, 0.2)


def test_numbers_of_numpy_and_torch_are_numbers() -> None:
    study = Study(
        lr=np.array([0.1, 0.2], np.float32),
        seeds=np.int64(3),  # pyright: ignore[reportArgumentType]
        batch_size=torch.tensor([8, 64]),  # pyright: ignore[reportArgumentType]
        settings="recipe.epochs=1",
    )
    assert study.spec.recipe.rates == (0.1, 0.2)
    assert study.spec.seeds == (0, 1, 2)
    assert study.spec.sweep.axes[0].values == (8, 64)
    assert study.spec.recipe.epochs == 1
    assert Study(seeds=np.array([1, 7])).spec.seeds == (1, 7)  # pyright: ignore[reportArgumentType]


def arrays(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Forty images of two classes, also kept as images.npy."""
    labels = np.arange(40) % 2
    images = np.random.default_rng(0).integers(0, 256, (40, 4, 4)).astype("u1")
    images[labels == 1] //= 2
    np.save(folder / "images.npy", images)
    return images, labels


def test_a_report_that_cannot_be_written_loses_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise BadFolder("report.html: cannot be written (No space left on device).")

    monkeypatch.setattr("normlab.report.write.write", full)
    with pytest.warns(UserWarning, match="No space left on device"):
        result = module.compare(
            data=arrays(tmp_path),
            seeds=(0,),
            epochs=1,
            measure="none",
            workers=1,
            out=tmp_path / "study",
            quiet=True,
        )
    assert {run.status for run in result.record.runs} == {"done"}


SCRIPT = """
import numpy as np
import normlab

images = np.load("images.npy")
result = normlab.compare(
    data=(images, np.arange(len(images)) % 2), workers=2, seeds=2, epochs=1,
    measure="none", quiet=True, out="study",
)
print(result)
"""


def test_a_script_needs_no_main_guard(tmp_path: Path) -> None:
    arrays(tmp_path)
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "batch" in done.stdout
    assert (tmp_path / "study" / "report.html").exists()


def test_a_folder_that_is_no_path_is_refused_before_anything() -> None:
    with pytest.raises(BadSetting, match="a study's folder is a path, not 3"):
        module.compare(out=3)  # type: ignore[arg-type]
    with pytest.raises(BadSetting, match="a study's folder is a path, not None"):
        Study().resume(None)  # type: ignore[arg-type]
