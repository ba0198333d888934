"""Twins: the arms of one seed, with every shared tensor equal at step 0.

Every arm is built under the one address (seed, "init"), so that what a constructor
draws is the same in all of them, also where no state_dict holds it; what a network of
other sizes drew in another order it then receives from the baseline. That the tensors
are equal is not promised but proven, by digests of what each arm really starts from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from normlab.base.content import module_content
from normlab.base.digest import combined, digest
from normlab.base.settings import plain_settings
from normlab.base.streams import seeded
from normlab.errors import BadModel
from normlab.landscape.planes.weights import load_weights
from normlab.nets.answers import answering
from normlab.nets.check import refuse_untrainable
from normlab.norms.recognize import is_norm
from normlab.norms.registry import NormMaker, maker
from normlab.spec.arms import Arm
from normlab.spec.names import AS_IS
from normlab.study.source import BuiltIn, NetworkSource
from normlab.surgery.derive import derive


def build_arm(
    source: NetworkSource, arm: Arm, *, seed: int, shape: tuple[int, ...], classes: int
) -> nn.Module:
    """The network of `arm` by itself, at an address of its own: no twin of others."""
    return _built(source, arm, (seed, "init", arm.name), shape, classes)


def build_twin(
    source: NetworkSource,
    arm: Arm,
    baseline: Arm,
    *,
    seed: int,
    shape: tuple[int, ...],
    classes: int,
) -> nn.Module:
    """The network of `arm` before it receives what it shares with the baseline.

    An arm that sets its network otherwise than the baseline draws by itself.
    """
    if isinstance(source, BuiltIn) and arm.model != baseline.model:
        return build_arm(source, arm, seed=seed, shape=shape, classes=classes)
    return _built(source, arm, (seed, "init"), shape, classes)


def _built(
    source: NetworkSource,
    arm: Arm,
    address: tuple[int | str, ...],
    shape: tuple[int, ...],
    classes: int,
) -> nn.Module:
    if isinstance(source, BuiltIn):
        source = replace(source, model=arm.variant(source.model))
    own = source.norms.get(arm.name)
    norm: NormMaker | None = None
    if arm.norm != AS_IS:
        norm = own or maker(arm.norm, **arm.options.model_dump())
    with plain_settings(), seeded(*address):
        if norm is not None and source.takes_norm and source.weights is None:
            return answering(source.build(norm, shape, classes), source.output)
        _refuse_derived(source, arm)
        model = answering(source.build(None, shape, classes), source.output)
        refuse_untrainable(model)
        if source.weights is not None:
            weights = source.weights
            load_weights(model, weights.arrays, where=weights.name)
        return derive(model, norm, shape)


def _refuse_derived(source: NetworkSource, arm: Arm) -> None:
    """Refuse an arm that cannot be made of a network as it is."""
    if not source.has_own_norms and source.weights is not None:
        raise BadModel(
            "weights are of a network with norms of its own, and this one asks for one "
            "of each arm. Give a function that builds it without a parameter for norms."
        )
    if not source.has_own_norms:
        raise BadModel(
            f"norm '{AS_IS}' leaves a network its own norms, and this one asks for one "
            "of each arm. Name a norm: none, batch, ..."
        )
    if arm.norm == "masked":
        raise BadModel(
            "norm 'masked' is told by a mask what is padding, and a network that takes "
            "no norm gives it none. Take 'batch', or write the network around norm: "
            "def make(norm)."
        )


def own_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers outside of norms, by name; no state_dict has them all."""
    inside = {
        f"{path}.{within}" if within else path
        for path, module in model.named_modules()
        if is_norm(module)
        for within, _ in module.named_modules()
    }
    return {
        name: tensor
        for name, tensor in _tensors(model).items()
        if name.rpartition(".")[0] not in inside
    }


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers in the order of state_dict, then buffers it leaves out."""
    kept = model.state_dict(keep_vars=True)
    found = {n: t for n, t in kept.items() if isinstance(t, Tensor)}
    return {**found, **dict(model.named_buffers(remove_duplicate=False))}


def shared_tensors(models: Sequence[nn.Module]) -> tuple[str, ...]:
    """Names of the tensors that every arm has, outside of norms, in equal shape."""
    first, *others = [own_tensors(model) for model in models]
    return tuple(
        name
        for name, tensor in first.items()
        if all(name in o and o[name].shape == tensor.shape for o in others)
    )


def share(baseline: nn.Module, other: nn.Module, names: Sequence[str]) -> None:
    """Copy the tensors called `names` from `baseline` into `other`."""
    origin, target = _tensors(baseline), _tensors(other)
    with torch.no_grad():
        for name in names:
            target[name].copy_(origin[name])


def tensor_digests(model: nn.Module, names: Sequence[str]) -> dict[str, str]:
    """Digest of each tensor called `names`: what `model` really starts from."""
    tensors = _tensors(model)
    return {name: digest(tensors[name]) for name in names}


def start_digest(model: nn.Module, names: Sequence[str]) -> tuple[str, dict[str, str]]:
    """One digest of the tensors called `names` that a state_dict holds, and of each."""
    digests = tensor_digests(model, names)
    kept = model.state_dict()
    return combined({n: d for n, d in digests.items() if n in kept}), digests


def network_digest(model: nn.Module) -> str:
    """Of its modules with their plain attributes, and of every tensor's bits."""
    kept = [n for n, t in model.state_dict().items() if isinstance(t, Tensor)]
    return _with_modules(model, tensor_digests(model, kept))


def own_digest(model: nn.Module, shared: Sequence[str]) -> str:
    """The same of what is not called `shared`, with what no state_dict holds."""
    names = [name for name in _tensors(model) if name not in set(shared)]
    return _with_modules(model, tensor_digests(model, names))


def _with_modules(model: nn.Module, digests: Mapping[str, str]) -> str:
    return combined({**digests, "modules": repr(module_content(model))})


def twin(
    source: NetworkSource,
    arm: Arm,
    baseline: Arm,
    *,
    seed: int,
    shape: tuple[int, ...],
    classes: int,
    shared: Sequence[str],
) -> nn.Module:
    """The network of `arm` at step 0, equal to its twins in all shared tensors."""
    first = build_twin(
        source, baseline, baseline, seed=seed, shape=shape, classes=classes
    )
    if arm == baseline:
        return first
    other = build_twin(source, arm, baseline, seed=seed, shape=shape, classes=classes)
    share(first, other, shared)
    return other
