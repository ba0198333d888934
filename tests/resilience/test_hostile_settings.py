"""Whatever a study.toml says: every command refuses it in one line, or takes it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.resilience.law import Law

TEXTS = {
    "deep lists": "a = " + "[" * 20_000,
    "deep tables": "a" + ".a" * 5_000 + " = 1",
    "many digits": "schema = " + "9" * 5_000,
    "another schema": "schema = [1, 2]",
    "lists of lists": '[sweep]\n"model.name" = ["mlp", ["x"]]',
    "empty axes": "[sweep]\naxes = [{}]",
    "axes of lists": '[sweep]\naxes = [{key = ["x"], values = [1, 2]}]',
    "axes of numbers": "[sweep]\naxes = [1]",
    "a swept list": '[sweep]\n"recipe.batch_size" = [[1], [2]]',
    "a key of many parts": "a" + ".a" * 500_000 + " = 1",
    "a quoted key of many parts": "x = {" + "'a' . " * 200_000 + "a = 1}",
    "deep sweep": "[sweep]\n" + "a." * 2_000 + "a = [1, 2]",
    "deep arms": "arms = [{name = 'x', norm = 'none', options = {"
    + "a." * 500
    + "a = 1}}]",
    "numbers as axes": "[sweep]\naxes = 5",
    "a key that steers": '"\\u001b]0;gone\\u0007\\u202e" = 1',
    "a name that steers": 'experiment = "\\u001b[2J"',
    "a long key": f'"{"x" * 100_000}" = 1',
    "a date": "seeds = 2026-01-01",
    "no text": "\0",
    "arms": 'arms = [{name = ["x"], norm = {}}]',
    "nothing but a table": "recipe = 1",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_settings_that_make_no_sense_are_refused(
    law: Law, folder: Path, text: str
) -> None:
    (folder / "study.toml").write_text(text)
    law.refuses("show", folder)
    law.refuses("run", folder / "study.toml", "--out", folder.parent / "new")
    assert "cannot be read: " in law.holds("list", folder.parent).out
    assert not (folder.parent / "new").exists()


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/tty", "/proc/self/mem", "/"])
def test_what_is_no_file_is_not_read_as_settings(law: Law, path: str) -> None:
    law.refuses("run", path)


def test_a_model_file_that_is_a_pipe_is_not_waited_for(
    law: Law, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "net.py")
    told = law.refuses(
        "run", "--model", f"{tmp_path}/net.py:make", "--out", tmp_path / "s"
    )
    assert "a pipe, not a regular file" in told


VALUES = st.recursive(
    st.one_of(
        st.booleans().map(lambda value: str(value).lower()),
        st.integers().map(str),
        st.floats(allow_nan=True).map(str),
        st.sampled_from(['""', '"auto"', '"none"', '"\\u202e\\n"', "1979-05-27"]),
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda of: f"[{', '.join(of)}]")
        | inner.map(lambda of: f"{{name = {of}}}")
    ),
    max_leaves=4,
)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(line=st.integers(0, 200), value=VALUES)
def test_any_value_of_any_key(law: Law, pattern: Path, line: int, value: str) -> None:
    with tempfile.TemporaryDirectory() as home:
        folder = Path(shutil.copytree(pattern, Path(home) / "study"))
        lines = (folder / "study.toml").read_text().splitlines()
        keys = [i for i, text in enumerate(lines) if " = " in text]
        at = keys[line % len(keys)]
        lines[at] = f"{lines[at].partition(' = ')[0]} = {value}"
        (folder / "study.toml").write_text("\n".join(lines))
        law.holds("show", folder)
        law.holds("list", home)
