"""Networks that span a plane, however they are given: their weights as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from normlab.errors import BadData, described
from normlab.landscape.planes.vectors import Arrays
from normlab.landscape.planes.weight_files import names_file, read_file
from normlab.records.bare_names import COUNTER, matched
from normlab.user_code import refusing

Network = nn.Module | Mapping[str, Any] | str | Path
"""A module; a state_dict, as `torch.load` returns it; arrays by name; or a file."""

STATE_KEYS = ("state_dict", "model_state_dict", "model", "net", "network")
"""Where checkpoints keep the state_dict among other things."""
BUFFERS = ("running_mean", "running_var", "num_batches_tracked")
"""What is no parameter by its name; used where no model is known to ask."""


@dataclass(frozen=True, kw_only=True)
class Networks:
    """Several networks under the same names.

    Attributes:
        weights: Parameters of each, in the order given; of tied tensors the first.
        whole: All tensors of each, parameters and buffers, under the model's names
            where it is known.
        tied: Name of each further tensor that is one with another, and of that one.
    """

    weights: list[dict[str, NDArray[Any]]]
    whole: list[dict[str, NDArray[Any]]]
    tied: Mapping[str, str]

    def under_every_name(self, arrays: Arrays) -> dict[str, NDArray[Any]]:
        """With tied tensors under all of their names: a model may keep either."""
        again = {name: arrays[one] for name, one in self.tied.items()}
        return kept({**arrays, **again})


def kept(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """In memory of their own: a tensor's is written to when training goes on."""
    return {n: a if a.flags.owndata else a.copy() for n, a in arrays.items()}


def read_networks(
    networks: Mapping[str, Network], *, model: nn.Module | None = None
) -> Networks:
    """The weights of networks that belong together.

    Kept are the parameters alone, buffers are not, and tied tensors count once. What
    is a parameter is known from the model, or from a network that is a module; without
    either, tensors of whole numbers and the averages of norms are none, and tensors
    that are equal in every network are tied. Prefixes of wrappers are matched to the
    model's names. Half precision becomes float32.

    Args:
        networks: By what they are called where something is wrong.
        model: Whose parameters these are.

    Raises:
        BadData: If one is no network, or names and shapes do not go together.
    """
    states = {name: state_of(name, network) for name, network in networks.items()}
    modules = (one for one in networks.values() if isinstance(one, nn.Module))
    model = model if model is not None else next(modules, None)
    tied: dict[str, str] = {}
    if model is None:
        names = {where: _guessed(state) for where, state in states.items()}
        last = list(states)[-1]
        tied = _tied(names[last], list(states.values()))
        names = {w: [n for n in some if n not in tied] for w, some in names.items()}
    else:
        states = {name: _named(name, one, model) for name, one in states.items()}
        parameters = dict(model.named_parameters())
        names = {w: [n for n in parameters if n in one] for w, one in states.items()}
    weights = {w: {n: states[w][n] for n in some} for w, some in names.items()}
    _refuse_unlike(weights)
    return Networks(
        weights=list(weights.values()), whole=list(states.values()), tied=tied
    )


def _refuse_unlike(weights: Mapping[str, Arrays]) -> None:
    last, like = list(weights.items())[-1]
    if not like:
        raise BadData(f"{last}: holds no weights. Give a network, or its state_dict.")
    shapes = {name: np.shape(array) for name, array in like.items()}
    for where, arrays in weights.items():
        mine = {name: np.shape(array) for name, array in arrays.items()}
        if mine != shapes:
            odd = next(n for n in {**shapes, **mine} if mine.get(n) != shapes.get(n))
            raise BadData(
                f"{where} has other names or shapes than {last} ({odd!r}:"
                f" {mine.get(odd, 'none')} and {shapes.get(odd, 'none')}). Give"
                " networks of one model."
            )


def state_of(where: str, network: object) -> dict[str, NDArray[Any]]:
    """All tensors of a network as arrays, also from a file.

    Raises:
        BadData: If it is none, or cannot be read.
    """
    if isinstance(network, str | Path) and names_file(network):
        where = str(network)
        network = read_file(Path(network).expanduser())
    if isinstance(network, nn.Module):
        tensors = _parameters_and_state(network)
        # it may be trained on, which must not change what is kept of it
        return {n: np.array(_array(where, n, one)) for n, one in tensors.items()}
    if not isinstance(network, Mapping):
        raise BadData(
            f"{where}: {kind_of(network)} is no network. Give a module, its state_dict,"
            " arrays by name, or a file of weights."
        )
    found = _inner(network)
    arrays = {str(n): a for n, a in found.items() if _is_tensor(a)}
    strange = [
        n for n in found if n not in arrays and not str(n).endswith("_extra_state")
    ]
    if strange or not arrays:
        what = (
            f"{kind_of(found[strange[0]])} at {strange[0]!r}" if strange else "nothing"
        )
        raise BadData(
            f"{where}: holds {what} where weights were expected. Give a state_dict:"
            " names with their tensors."
        )
    return {name: _array(where, name, one) for name, one in arrays.items()}


