r"""Fold batch norms into the layers that feed them.

At inference a batch norm is affine (`norms.reference.infer`), and so is a linear
layer or a convolution. Two affine maps in a row are one: the norm's work costs
nothing any more.
"""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple, TypeAlias, cast, get_args

import torch
from torch import Tensor, nn

from normlab.base.streams import fork_rng
from normlab.base.taps import tapped
from normlab.errors import BadModel
from normlab.norms.recognize import is_foldable
from normlab.surgery.decisions import refuse_decisions

_Transposed: TypeAlias = nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d
_Affine: TypeAlias = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d | _Transposed
_Norm: TypeAlias = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d

# exact types: a subclass may compute something else with its weight
_AFFINE = get_args(_Affine)


class LeftNorm(NamedTuple):
    """A batch norm that stayed, and why."""

    norm: str
    reason: str


class FoldReport(NamedTuple):
    """What `fold` did; all modules by their paths."""

    folded: tuple[tuple[str, str], ...]  # (layer, norm that it has taken in)
    kept: tuple[LeftNorm, ...]
    largest_change: float  # of an output value on the example, absolute


class Folded(NamedTuple):
    """The lighter model and the report."""

    model: nn.Module
    report: FoldReport


def fold(model: nn.Module, example: Tensor) -> Folded:
    r"""Merge each batch norm into the affine layer that feeds it.

    With $s = \gamma/\sqrt{\sigma^2+\varepsilon}$ the merged layer has the weight
    $W' = s\,W$ (per output) and the bias $b' = s\,(b-\mu)+\beta$. Exact over the
    reals; in float32 outputs move by a few units in the last place.

    Which layer feeds which norm is seen by running a copy on `example` once: the
    norm's input is the layer's output itself. Where anybody else uses that output,
    or one of the two runs more than once, the norm stays and the report says why.
    Each fold is checked on the example and undone if an output changed.

    Args:
        model: Left as it is, in whatever mode it is.
        example: A batch that the model can read, left as it is; use real data, for a
            wrong fold can only be noticed where it matters.

    Returns:
        A copy in evaluation mode, whose folded norms are `nn.Identity`, with the
        report.

    Raises:
        BadModel: If the model's output is not a tensor, or the model decides by values
            of its data what it computes: one example shows one way only.

    Example:
        >>> net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU())
        >>> lean, report = fold(net, torch.ones(2, 4))
        >>> lean
        Sequential(
          (0): Linear(in_features=4, out_features=3, bias=True)
          (1): Identity()
          (2): ReLU()
        )
        >>> report.folded
        (('0', '1'),)

    Source: Ioffe and Szegedy 2015, Algorithm 2, line 11.
    """
    lean = deepcopy(model).eval()
    folded: list[tuple[str, str]] = []
    kept: list[LeftNorm] = []
    with fork_rng(), torch.no_grad():
        refuse_decisions(lean, example.clone())
        flow = _Flow(lean, example)
        for norm in flow.norms():
            found = flow.feeder(norm)
            if isinstance(found, LeftNorm):
                kept.append(found)
            elif _fold_one(lean, found, norm, example, flow.output):
                folded.append((found, norm))
            else:
                kept.append(
                    LeftNorm(norm, f"the output of '{found}' is used elsewhere too")
                )
        change = (_run(lean, example) - flow.output).abs().max().item()
    return Folded(lean, FoldReport(tuple(folded), tuple(kept), change))


