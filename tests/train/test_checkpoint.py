from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from normlab.errors import BadFolder
from normlab.train.checkpoint import Checkpoint, save, save_network


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "n.partial").mkdir()  # nothing can be written there
    with torch.random.fork_rng(), pytest.raises(BadFolder, match=r"n\.safetensors can"):
        save_network(nn.Linear(1, 1), tmp_path / "n.safetensors")


def test_so_is_a_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "epoch-1.partial").mkdir()
    state = Checkpoint(
        epoch=1, model={"w": torch.zeros(1)}, descent={}, scalars={}, observed={}
    )
    with pytest.raises(BadFolder, match=r"epoch-1\.safetensors cannot be written"):
        save(state, tmp_path)
