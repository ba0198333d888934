"""Two random directions, each filter as long as the weights' own filter."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from normlab.base.filters import filter_lengths, owners
from normlab.base.streams import stream
from normlab.errors import BadModel, BadSetting
from normlab.landscape.planes.plane import Plane
from normlab.norms.recognize import is_norm_module
from normlab.records.bare_names import bare_names, inner_names


def random_plane(
    model: nn.Module,
    *,
    seed: int = 0,
    parameters: str | Sequence[str] | None = None,
) -> Plane:
    r"""Plane through the model along two filter-normalised Gaussian directions.

    A weight $W$ with filters $W_i$ gets the direction
    $d_i = g_i\,\lVert W_i\rVert/\lVert g_i\rVert$ with $g$ standard normal. A filter
    is what makes one output: row $i$, but of transposed convolutions, and of a module
    called Conv1D with a matrix (inputs, outputs), what belongs to output $i$ on the
    second axis. Of a pruned weight only what the mask leaves counts and moves; a
    complex number is two real ones. Biases and the parameters of norms stay where
    they are. Every tensor's draw has an address of its own, which is its name without
    the prefixes of wrappers (DataParallel, torch.compile, AveragedModel, Lightning)
    and without what the names of all weights begin with: so twins get the same draw
    for the weights they share, and so does a model within another.

    Args:
        model: Any module.
        seed: Seed of the draw.
        parameters: What moves: names, the beginnings of names (`encoder`), patterns
            (`*.attention.*`), `"trainable"` or `"all"`. A bias or a norm's parameter
            moves if its full name is given, as one filter. None takes what is
            trainable, or all if nothing is.

    Returns:
        The plane. Its fact `frozen` is how many numbers stay that would move, were
        they not frozen; there is none where nothing is frozen.

    Raises:
        BadModel: If the model has no weights that could move, or only biases and
            norms are trainable.
        BadSetting: If `parameters` names nothing of the model.

    Example:
        >>> net = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
        >>> list(random_plane(net).first), list(random_plane(net, parameters="1").first)
        (['0.weight', '1.weight'], ['1.weight'])

    Source: Li et al. 2018, arXiv 1712.09913.
    """
    if not isinstance(model, nn.Module):
        raise BadModel(
            f"random_plane: {type(model).__name__} is no torch module. Pass an"
            " nn.Module."
        )
    named = dict(model.named_parameters())
    weights = _weights(model)
    if not weights:
        raise BadModel(
            "surface: the model has no weights to move. The random plane needs a"
            " parameter of two or more dimensions."
        )
    chosen = _chosen(named, weights, parameters)
    addresses = bare_names(named) | inner_names(weights)
    owned = owners(model)
    first, second = (
        {
            name: _direction(
                named[name], *owned[name], (seed, "surface", axis, addresses[name])
            )
            for name in chosen
        }
        for axis in ("first", "second")
    )
    frozen = sum(named[n].numel() for n in weights if n not in chosen)
    told = {"frozen": float(frozen)} if parameters is None and frozen else {}
    return Plane(kind="random", first=first, second=second, facts=told)


def _weights(model: nn.Module) -> list[str]:
    """Names of the parameters that a random direction moves."""
    still = {
        id(parameter)
        for module in model.modules()
        if is_norm_module(module)
        for parameter in module.parameters(recurse=False)
    }
    return [
        name
        for name, parameter in model.named_parameters()
        if parameter.ndim >= 2
        and id(parameter) not in still
        and (parameter.is_floating_point() or parameter.is_complex())
    ]


def _chosen(
    named: dict[str, nn.Parameter],
    weights: Sequence[str],
    asked: str | Sequence[str] | None,
) -> list[str]:
    """Names of the parameters that move, in the model's order."""
    trainable = [name for name in weights if named[name].requires_grad]
    if asked is None:
        if not trainable and any(p.requires_grad for p in named.values()):
            raise BadModel(
                "surface: what is trainable are biases or norms alone, which stay on"
                " the random plane. Name what moves: random_plane(model, parameters=)."
            )
        return trainable or list(weights)
    words = [asked] if isinstance(asked, str) else asked
    if not isinstance(words, list | tuple | set | frozenset | dict) or any(
        not isinstance(word, str) for word in words
    ):
        raise BadSetting(
            f"parameters={asked!r} does not name weights. Give a name, the beginning of"
            " names, a pattern, or a list of these."
        )
    found = {word: _found(word, named, weights, trainable) for word in words}
    for word, names in found.items():
        if not names:
            some = ", ".join(list(weights)[:6])
            raise BadSetting(
                f"parameters={word!r} names no weight of the model. It has {some}"
                f"{', ...' if len(weights) > 6 else '.'}"
            )
    every = {name for names in found.values() for name in names}
    if not every:
        raise BadSetting(
            "parameters: an empty list moves nothing. Name some, or use 'trainable'."
        )
    return [name for name in named if name in every]


def _found(
    word: str,
    named: Collection[str],
    weights: Sequence[str],
    trainable: Sequence[str],
) -> list[str]:
    if word == "all":
        return list(weights)
    if word == "trainable":
        return list(trainable)
    bare = bare_names(named)
    exact = [name for name in named if word in (name, bare[name])]
    return exact or [
        name
        for name in weights
        for called in {name, bare[name]}
        if called.startswith(f"{word.rstrip('.')}.") or fnmatchcase(called, word)
    ]


def _direction(
    weight: Tensor, owner: nn.Module, called: str, address: tuple[int | str, ...]
) -> NDArray[Any]:
    """Of the shape and kind of the weight, each filter as long as the weight's own."""
    values = weight.detach().cpu()
    parts = torch.view_as_real(values.resolve_conj()) if values.is_complex() else values
    mask = _mask(owner, called)
    kept = (
        1
        if mask is None
        else mask.reshape(mask.shape + (1,) * (parts.ndim - mask.ndim))
    )
    wanted = filter_lengths(parts.double() * kept, owner, weight.ndim)
    drawn = torch.randn(parts.shape, generator=stream(*address), dtype=torch.float64)
    drawn *= kept
    found = filter_lengths(drawn, owner, weight.ndim)
    drawn *= torch.where(found > 0, wanted / found, 0.0)
    if values.is_complex():
        drawn = torch.view_as_complex(drawn)
    single = torch.complex64 if values.is_complex() else torch.float32
    whole = values.dtype in (torch.float64, torch.complex128)
    return drawn.to(drawn.dtype if whole else single).numpy()


def _mask(owner: nn.Module, called: str) -> Tensor | None:
    """What `torch.nn.utils.prune` leaves of a weight."""
    base = called.removesuffix("_orig")
    mask = owner._buffers.get(f"{base}_mask") if base != called else None
    return None if mask is None else mask.detach().cpu().double()
