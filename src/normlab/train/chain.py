r"""A chain of layers, forward and backward written out.

What autograd does for such a network is known beforehand: the same kernels in the same
order at every step. Called directly they find the same bits, without the bookkeeping,
and in memory that is taken once. With $x_i = f_i(x_{i-1}; w_i)$ and $g_n$ the gradient
of the loss by the outputs $x_n$,

$$ \nabla_{w_i} = g_i \frac{\partial f_i}{\partial w_i}, \qquad
   g_{i-1} = g_i \frac{\partial f_i}{\partial x_{i-1}}. $$

Which layers there are and with which options is asked here; whether the bits are those
of autograd is tried in `gradients.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["LINKS", "Chain"]

_aten: Any = torch.ops.aten
_MEAN, _IGNORED = 1, -100  # of cross-entropy: over examples, but those of this label


class Link:
    """One layer: its output from its input, and its input's gradient from its output's.

    Args:
        layer: Of torch; its parameters get a `grad`.
        before: The link in front; None at the batch, which wants no gradient and must
            not be written to.
    """

    keeps_output = False
    """Whether `backward` needs what `forward` gave."""

    def __init__(self, layer: Any, before: Link | None) -> None:
        self.layer = layer
        self.first = before is None
        self.in_place = before is not None and not before.keeps_output

    def forward(self, x: Tensor) -> Tensor:
        """What the layer makes of its input; the next step may write over it."""
        raise NotImplementedError

    def backward(self, g: Tensor) -> Tensor:
        """The gradient of the input; g may be written to."""
        raise NotImplementedError


class Linear(Link):
    """$x W^T + b$."""

    def __init__(self, layer: nn.Linear, before: Link | None) -> None:
        super().__init__(layer, before)
        self.weight, self.bias = layer.weight, layer.bias
        self.transposed = self.weight.detach().t()
        self.by_weight = torch.empty_like(layer.weight)
        self.by_bias = None if self.bias is None else torch.empty_like(self.bias)
        self.y, self.by_x = torch.empty(0), torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        if len(self.y) != len(x):
            self.y = x.new_empty(len(x), len(self.weight))
            self.by_x = torch.empty_like(x)
        self.x = x
        if self.bias is None:
            return torch.mm(x, self.transposed, out=self.y)
        return torch.addmm(self.bias, x, self.transposed, out=self.y)

    def backward(self, g: Tensor) -> Tensor:
        self.weight.grad = torch.mm(g.t(), self.x, out=self.by_weight)
        if self.bias is not None:
            self.bias.grad = torch.sum(g, 0, out=self.by_bias)
        return g if self.first else torch.mm(g, self.weight, out=self.by_x)


class Norm(Link):
    """Any norm: less its mean, times an inverse deviation, with gain and shift."""

    def __init__(self, layer: Any, before: Link | None) -> None:
        super().__init__(layer, before)
        self.weight, self.bias, self.eps = layer.weight, layer.bias, layer.eps
        self.wanted = [not self.first, self.weight is not None, self.bias is not None]

    def forward(self, x: Tensor) -> Tensor:
        self.x = x
        y, self.mean, self.inverse = self.normalise(x)
        return y

    def backward(self, g: Tensor) -> Tensor:
        by_x, by_weight, by_bias = self.back(g)
        if self.weight is not None:
            self.weight.grad = by_weight
        if self.bias is not None:
            self.bias.grad = by_bias
        return by_x

    def normalise(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The output, and the mean and inverse deviation that `back` needs."""
        raise NotImplementedError

    def back(self, g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The gradients of input, gain and shift."""
        raise NotImplementedError


class BatchNorm(Norm):
    """By the statistics of the batch, which the running ones follow."""

    def normalise(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        share = self.layer.momentum
        if self.layer.num_batches_tracked is not None:
            seen = self.layer.num_batches_tracked.add_(1)
            share = 1.0 / float(seen) if share is None else share
        self.averages = self.layer.running_mean, self.layer.running_var
        how = {"training": True, "momentum": share or 0.0, "eps": self.eps}
        return torch.native_batch_norm(x, self.weight, self.bias, *self.averages, **how)

    def back(self, g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        how = self.weight, *self.averages, self.mean, self.inverse, True, self.eps
        return _aten.native_batch_norm_backward.default(g, self.x, *how, self.wanted)


class LayerNorm(Norm):
    """Over the features of an example."""

    def normalise(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        self.shape = self.layer.normalized_shape
        return torch.native_layer_norm(x, self.shape, self.weight, self.bias, self.eps)

    def back(self, g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        how = self.shape, self.mean, self.inverse, self.weight, self.bias
        return _aten.native_layer_norm_backward.default(g, self.x, *how, self.wanted)


class GroupNorm(Norm):
    """Over groups of the features of an example."""

    def normalise(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        self.sizes = len(x), self.layer.num_channels, 1, self.layer.num_groups
        return torch.native_group_norm(x, self.weight, self.bias, *self.sizes, self.eps)

    def back(self, g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        how = self.mean, self.inverse, self.weight, *self.sizes
        return _aten.native_group_norm_backward.default(g, self.x, *how, self.wanted)


class Pointwise(Link):
    """A nonlinearity whose slope follows from what it gives."""

    keeps_output = True
    functions: Any = (torch.relu, torch.relu_)

    def forward(self, x: Tensor) -> Tensor:
        self.y = self.functions[self.in_place](x)
        return self.y


class ReLU(Pointwise):
    """$max(x, 0)$."""

    def backward(self, g: Tensor) -> Tensor:
        return _aten.threshold_backward.grad_input(g, self.y, 0, grad_input=g)


class Sigmoid(Pointwise):
    """$1 / (1 + e^{-x})$."""

    functions = (torch.sigmoid, torch.sigmoid_)

    def backward(self, g: Tensor) -> Tensor:
        return _aten.sigmoid_backward.grad_input(g, self.y, grad_input=g)


class Tanh(Pointwise):
    """The hyperbolic tangent."""

    functions = (torch.tanh, torch.tanh_)

    def backward(self, g: Tensor) -> Tensor:
        return _aten.tanh_backward.grad_input(g, self.y, grad_input=g)


class Dropout(Link):
    """Each number kept with a chance, and made larger by as much; by torch's draws."""

    def forward(self, x: Tensor) -> Tensor:
        kept = 1 - self.layer.p
        self.noise = torch.empty_like(x).bernoulli_(kept).div_(kept)
        return x * self.noise

    def backward(self, g: Tensor) -> Tensor:
        return g.mul_(self.noise)


LINKS: dict[type[nn.Module], type[Link]] = {
    nn.Linear: Linear,
    nn.BatchNorm1d: BatchNorm,
    nn.LayerNorm: LayerNorm,
    nn.GroupNorm: GroupNorm,
    nn.ReLU: ReLU,
    nn.Sigmoid: Sigmoid,
    nn.Tanh: Tanh,
    nn.Dropout: Dropout,
}


class Chain:
    """Loss and gradients of a network that is a chain of layers known here.

    Args:
        layers: In their order, without those that change nothing.
    """

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        self._links: list[Link] = []
        for layer in layers:
            before = self._links[-1] if self._links else None
            self._links.append(LINKS[type(layer)](layer, before))
        self._one = torch.ones(())

    def __call__(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy of a batch; every parameter gets its gradient."""
        with torch.no_grad():
            x = inputs.flatten(1)
            for link in self._links:
                x = link.forward(x)
            logs = _aten._log_softmax.default(x, 1, half_to_float=False)
            loss, weight = _aten.nll_loss_forward.default(
                logs, labels, None, _MEAN, _IGNORED
            )
            g = _aten.nll_loss_backward.default(
                self._one, logs, labels, None, _MEAN, _IGNORED, weight
            )
            g = _aten._log_softmax_backward_data.default(g, logs, 1, x.dtype)
            for link in reversed(self._links):
                g = link.backward(g)
        return loss
