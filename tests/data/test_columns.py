"""What the columns of a table are taken for, or why they are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from normlab.data.arrays import from_python
from normlab.data.dataset import Dataset
from normlab.data.load import load
from normlab.errors import BadData
from normlab.spec.data import Data

ROWS = "\n".join(f"{i % 7}.5,{i * 0.3:.1f},{'ab'[i % 2]}" for i in range(20))


def read(path: Path) -> Dataset:
    return load(Data(source=str(path)))


@pytest.mark.parametrize(
    ("head", "first"), [(",", 0), ("id,", 1), ("Index,", 0), ("Unnamed: 0,", 0)]
)
def test_a_column_that_counts_the_rows_is_no_feature(
    head: str, first: int, tmp_path: Path
) -> None:
    """In a file that is sorted by class it would tell the class."""
    rows = "\n".join(f"{i + first},{row}" for i, row in enumerate(ROWS.split("\n")))
    (tmp_path / "d.csv").write_text(f"{head}u,v,label\n{rows}")
    frame = pd.read_csv(tmp_path / "d.csv")
    for data in (read(tmp_path / "d.csv"), from_python(frame)):
        assert data.shape == (2,)
        assert any("counts the rows and is passed over" in note for note in data.notes)


def test_a_column_that_counts_otherwise_is_a_feature(tmp_path: Path) -> None:
    rows = "\n".join(f"{7 * i},{row}" for i, row in enumerate(ROWS.split("\n")))
    (tmp_path / "d.csv").write_text(f"id,u,v,label\n{rows}")
    assert read(tmp_path / "d.csv").shape == (3,)


def test_of_two_columns_for_the_label_the_other_is_named(tmp_path: Path) -> None:
    rows = "\n".join(f"{row},{i % 2}" for i, row in enumerate(ROWS.split("\n")))
    (tmp_path / "d.csv").write_text(f"u,v,label,target\n{rows}")
    note = "'label' taken as the label, target as a feature"
    assert note in read(tmp_path / "d.csv").notes
    (tmp_path / "d.csv").write_text(f"u,v,label,label\n{rows}")
    with pytest.raises(BadData, match="has 2 columns called label"):
        read(tmp_path / "d.csv")


@pytest.mark.parametrize("first", [2**53 - 30, 2**53 + 1, 2**60, 2**63, 10**25])
def test_whole_numbers_of_a_table_are_apart_or_refused(
    first: int, tmp_path: Path
) -> None:
    """Of features as of labels: in float64 some of these are one number."""
    rows = [f"{first + i},{i % 2}" for i in range(20)]
    (tmp_path / "d.csv").write_text("u,label\n" + "\n".join(rows))
    if first + 20 <= 2**53:
        data = read(tmp_path / "d.csv")
        seen = np.concatenate([data.train.images, data.test.images])
        assert len(np.unique(seen)) == 20
    else:
        with pytest.raises(BadData, match="the last digits would be lost"):
            read(tmp_path / "d.csv")
    rows = [f"{i}.5,{first + i % 4}" for i in range(20)]
    (tmp_path / "d.csv").write_text("u,label\n" + "\n".join(rows))
    assert list(read(tmp_path / "d.csv").classes) == [f"{first + i}" for i in range(4)]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_empty_lines_of_a_table_do_not_matter(mark: str, tmp_path: Path) -> None:
    text = f"u,v,label\n{ROWS}".replace(",", mark)
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "b.csv").write_text("\n \n" + text.replace("\n", "\n\n") + "\n\n")
    assert read(tmp_path / "a.csv").digest == read(tmp_path / "b.csv").digest
