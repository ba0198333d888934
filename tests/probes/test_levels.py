from __future__ import annotations

import math
from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from normlab.probes.levels import WINDOW, Levels, RunningMedian
from normlab.records.events import EpochDone, Observed, Steps
from normlab.spec.plan import RunKey
from normlab.spec.recipe import Recipe
from normlab.train import checkpoint
from normlab.train.run import Run
from tests.train.cases import network, run_config

KEY = RunKey("batch", 0.0005, 3)
RECIPE = Recipe(epochs=40, batch_size=16)  # 9 or 10 steps each


def run(folder: Path | None, **more: object) -> tuple[Run, torch.nn.Module]:
    model = network(KEY)
    looking = [Levels(folder, classes=4)] if folder else []
    config = run_config(RECIPE, key=KEY)
    return Run(model, config, observers=looking, **more), model  # type: ignore[arg-type]


def seen(events: list[object]) -> dict[str, np.ndarray]:
    (arrays,) = [dict(e.arrays) for e in events if isinstance(e, Observed)]
    return arrays


def expected_steps(losses: np.ndarray) -> dict[int, int]:
    """Level to step, from all step losses at once."""
    found: dict[int, int] = {}
    for step in range(WINDOW, len(losses) + 1):
        median = np.median(losses[step - WINDOW : step])
        for level in range(8):
            if median < 0.5 * math.log(4) / 2**level:
                found.setdefault(level, step)
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict, np.ndarray]:
    folder = tmp_path_factory.mktemp("levels")
    events = list(run(folder)[0].events())
    losses = np.concatenate([e.losses for e in events if isinstance(e, Steps)])
    return folder, seen(events), losses.astype(np.float64)


def test_the_median_is_that_of_the_last_losses() -> None:
    losses = np.random.default_rng(0).choice([0.5, 1.0, 1.5, 2.0, 7.0], 400)
    median = RunningMedian()
    for end, loss in enumerate(losses.tolist(), 1):
        last = losses[max(0, end - WINDOW) : end]
        known = float(np.median(last)) if end >= WINDOW else math.inf
        assert median.add(loss) == known


def test_levels_are_reached_when_the_running_median_falls_below(
    whole: tuple[Path, dict, np.ndarray],
) -> None:
    _, arrays, losses = whole
    found = dict(zip(arrays["level"].tolist(), arrays["steps"].tolist(), strict=True))
    assert found == expected_steps(losses)
    assert len(set(found.values())) > 2  # several moments, not one


def test_the_network_that_is_kept_is_that_after_the_step(
    whole: tuple[Path, dict, np.ndarray],
) -> None:
    folder, arrays, _ = whole
    files = {int(f.stem.removeprefix("step-")): f for f in folder.iterdir()}
    assert files.keys() == set(arrays["steps"].tolist())
    plain, model = run(None)
    whole_block, done = plain.advance, 0

    def one_by_one(batches, feed=None):
        nonlocal done
        parts = []
        for each in batches:
            parts.append(whole_block([each], feed))
            done += 1
            if done in files:
                kept = load_file(files[done])
                assert all(kept[n].equal(t) for n, t in model.state_dict().items())
        losses, seconds = zip(*parts, strict=True)
        return np.concatenate(losses), sum(seconds)

    plain.advance = one_by_one  # type: ignore[method-assign]
    list(plain.events())
    assert done >= max(files)


def test_a_resumed_run_reaches_the_same_levels(
    whole: tuple[Path, dict, np.ndarray], tmp_path: Path
) -> None:
    folder, arrays, _ = whole
    stopped, _ = run(tmp_path / "levels")
    events = stopped.events()
    for _ in range(13):  # in the middle of the window, and of the levels
        list(takewhile(lambda event: not isinstance(event, EpochDone), events))
    checkpoint.save(stopped.checkpoint(), tmp_path / "kept")
    events.close()
    start = checkpoint.load(tmp_path / "kept", 13)
    again, _ = run(tmp_path / "levels", start=start)
    found = seen(list(again.events()))
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[n], arrays[n]) for n in arrays)
    for file in folder.iterdir():
        assert (tmp_path / "levels" / file.name).read_bytes() == file.read_bytes()


def test_training_and_its_seconds_do_not_know_of_it(tmp_path: Path) -> None:
    plain, untouched = run(None)
    watched, model = run(tmp_path)
    assert [e.losses.tobytes() for e in plain.events() if isinstance(e, Steps)] == [
        e.losses.tobytes() for e in watched.events() if isinstance(e, Steps)
    ]
    state = untouched.state_dict()
    assert all(t.equal(state[n]) for n, t in model.state_dict().items())


def test_after_a_loss_that_is_not_finite_nothing_is_kept(tmp_path: Path) -> None:
    probe = Levels(tmp_path, classes=4)
    model = network(KEY)
    for step in range(1, 2 * WINDOW):
        if probe.listening:
            probe.heard(step, math.nan if step == WINDOW - 1 else 1e-9, model)
    assert not probe.listening and not list(tmp_path.iterdir())
