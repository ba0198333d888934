"""Twins: the arms of one seed, with every shared tensor equal at step 0.

The baseline is built under the address (seed, "init"). Any other arm is built by
itself and then receives the baseline's shared tensors. That they are equal is not
promised but proven, by digests of what each arm really starts from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import torch
from torch import Tensor, nn

from normlab.base.content import module_content
from normlab.base.digest import digest
from normlab.base.streams import ambient
from normlab.norms.registry import is_norm, maker
from normlab.spec.arms import Arm
from normlab.study.source import BuiltIn, Source


def build_arm(
    source: Source, arm: Arm, *, seed: int, shape: tuple[int, ...], classes: int
) -> nn.Module:
    """The network of `arm` by itself, as it is before anything is shared."""
    with ambient(seed, "init", arm.name):
        return _built(source, arm, shape, classes)


def build_baseline(
    source: Source, arm: Arm, *, seed: int, shape: tuple[int, ...], classes: int
) -> nn.Module:
    """The network that the others take their shared tensors from."""
    with ambient(seed, "init"):
        return _built(source, arm, shape, classes)


def _built(source: Source, arm: Arm, shape: tuple[int, ...], classes: int) -> nn.Module:
    if isinstance(source, BuiltIn):
        source = BuiltIn(arm.variant(source.model))
    norm = maker(arm.norm, **arm.options.model_dump())
    return source.build(norm, shape, classes)


def own_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers outside of norms, by name."""
    inside = {
        f"{path}.{name}"
        for path, module in model.named_modules()
        if is_norm(module)
        for name in module.state_dict()
    }
    return {n: t for n, t in model.state_dict().items() if n not in inside}


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
    origin, target = baseline.state_dict(), other.state_dict()
    with torch.no_grad():
        for name in names:
            target[name].copy_(origin[name])


def tensor_digests(model: nn.Module, names: Sequence[str]) -> dict[str, str]:
    """Digest of each tensor called `names`: what `model` really starts from."""
    state = model.state_dict()
    return {name: digest(state[name]) for name in names}


def network_digest(model: nn.Module) -> str:
    """Of its modules with their plain attributes, and of every tensor's bits."""
    tensors = tensor_digests(model, tuple(model.state_dict()))
    return combined({**tensors, "modules": repr(module_content(model))})


def combined(digests: Mapping[str, str]) -> str:
    """One digest for many named ones."""
    text = repr(sorted(digests.items()))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def twin(
    source: Source,
    arm: Arm,
    baseline: Arm,
    *,
    seed: int,
    shape: tuple[int, ...],
    classes: int,
    shared: Sequence[str],
) -> nn.Module:
    """The network of `arm` at step 0, equal to its twins in all shared tensors."""
    first = build_baseline(source, baseline, seed=seed, shape=shape, classes=classes)
    if arm == baseline:
        return first
    other = build_arm(source, arm, seed=seed, shape=shape, classes=classes)
    share(first, other, shared)
    return other