class _Flow:
    """What went in and out of every module in one run of the example."""

    def __init__(self, model: nn.Module, example: Tensor) -> None:
        self.modules = {path: module for path, module in model.named_modules() if path}
        # kept alive together: identity means something only among living objects
        self.inputs: dict[str, list[object]] = {path: [] for path in self.modules}
        self.outputs: dict[str, list[object]] = {path: [] for path in self.modules}
        with tapped(
            model,
            inputs={path: seen.append for path, seen in self.inputs.items()},
            outputs={path: seen.append for path, seen in self.outputs.items()},
        ):
            self.output = _run(model, example)

    def norms(self) -> list[str]:
        return [path for path, m in self.modules.items() if is_foldable(m)]

    def feeder(self, norm: str) -> str | LeftNorm:
        """The layer that `norm` can be folded into, or why there is none."""
        calls = len(self.inputs[norm])
        if calls != 1:
            return LeftNorm(norm, f"it runs {calls} times, not once")
        if getattr(self.modules[norm], "running_mean", None) is None:
            return LeftNorm(norm, "it keeps no running statistics to fold in")
        value = self.inputs[norm][0]
        makers = [p for p, seen in self.outputs.items() if _holds(seen, value)]
        layers = [path for path in makers if type(self.modules[path]) in _AFFINE]
        if len(layers) != 1 or not isinstance(value, Tensor):
            return LeftNorm(norm, "no linear or convolutional layer feeds it directly")
        (layer,) = layers
        return self._obstacle(layer, norm, value) or layer

    def _obstacle(self, layer: str, norm: str, value: Tensor) -> LeftNorm | None:
        module = cast("_Affine", self.modules[layer])
        if len(self.outputs[layer]) != 1:
            return LeftNorm(norm, f"'{layer}' runs {len(self.outputs[layer])} times")
        owners = [p for p, m in self.modules.items() if _owns(m, module.weight)]
        if owners != [layer]:
            return LeftNorm(norm, f"'{layer}' shares its weight with another layer")
        positions = 0 if type(module) is nn.Linear else module.weight.dim() - 2
        if value.dim() != positions + 2:
            return LeftNorm(norm, f"it normalises another axis than '{layer}' puts out")
        # but not what the norm is inside of, or what only hands the value on
        users = {p for p, seen in self.inputs.items() if _holds(seen, value)}
        users -= {p for p, seen in self.outputs.items() if _holds(seen, value)}
        if any(not f"{norm}.".startswith(f"{path}.") for path in users):
            return LeftNorm(norm, f"the output of '{layer}' is used elsewhere too")
        return None


def _fold_one(
    model: nn.Module, layer: str, norm: str, example: Tensor, expected: Tensor
) -> bool:
    """Fold `norm` into `layer`, both in `model`; undo it if an output changed."""
    affine = cast("_Affine", model.get_submodule(layer))
    batch_norm = cast("_Norm", model.get_submodule(norm))
    model.set_submodule(layer, _merged(affine, batch_norm))
    model.set_submodule(norm, nn.Identity().eval())
    # rounding of one layer, amplified by the next ones; misuse changes digits one
    # to three. NaN against NaN is no change.
    tolerance = 1e3 * torch.finfo(expected.dtype).eps
    scale = expected.abs().nan_to_num().max().item()
    output = _run(model, example)
    if torch.allclose(
        output, expected, rtol=tolerance, atol=tolerance * scale, equal_nan=True
    ):
        return True
    model.set_submodule(layer, affine)
    model.set_submodule(norm, batch_norm)
    return False


def _merged(layer: _Affine, norm: _Norm) -> _Affine:
    """One layer that does the work of both."""
    mean = cast("Tensor", norm.running_mean).double()
    variance = cast("Tensor", norm.running_var).double()
    scale = (variance + norm.eps).rsqrt()
    if norm.weight is not None:
        scale = scale * norm.weight.double()
    bias = torch.zeros_like(mean) if layer.bias is None else layer.bias.double()
    bias = scale * (bias - mean)
    if norm.bias is not None:
        bias = bias + norm.bias.double()
    merged = deepcopy(layer)
    merged.weight = nn.Parameter(_scaled(layer, scale).to(layer.weight))
    merged.bias = nn.Parameter(bias.to(layer.weight))
    return merged


def _scaled(layer: _Affine, scale: Tensor) -> Tensor:
    """The weight times `scale` along its outputs, in float64."""
    weight = layer.weight.double()
    if not isinstance(layer, _Transposed):
        return weight * scale.view(-1, *(1,) * (weight.dim() - 1))
    # (inputs, outputs of a group, ...): outputs are numbered group by group
    grouped = weight.view(layer.groups, -1, *weight.shape[1:])
    per_group = scale.view(layer.groups, 1, -1, *(1,) * (weight.dim() - 2))
    return (grouped * per_group).view_as(weight)


def _run(model: nn.Module, example: Tensor) -> Tensor:
    output = model(example.clone())  # a model may work in place
    if not isinstance(output, Tensor):
        raise BadModel(
            f"the model's output is a {type(output).__name__}; folding is checked on "
            f"it and needs a tensor. Fold the part of the model that returns one."
        )
    return output


def _holds(seen: list[object], value: object) -> bool:
    return any(other is value for other in seen)


def _owns(module: nn.Module, parameter: Tensor) -> bool:
    return any(own is parameter for own in module.parameters(recurse=False))
