"""The plane that holds most of a training path, seen from its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from normlab.errors import BadData
from normlab.landscape.planes.networks import Network, read_networks
from normlab.landscape.planes.plane import Plane, Window
from normlab.landscape.planes.vectors import Arrays, Vector, flat, shaped
from normlab.landscape.planes.way import marked_steps, real_networks, ways_of

_MARGIN = 0.25  # of the path's longer extent, on every side
_END = "the end point"


def path_plane(
    snapshots: Sequence[Network] | Mapping[str, Sequence[Network]],
    steps: Sequence[int] | Mapping[str, Sequence[int]],
    *,
    end: Network | None = None,
    model: nn.Module | None = None,
) -> Plane:
    r"""Principal components of one or several paths about an end point.

    With $d_t = w_t - w_T$ and the Gram matrix $G_{st} = \langle d_s, d_t\rangle =
    U \Lambda U^\top$ the directions are $\sum_t d_t U_{tk}/\sqrt{\lambda_k}$: of
    length 1 and orthogonal, so coordinates are distances between weights. The
    origin is the end point. A complex weight counts as two real ones.

    Snapshots are modules, state_dicts as `torch.load` returns them, or arrays by name.
    Their parameters alone span the plane, and tied ones count once. Where they have
    their buffers too, the loss of at most 25 networks on each way is measured as it
    really was: a mark's `true_loss`, beside its `plane_loss` on the plane.

    Args:
        snapshots: Networks at each step, in time order; several paths by their names.
        steps: Step of each snapshot, rising; for several paths by their names, or the
            same for all.
        end: The network at the origin; None takes the last snapshot of the first path.
        model: Whose parameters these are. Without it what is a parameter is known
            from modules, and else by names: all but the averages of norms, and whole
            numbers.

    Returns:
        The plane, with a mark for each step. Its facts are `explained_1` and
        `explained_2`, the shares of the squared distances from the end, and for one
        path `null_1` and `null_2`, the shares that a random walk with the same steps
        would have.

    Raises:
        BadData: If there are fewer than three snapshots, they do not match, all lie
            on one line, or steps do not rise.

    Example:
        >>> corner = [np.array([0.0, 2.0]), np.array([2.0, 2.0]), np.array([2.0, 0.0])]
        >>> plane = path_plane([{"w": place} for place in corner], steps=(0, 10, 20))
        >>> [(mark.name, round(abs(mark.a), 3)) for mark in plane.marks]
        [('step 0', 2.753), ('step 10', 1.701), ('step 20', 0.0)]

    Source: Li et al. 2018, arXiv 1712.09913, section 7, but about the end point;
    the random walk after Antognini & Sohl-Dickstein 2018, arXiv 1806.08805.
    """
    ways = ways_of(snapshots, steps)
    networks = {name: net for way in ways for name, net in way.networks.items()}
    count = len(networks)
    if count < 3:
        raise BadData(f"path: {count} snapshots span no plane. Keep at least 3.")
    if end is not None:
        networks[_END] = end
    read = read_networks(networks, model=model)
    last = read.weights[-1 if end is not None else len(ways[0].steps) - 1]
    weights = read.weights[:count]
    values, vectors = np.linalg.eigh(_gram(weights, last))
    values, vectors = values[:-3:-1], vectors[:, :-3:-1]
    if values[0] <= 0:
        raise BadData(
            "path: all snapshots are equal. A state_dict shares its memory with the"
            " network: keep copies, copy.deepcopy(net.state_dict())."
        )
    if values[1] <= 1e-10 * values[0]:
        raise BadData(
            "path: all snapshots lie on one line, which spans no plane. Keep more"
            " snapshots, or draw the random plane."
        )
    vectors *= np.where(vectors[0] < 0, -1.0, 1.0)  # the start: at positive a and b
    lengths = np.sqrt(values)
    first, second = _combine(weights, last, vectors / lengths)
    places = vectors * lengths
    margin = _MARGIN * float(np.ptp(places, axis=0).max())
    total = _squares(weights, last)
    shares = values / total.sum()
    facts = {"explained_1": float(shares[0]), "explained_2": float(shares[1])}
    if len(ways) == 1:
        nulls = random_walk_shares(ways[0].steps)
        facts |= {"null_1": float(nulls[0]), "null_2": float(nulls[1])}
    off = (
        float(np.sqrt(max(far - a * a - b * b, 0.0)))
        for (a, b), far in zip(places, total, strict=True)
    )
    return Plane(
        kind="path",
        origin=read.under_every_name(last),
        first=read.under_every_name(first),
        second=read.under_every_name(second),
        across=_window(places[:, 0], margin),
        along=_window(places[:, 1], margin),
        marks=marked_steps(ways, places, off),
        real=real_networks(ways, read.whole),
        facts=facts,
    )


def random_walk_shares(steps: Sequence[int]) -> NDArray[np.float64]:
    r"""Shares of the principal components of a random walk about its end.

    In many dimensions the Gram matrix of a random walk observed at steps $t_i$ is
    proportional to $K_{ij} = \min(T - t_i, T - t_j)$.

    Args:
        steps: Steps of the snapshots; the last one is T.

    Returns:
        Shares in falling order, summing to 1, shape (snapshots,).

    Example:
        >>> random_walk_shares(range(0, 4000, 4))[:2].round(3)
        array([0.811, 0.09 ])
    """
    left = np.asarray(steps[-1], float) - np.asarray(steps, float)
    values = np.linalg.eigvalsh(np.minimum.outer(left, left))[::-1]
    return values / values.sum()


def _gram(snapshots: Sequence[Arrays], end: Arrays) -> NDArray[np.float64]:
    """Gram matrix of the differences from the end, tensor by tensor in float64."""
    gram = np.zeros((len(snapshots), len(snapshots)))
    for name, last in end.items():
        rows = np.stack([flat(s[name]) - flat(last) for s in snapshots])
        gram += rows @ rows.T
    if not np.isfinite(gram).all():
        raise BadData("path: a snapshot holds values that are not finite.")
    return gram


def _squares(snapshots: Sequence[Arrays], end: Arrays) -> Vector:
    """Squared distance of every snapshot from the end, shape (snapshots,)."""
    return np.array(
        [
            sum(float(np.square(flat(s[name]) - flat(end[name])).sum()) for name in end)
            for s in snapshots
        ]
    )


def _combine(
    snapshots: Sequence[Arrays], end: Arrays, weights: NDArray[np.float64]
) -> tuple[dict[str, NDArray[Any]], ...]:
    """The two weighted sums of the differences, weights of shape (snapshots, 2)."""
    sums: tuple[dict[str, NDArray[Any]], ...] = ({}, {})
    for name, last in end.items():
        rows = np.stack([flat(s[name]) - flat(last) for s in snapshots])
        for axis, row in enumerate(weights.T @ rows):
            sums[axis][name] = shaped(row, last)
    return sums


def _window(places: Vector, margin: float) -> Window:
    """The path and its end with a margin."""
    low, high = min(places.min(), 0.0), max(places.max(), 0.0)
    return float(low - margin), float(high + margin)
