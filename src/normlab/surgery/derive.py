"""The arms of a network that takes no norm: made from the network as it is.

Where it has norms, each is replaced by the arm's, as `convert` does it. Where it has
none, one is put behind every linear layer and convolution whose output goes straight
into a nonlinearity, as `insert` does it.
"""

from __future__ import annotations

import torch
from torch import nn

from normlab.base.slots import NormMaker, marked
from normlab.base.streams import fork_rng
from normlab.errors import BadModel
from normlab.surgery.chart import chart
from normlab.surgery.convert import replacement
from normlab.surgery.found import Chart
from normlab.surgery.insert import insertion
from normlab.surgery.report import Left


def derive(
    model: nn.Module, norm: NormMaker | None, shape: tuple[int, ...]
) -> nn.Module:
    """Give a network the norms of an arm, in its own places.

    Norms that are replaced hand on scale, shift, statistics, `eps` and `momentum` to
    one that has them. Where a norm with a shift goes and nothing comes, the layer in
    front of it gets a bias of zeros if it has none: else the arm would be handicapped.
    Names of tensors outside of norms stay; what is put behind a layer is its submodule
    `normlab_norm`, so attributes of that layer stay where they were.

    Args:
        model: Is changed in place; no two parts of it may be tied through its norms.
        norm: Makes the arm's norms; None leaves those that there are as they are.
        shape: Of one example, without the batch.

    Returns:
        The same model.

    Raises:
        BadModel: If it cannot be run, has neither a norm nor a place for one, or the
            arm's norm has no meaning in a place.

    Example:
        >>> from normlab.norms.registry import maker
        >>> net = nn.Sequential(nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8))
        >>> derive(net, maker("none"), (4,))
        Sequential(
          (0): Linear(in_features=4, out_features=8, bias=True)
          (1): Identity()
        )
    """
    # a generator of its own, and what is tried is undone, so that what the arms draw is
    # the same with and without a look
    example = torch.zeros(2, *shape).normal_(generator=torch.Generator().manual_seed(0))
    found = chart(model, example)
    if any(one.is_function for one in found.norms) or not found.norms:
        _refuse_without_a_place(found)
    if norm is None:
        if not found.norms:
            raise BadModel("the network has no norms of its own to keep.")
        for one in found.norms:
            if not one.is_function:
                marked(model.get_submodule(one.path), one.slot)
        return model
    with fork_rng(), torch.no_grad():
        edits = [
            *(replacement(model, one, "the arm's", norm) for one in found.norms),
            *(
                insertion(model, one, "the arm's", norm)
                for one in found.openings
                if not found.norms and one.calls == 1
            ),
        ]
    for edit in edits:
        if isinstance(edit, Left):
            raise BadModel(f"'{edit.path}': {edit.reason}")
        edit.make(model, norm)
    return model


def _refuse_without_a_place(found: Chart) -> None:
    if found.unreached:
        raise BadModel(
            f"the network has norms, but an example reaches none of them: "
            f"{', '.join(found.unreached[:3])}. Call them in forward, or take them out."
        )
    if not found.norms and not any(one.calls == 1 for one in found.openings):
        raise BadModel(
            "the network has no norm, and no linear layer or convolution goes straight "
            "into a nonlinearity, so there is no place for one. Write it around norm: "
            "def make(norm)."
        )
