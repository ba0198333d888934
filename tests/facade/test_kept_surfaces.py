"""A surface is kept, read again, put into a table and shown in a notebook."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import normlab
from normlab.base.streams import seeded, stream
from normlab.errors import BadData, BadFolder, BadSetting
from normlab.facade.surface import DrawableSurface


def network(seed: int) -> nn.Module:
    with seeded(seed, "facade"):
        return nn.Sequential(
            nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)
        )


def data() -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(128, 6, generator=stream("facade"))
    return x, (x.sum(1) > 0).long()


def surfaces() -> dict[str, DrawableSurface]:
    model, other, third = map(network, range(3))
    return {
        "random": normlab.surface(model, data(), points=5),
        "line": normlab.surface(model, data(), {"a": model, "b": other}, points=5),
        "models": normlab.surface(model, data(), (model, other, third), points=5),
        "path": normlab.surface(
            model,
            data(),
            normlab.path_plane({"x": [other, third], "y": [third, model]}, [0, 9]),
            points=5,
        ),
        "parameters": normlab.surface(
            model, data(), ("0.weight[0,1]", "3.bias[1]"), points=5
        ),
    }


@pytest.fixture(scope="module")
def found() -> dict[str, DrawableSurface]:
    return surfaces()


KINDS = ["random", "line", "models", "path", "parameters"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_is_what_was_kept(found, kind: str, tmp_path: Path) -> None:
    kept = found[kind]
    path = kept.save(tmp_path / "plane.npz")
    again = normlab.load_surface(str(path))
    for field in dataclasses.fields(kept):
        np.testing.assert_equal(getattr(again, field.name), getattr(kept, field.name))
    assert again.plot().to_dict()["data"]
    assert again.plot(against=kept).to_dict()["data"]
    first = path.read_bytes()
    kept.save(path)
    assert path.read_bytes() == first
    with zipfile.ZipFile(path) as file:
        assert all(name.endswith(".npy") for name in file.namelist())
    with np.load(path, allow_pickle=False) as arrays:  # for other tools
        np.testing.assert_array_equal(arrays["loss"], kept.loss)


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_has_a_row_for_each_point(found, kind: str) -> None:
    surface = found[kind]
    table = surface.to_pandas()
    assert len(table) == surface.loss.size
    for row in table.itertuples():
        j, i = divmod(row.Index, len(surface.a))
        assert (row.a, row.b, row.loss) == (
            surface.a[i],
            surface.b[j],
            surface.loss[j, i],
        )
    if kind == "parameters":
        weight = network(0)[0].weight[0, 1].item()
        np.testing.assert_allclose(table["0.weight[0,1]"], table["a"] + weight)
    else:
        assert list(table.columns) == ["a", "b", "loss", "computed"]


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_short_where_it_is_shown(found, kind: str) -> None:
    text, page = repr(found[kind]), found[kind]._repr_html_()
    assert len(text) < 200 and len(page) < 2000
    low = f"{np.nanmin(found[kind].loss):.4g}"
    for shown in (text, page):
        assert low in shown and "nats" in shown and "batch(64)" in shown
    assert f"plane '{found[kind].plane}'" in text and found[kind].plane in page


def test_it_is_seen_in_three_dimensions(found) -> None:
    (area,) = [t for t in found["models"].plot_3d().data if t.type == "surface"]
    np.testing.assert_allclose(
        10.0 ** np.array(area.z), found["models"].loss, rtol=1e-5
    )
    with pytest.raises(BadSetting, match="a line has no third dimension"):
        found["line"].plot_3d()


def test_lines_of_two_statistics_are_drawn_together() -> None:
    model, other = network(0), network(1)
    settings = {"plane": (model, other), "points": 5}
    running = normlab.surface(model, data(), statistics="running", **settings)
    again = normlab.surface(model, data(), statistics="recalibrated", **settings)
    figure = again.plot(against=running)
    names = [trace.name for trace in figure.data if trace.showlegend]
    assert names == ["recalibrated(64)", "running"]
    with pytest.raises(BadSetting, match="same points of the same plane"):
        again.plot(against=normlab.surface(model, data(), (other, model), points=5))


def test_a_surface_goes_to_an_npz_file_alone(found, tmp_path: Path) -> None:
    surface = found["random"]
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "link.npz").symlink_to("mine.txt")
    refused = {
        "plane.csv": "saved as .npz. Use",
        "link.npz": "no plain file",
        "no/plane.npz": "does not exist",
    }
    for name, text in refused.items():
        with pytest.raises(BadFolder, match=text):
            surface.save(tmp_path / name)
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.npz", "mine.txt"]


def test_what_is_no_surface_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("mine")
    np.savez(tmp_path / "other.npz", x=np.ones(3))
    np.savez(tmp_path / "pickled.npz", about=np.array([{}], object))
    for name in ("text", "other", "pickled"):
        with pytest.raises(BadData, match=r"holds no surface of normlab") as refused:
            normlab.load_surface(tmp_path / f"{name}.npz")
        assert len(str(refused.value).splitlines()) == 1
