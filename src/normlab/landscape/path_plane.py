"""The plane that holds most of a training path, seen from its end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from normlab.errors import BadData
from normlab.landscape.plane import Arrays, Plane, Window
from normlab.records.surface import Mark

_MARGIN = 0.25  # of the path's longer extent, on every side


def path_plane(
    snapshots: Sequence[Arrays], steps: Sequence[int], *, end: Arrays | None = None
) -> Plane:
    r"""Principal components of a path about its end point.

    With $d_t = w_t - w_T$ and the Gram matrix $G_{st} = \langle d_s, d_t\rangle =
    U \Lambda U^\top$ the directions are $\sum_t d_t U_{tk}/\sqrt{\lambda_k}$: of
    length 1 and orthogonal, so coordinates are distances between weights. The
    origin is the end point.

    Args:
        snapshots: Parameters at each step, in time order, under the same names.
        steps: Step of each snapshot, rising.
        end: Parameters at the end; None takes the last snapshot.

    Returns:
        The plane. Its facts are `explained_1` and `explained_2`, the shares of
        the squared distance from the end, and `null_1` and `null_2`, the shares
        that a random walk with the same steps would have.

    Raises:
        BadData: If there are fewer than three snapshots, they do not match, or
            all lie on one line.

    Source: Li et al. 2018, arXiv 1712.09913, section 7, but about the end point;
    the random walk after Antognini & Sohl-Dickstein 2018, arXiv 1806.08805.
    """
    end = snapshots[-1] if end is None and len(snapshots) else end
    _check(snapshots, steps, end)
    assert end is not None
    values, vectors = np.linalg.eigh(_gram(snapshots, end))
    values, vectors = values[:-3:-1], vectors[:, :-3:-1]
    if values[1] <= 1e-10 * values[0]:
        raise BadData(
            "path: all snapshots lie on one line, which spans no plane. Keep more"
            " snapshots, or draw the random plane."
        )
    vectors *= np.where(vectors[0] < 0, -1.0, 1.0)  # the start: at positive a and b
    lengths = np.sqrt(values)
    first, second = _combine(snapshots, end, vectors / lengths)
    places = vectors * lengths
    margin = _MARGIN * float(np.ptp(places, axis=0).max())
    total = _squares(snapshots, end)
    shares = values / total.sum()
    nulls = random_walk_shares(steps)
    return Plane(
        kind="path",
        origin=dict(end),
        first=first,
        second=second,
        across=_window(places[:, 0], margin),
        along=_window(places[:, 1], margin),
        marks=tuple(
            Mark(
                name=f"step {step}",
                a=float(a),
                b=float(b),
                off_plane=float(np.sqrt(max(far - a * a - b * b, 0.0))),
            )
            for step, (a, b), far in zip(steps, places, total, strict=True)
        ),
        facts={
            "explained_1": float(shares[0]),
            "explained_2": float(shares[1]),
            "null_1": float(nulls[0]),
            "null_2": float(nulls[1]),
        },
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


def _check(snapshots: Sequence[Arrays], steps: Sequence[int], end: Arrays | None):
    if len(snapshots) < 3:
        raise BadData(
            f"path: {len(snapshots)} snapshots span no plane. Keep at least 3."
        )
    if len(steps) != len(snapshots):
        raise BadData(f"path: {len(steps)} steps for {len(snapshots)} snapshots.")
    assert end is not None
    shapes = {name: np.shape(array) for name, array in end.items()}
    for step, snapshot in zip(steps, snapshots, strict=True):
        if {name: np.shape(array) for name, array in snapshot.items()} != shapes:
            raise BadData(
                f"path: the snapshot of step {step} has other names or shapes than"
                " the end point."
            )


def _gram(snapshots: Sequence[Arrays], end: Arrays) -> NDArray[np.float64]:
    """Gram matrix of the differences from the end, tensor by tensor in float64."""
    gram = np.zeros((len(snapshots), len(snapshots)))
    for name, last in end.items():
        rows = np.stack([_difference(s[name], last) for s in snapshots])
        gram += rows @ rows.T
    if not np.isfinite(gram).all():
        raise BadData("path: a snapshot holds values that are not finite.")
    return gram


def _squares(snapshots: Sequence[Arrays], end: Arrays) -> NDArray[np.float64]:
    """Squared distance of every snapshot from the end, shape (snapshots,)."""
    return np.array(
        [
            sum(float(np.square(_difference(s[name], end[name])).sum()) for name in end)
            for s in snapshots
        ]
    )


def _combine(
    snapshots: Sequence[Arrays], end: Arrays, weights: NDArray[np.float64]
) -> tuple[dict[str, NDArray[np.floating]], ...]:
    """The two weighted sums of the differences, weights of shape (snapshots, 2)."""
    sums: tuple[dict[str, NDArray[np.floating]], ...] = ({}, {})
    for name, last in end.items():
        rows = np.stack([_difference(s[name], last) for s in snapshots])
        for axis, flat in enumerate(weights.T @ rows):
            sums[axis][name] = flat.reshape(np.shape(last)).astype(last.dtype)
    return sums


def _difference(
    array: NDArray[np.floating], end: NDArray[np.floating]
) -> NDArray[np.float64]:
    return (np.asarray(array, np.float64) - np.asarray(end, np.float64)).ravel()


def _window(places: NDArray[np.float64], margin: float) -> Window:
    """The path and its end with a margin."""
    low, high = min(places.min(), 0.0), max(places.max(), 0.0)
    return float(low - margin), float(high + margin)
