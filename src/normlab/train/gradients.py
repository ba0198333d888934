"""How gradients come about: by autograd, or by a chain that was tried against it."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.modules import module as everywhere

from normlab.base.streams import fork_rng
from normlab.train.chain import LINKS, Chain
from normlab.train.evaluate import Loss

_EVERYWHERE = [n for n in vars(everywhere) if n.startswith("_global") and "hooks" in n]


class Gradients:
    """Loss of a batch, with the gradient of every parameter in its `grad`.

    Where the network is a chain of layers that `chain.py` knows, the step is written
    out; for each size of a batch it is first taken both ways on copies, and where a bit
    differs autograd stays.

    Args:
        model: In training.
        loss: Mean loss of a batch, from outputs and labels.
        written_out: Whether that is wanted; gradients lie in the same memory then at
            every step.
    """

    def __init__(self, model: nn.Module, loss: Loss, *, written_out: bool) -> None:
        self._model, self._loss = model, loss
        self._wanted = written_out and loss is cross_entropy
        self._chain: Chain | None = None
        self._parts: list[int] = []
        self._same: dict[int, bool] = {}  # of a size of batches, whether all bits are
        self._untold: list[str] = []

    def look_again(self, inputs: Tensor) -> None:
        """See what the network is; others may have changed it since."""
        if not self._wanted:
            return
        layers = layers_of(self._model, inputs)
        parts = [id(part) for part in [*(layers or ()), *self._model.parameters()]]
        if parts != self._parts:
            self._parts, self._same = parts, {}
            self._chain = Chain(layers) if layers else None

    def __call__(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """The loss, without its graph."""
        if self._chain is not None and self._proven(inputs, labels):
            return self._chain(inputs, labels)
        loss = self._loss(self._model(inputs), labels)
        loss.backward()
        return loss.detach()

    def notes(self) -> list[str]:
        """What there is to be said since this was last asked."""
        said, self._untold = self._untold, []
        return said

    def _proven(self, inputs: Tensor, labels: Tensor) -> bool:
        known = self._same.get(len(inputs))
        if known is None:
            known = self._same[len(inputs)] = self._try(inputs, labels)
        return known

    def _try(self, inputs: Tensor, labels: Tensor) -> bool:
        if len(inputs) == 1:
            return False  # which norms refuse, and in their own words
        usual, written = deepcopy(self._model), deepcopy(self._model)
        layers = layers_of(written, inputs)
        assert layers is not None
        with fork_rng():
            before = torch.get_rng_state()
            loss = self._loss(usual(inputs.clone()), labels)
            loss.backward()
            found = {"loss": loss, **_left_by(usual), "draws": torch.get_rng_state()}
            torch.set_rng_state(before)
            loss = Chain(layers)(inputs, labels)
            same = {"loss": loss, **_left_by(written), "draws": torch.get_rng_state()}
        differs = [name for name in found if _bits(found[name]) != _bits(same[name])]
        if differs:
            self._untold.append(
                f"batches of {len(inputs)} are trained by autograd: written out, "
                f"'{differs[0]}' has other last digits"
            )
        return not differs


def _left_by(model: nn.Module) -> dict[str, Tensor | None]:
    """Gradients and buffers that a step has left, by name."""
    gradients = {f"gradient of {n}": p.grad for n, p in model.named_parameters()}
    return gradients | dict(model.named_buffers())


def _bits(x: Tensor | None) -> bytes | None:
    return None if x is None else x.detach().numpy().tobytes()


def layers_of(model: nn.Module, inputs: Tensor) -> list[nn.Module] | None:
    """The layers of a chain that can be written out; None of any other network.

    They are torch's own, in training, with nothing hung on, and all their parameters
    are trained.

    Args:
        model: A network.
        inputs: A batch of it.

    Example:
        >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.Tanh())
        >>> layers_of(net, torch.ones(2, 2, 2))
        [Linear(in_features=4, out_features=3, bias=True), Tanh()]
        >>> layers_of(nn.Sequential(nn.Linear(4, 3), nn.PReLU()), torch.ones(2, 4))

    """
    modules = list(_in_order(model))
    layers = [m for m in modules if not _changes_nothing(m)]
    flat = inputs.dim() == 2 or any(isinstance(m, nn.Flatten) for m in modules[:1])
    parameters = [p for layer in layers for p in layer.parameters(recurse=False)]
    fits = (
        flat
        and not any(map(vars(everywhere).get, _EVERYWHERE))
        and len({*map(id, layers)}) == len(layers)
        and len({*map(id, parameters)}) == len(parameters) == len([*model.parameters()])
        and all(map(_is_plain, model.modules()))
        and all(map(_is_known, layers))
        and all(map(_is_trained, parameters))
        and isinstance(layers[0] if layers else None, nn.Linear)
    )
    return layers if fits else None


def _in_order(module: nn.Module) -> Iterator[nn.Module]:
    if type(module) is nn.Sequential:
        for child in module:
            yield from _in_order(child)
    else:
        yield module


def _changes_nothing(layer: nn.Module) -> bool:
    """Of values with two axes."""
    if type(layer) is nn.Flatten:
        return (layer.start_dim, layer.end_dim) == (1, -1)
    return type(layer) is nn.Identity or (type(layer) is nn.Dropout and layer.p == 0)


def _is_known(layer: nn.Module) -> bool:
    if type(layer) is nn.LayerNorm:
        return len(layer.normalized_shape) == 1
    if type(layer) is nn.Dropout:
        return layer.p < 1
    return type(layer) in LINKS


def _is_plain(module: nn.Module) -> bool:
    """Whether it is in training, and nobody hung anything on it."""
    hung = (value for name, value in vars(module).items() if name.endswith("_hooks"))
    return module.training and not any(hung) and "forward" not in vars(module)


def _is_trained(parameter: nn.Parameter) -> bool:
    """Whether it is an ordinary parameter in memory."""
    return (
        type(parameter) is nn.Parameter
        and parameter.requires_grad
        and parameter.dtype == torch.float32
        and parameter.device.type == "cpu"
        and parameter.is_contiguous()
        and not parameter._backward_hooks
        and not getattr(parameter, "_post_accumulate_grad_hooks", None)
    )