def _parameters_and_state(module: nn.Module) -> dict[str, Tensor]:
    tensors = dict(module.named_parameters())
    kept = {n: t for n, t in module.state_dict().items() if isinstance(t, Tensor)}
    return {name: one.detach() for name, one in {**tensors, **kept}.items()}


def _inner(network: Mapping[str, Any]) -> Mapping[str, Any]:
    """The state_dict of a checkpoint that holds more than it."""
    for key in STATE_KEYS:
        inner = network.get(key)
        if isinstance(inner, nn.Module):
            return inner.state_dict()
        if isinstance(inner, Mapping) and any(map(_is_tensor, inner.values())):
            return inner
    return network


def _is_tensor(value: object) -> bool:
    return isinstance(value, Tensor | np.ndarray | np.generic)


def arrays_of(where: str, tensors: object) -> dict[str, NDArray[Any]]:
    """Tensors or arrays by name, as arrays; there may be none.

    Raises:
        BadData: If some are no numbers.
    """
    if not isinstance(tensors, Mapping):
        raise BadData(f"{where}: {kind_of(tensors)} is no dict of arrays by name.")
    return {str(name): _array(where, name, one) for name, one in tensors.items()}


def _array(where: str, name: str, value: object) -> NDArray[Any]:
    if isinstance(value, Tensor):
        if value.is_meta or is_lazy(value):
            raise BadData(f"{where}: {name!r} has no values yet. Load or run it first.")
        value = value.detach().cpu().resolve_conj().resolve_neg()
        if value.layout != torch.strided or value.is_quantized:
            value = value.dequantize() if value.is_quantized else value.to_dense()
        if value.is_floating_point() and value.dtype.itemsize < 4:
            value = value.float()
        value = value.numpy()
    with refusing(  # rows of several lengths, or an object of any kind
        lambda error: BadData(f"{where}: {name!r} makes no array ({described(error)}).")
    ):
        array = np.asarray(value)
    if array.dtype.kind not in "fciub":
        raise BadData(f"{where}: {name!r} holds {array.dtype}, which are no weights.")
    return array.astype(
        _KINDS.get(array.dtype.type, array.dtype.newbyteorder("=")), copy=False
    )


_KINDS = {  # what torch takes, and what planes compute in
    np.float16: np.float32,
    np.longdouble: np.float64,
    np.clongdouble: np.complex128,
}


def _named(
    where: str, state: dict[str, NDArray[Any]], model: nn.Module
) -> dict[str, NDArray[Any]]:
    """Under the names of the model's parameters and buffers."""
    own = own_names(model)
    names = matched(state.keys(), own)
    unknown = [n for n in state if n not in names and state[n].dtype.kind in "fc"]
    if unknown:
        raise BadData(
            f"{where}: has {unknown[0]!r}, the model has not. Give networks of this"
            " model."
        )
    return {own[full]: state[name] for name, full in names.items()}


def own_names(model: nn.Module) -> dict[str, str]:
    """Every name of a parameter or buffer, and the first name of the same tensor."""
    first: dict[int, str] = {}
    every = [
        *model.named_parameters(remove_duplicate=False),
        *model.named_buffers(remove_duplicate=False),
    ]
    return {name: first.setdefault(id(tensor), name) for name, tensor in every}


def _guessed(state: Mapping[str, NDArray[Any]]) -> list[str]:
    """Names of parameters, as far as names and types tell."""
    return [
        name
        for name, array in state.items()
        if array.dtype.kind in "fc"
        and name.rpartition(".")[2] not in (*BUFFERS, COUNTER)
    ]


def _tied(
    names: Sequence[str], states: Sequence[Mapping[str, NDArray[Any]]]
) -> dict[str, str]:
    """Of tensors that are equal in every network, the further ones and the first."""
    first: dict[object, str] = {}
    tied = {}
    for name in names:
        array = states[-1][name]
        content = blake2b(np.ascontiguousarray(array).tobytes()).digest()
        one = first.setdefault((array.shape, array.dtype.str, content), name)
        if one != name and all(_equal(state, one, name) for state in states):
            tied[name] = one
    return tied


def _equal(state: Mapping[str, NDArray[Any]], one: str, other: str) -> bool:
    return one in state and other in state and np.array_equal(state[one], state[other])


def kind_of(value: object) -> str:
    """The kind of a thing, with its article.

    Example:
        >>> kind_of(3), kind_of({})
        ('an int', 'a dict')
    """
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
