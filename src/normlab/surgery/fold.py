r"""Fold norms into the layers around them.

At inference a batch norm is affine (`norms.reference.infer`), and so is a linear
layer or a convolution. Two affine maps in a row are one: the norm's work costs
nothing any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import NamedTuple, TypeAlias, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from normlab.errors import BadModel
from normlab.surgery.affine import ScaleShift, scale_and_shift
from normlab.surgery.carried import parted
from normlab.surgery.chart import charted
from normlab.surgery.decisions import refuse_decisions
from normlab.surgery.edits import Folded
from normlab.surgery.examples import (
    Example,
    difference,
    examples_in,
    held_out,
    mapped,
    run,
)
from normlab.surgery.found import Chart, Norm
from normlab.surgery.given import copied, untouched
from normlab.surgery.report import Left, Operated, Report

_Transposed: TypeAlias = nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d
_Convolution: TypeAlias = nn.Conv1d | nn.Conv2d | nn.Conv3d
_Affine: TypeAlias = nn.Linear | _Convolution | _Transposed

# exact types: a subclass may compute something else with its weight
_AFFINE = get_args(_Affine)


class _Merge(NamedTuple):
    """One norm that can be folded, and how."""

    edit: Folded
    affine: ScaleShift
    forward: bool
    """Whether into the layer behind it, not into that in front."""


def fold(model: nn.Module, example: Example | list[Example]) -> Operated:
    r"""Merge each norm that is affine at inference into an affine layer beside it.

    With $s = \gamma/\sqrt{\sigma^2+\varepsilon}$ and $t = \beta - s\mu$ the layer in
    front of it gets the weight $W' = s\,W$ (per output) and the bias $b' = s\,b+t$. A
    norm in front of a layer goes into that one, if it pads with no zeros: $W' = W\,s$
    (per input) and $b' = b + W\,t$. Exact over the reals; in float32 outputs move by a
    few units in the last place.

    Whether a norm is affine, and with which $s$ and $t$, is found by calling it, so
    classes of one's own, frozen and synchronised batch norms are folded alike. Who
    makes and who uses a value is seen on `example`; where anybody else uses it, or the
    norm or the layer runs more than once, the norm stays and the report says why. The
    result is checked on an input other than the example, and what changes it is undone.

    Args:
        model: Left as it is, in whatever mode it is.
        example: A batch as the model takes it: a tensor, a tuple (several arguments) or
            a dict (keywords); a list of such. Use real data.

    Returns:
        A copy of the network in evaluation mode, whose folded norms are `nn.Identity`,
        with the report.

    Raises:
        BadModel: If the model cannot be copied or run, or decides by values of its data
            what it computes: one example shows one way only.

    Example:
        >>> net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU())
        >>> lean, report = fold(net, torch.ones(2, 4))
        >>> lean
        Sequential(
          (0): Linear(in_features=4, out_features=3, bias=True)
          (1): Identity()
          (2): ReLU()
        )
        >>> print(report.done[0])
        1 folded into 0

    Source: Ioffe and Szegedy 2015, Algorithm 2, line 11.
    """
    examples = examples_in(example)
    with untouched(model), torch.no_grad():
        whole = copied(model, examples).eval()
        found = charted(whole, examples)
        for one in examples:
            refuse_decisions(whole, one)
        merges, left = _merges(whole, found)
        trial = _Trial(whole, [held_out(one) for one in examples])
        lean, change, same = trial.of(merges)
        if not same:
            judge = trial.in_float64() or trial
            kept = _largest_sound(merges, lambda taken: judge.of(taken)[2])
            left += [
                Left(merge.edit.norm, f"folded into '{merge.edit.layer}' the network "
                     "would compute something else")
                for merge in merges
                if not any(merge is one for one in kept)
            ]  # fmt: skip
            merges = kept
            lean, change, _ = trial.of(merges)
    edits = tuple(merge.edit for merge in merges)
    return Operated(lean, Report("fold", edits, tuple(left), (), change))


class _Trial:
    """What folds change in the answers of a network."""

    def __init__(self, whole: nn.Module, inputs: Sequence[Example]) -> None:
        self._whole, self._inputs = whole, inputs
        self._expected = [run(whole, one) for one in inputs]

    def of(self, taken: Sequence[_Merge]) -> tuple[nn.Module, float, bool]:
        """The network with them, the largest change, and if rounding explains it."""
        # tensors are shared: a fold makes new ones
        tensors = (*self._whole.parameters(), *self._whole.buffers())
        lean = deepcopy(self._whole, {id(tensor): tensor for tensor in tensors})
        for merge in taken:
            _make(lean, merge)
        pairs = zip(self._inputs, self._expected, strict=True)
        apart = [difference(answer, run(lean, one)) for one, answer in pairs]
        return lean, max(d for d, _ in apart), all(same for _, same in apart)

    def in_float64(self) -> _Trial | None:
        """The same where rounding is too small to be taken for a change.

        Deep networks amplify that of float32 to more than misuse may be told from. None
        of a network that computes in a precision of its own.
        """
        inputs = [mapped(_widened, one) for one in self._inputs]
        try:
            return _Trial(deepcopy(self._whole).double(), inputs)
        except (BadModel, RuntimeError):
            return None


def _widened(tensor: Tensor) -> Tensor:
    return tensor.double() if tensor.is_floating_point() else tensor


def _largest_sound(
    merges: Sequence[_Merge], sound: Callable[[Sequence[_Merge]], bool]
) -> list[_Merge]:
    """Those that can all be made; halves are tried, and halves of unsound halves."""
    kept: list[_Merge] = []
    waiting = [list(merges)]
    while waiting:
        part = waiting.pop()
        if sound([*kept, *part]):
            kept += part
        elif len(part) > 1:
            middle = len(part) // 2
            waiting += [part[middle:], part[:middle]]
    return kept


def _merges(model: nn.Module, found: Chart) -> tuple[list[_Merge], list[Left]]:
    """What can be folded, and what not and why."""
    owners = Counter(
        id(parameter)
        for module in model.modules()
        for parameter in module.parameters(recurse=False)
    )
    done: list[_Merge] = []
    left = [Left(path, "the example does not reach it") for path in found.unreached]
    for norm in found.norms:
        merge = _merge(model, norm, found.calls, owners)
        if isinstance(merge, str):
            left.append(Left(norm.path, merge))
        else:
            done.append(merge)
    return done, left


def _merge(
    model: nn.Module, norm: Norm, calls: dict[str, int], owners: Counter[int]
) -> _Merge | str:
    if norm.is_function:
        return f"{norm.kind} is called as a function, not as a module"
    if not norm.path:
        return "it is the whole network"
    if norm.calls != 1:
        return f"it runs {norm.calls} times, not once"
    module = model.get_submodule(norm.path)
    affine, rest = scale_and_shift(module, norm.shape, norm.axis), ()
    if affine is None and (parts := parted(module, norm.steps, norm.slot)):
        plain, rest = parts
        affine = scale_and_shift(plain, norm.shape, norm.axis)
    if affine is None:
        if hasattr(module, "running_mean") and module.running_mean is None:
            return "it keeps no running statistics to fold in"
        return f"a {norm.kind} is no scale and shift per feature at inference"

    def obstacle(layers: Sequence[str], others: Sequence[str]) -> str | None:
        if len(layers) != 1:
            return "no linear or convolutional layer feeds it directly"
        return _obstacle(model, layers[0], norm, calls, owners) or (
            f"the output of '{layers[0]}' is used elsewhere too: {others[0]}"
            if others
            else None
        )

    reason = obstacle(norm.feeders, norm.beside)
    if reason is None:
        return _Merge(Folded(norm.path, norm.feeders[0], rest), affine, forward=False)
    if len(norm.takers) == 1 and not norm.behind and not rest:
        (taker,) = norm.takers
        if not obstacle(norm.takers, ()) and _pads_nothing(model.get_submodule(taker)):
            return _Merge(Folded(norm.path, taker), affine, forward=True)
    return reason


def _obstacle(
    model: nn.Module,
    path: str,
    norm: Norm,
    calls: dict[str, int],
    owners: Counter[int],
) -> str | None:
    """Why a layer cannot take a norm in."""
    layer = model.get_submodule(path)
    kind = parametrize.type_before_parametrizations(layer)
    if kind not in _AFFINE:
        return f"'{path}' is a {kind.__name__}, which may use its weight otherwise"
    if calls[path] != 1:
        return f"'{path}' runs {calls[path]} times"
    if any(owners[id(parameter)] > 1 for parameter in layer.parameters()):
        return f"'{path}' shares its weight with another layer"
    axes = len(norm.shape)
    if kind is nn.Linear:
        fits = axes == 2 or norm.axis == -1
    else:
        fits = axes == len(cast("_Convolution", layer).kernel_size) + 2
        fits = fits and norm.axis == 1
    return None if fits else f"it normalises another axis than '{path}' puts out"


def _pads_nothing(layer: nn.Module) -> bool:
    """Whether what a layer computes at the border is computed from its input alone."""
    if isinstance(layer, nn.Linear):
        return True
    if not isinstance(layer, _Convolution):  # transposed: fewer taps at the border
        return False
    unpadded = layer.padding == "valid" or not any(
        layer._reversed_padding_repeated_twice
    )
    return unpadded or layer.padding_mode != "zeros"


def _make(model: nn.Module, merge: _Merge) -> None:
    """Fold one norm."""
    merge.edit.make(model)
    layer = cast("_Affine", model.get_submodule(merge.edit.layer))
    scale, shift = merge.affine
    weight, bias = layer.weight.double(), cast("Tensor", layer.bias).double()
    if merge.forward:
        inputs = weight.view(_groups(layer), -1, *weight.shape[1:])
        wide = (_groups(layer), 1, -1, *(1,) * (weight.dim() - 2))
        bias = bias + (inputs * shift.view(wide)).flatten(2).sum(2).flatten()
        weight = (inputs * scale.view(wide)).view_as(weight)
    else:
        bias = scale * bias + shift
        weight = _scaled(layer, weight, scale)
    for name, value in (("weight", weight), ("bias", bias)):
        held = getattr(layer, name)
        new = nn.Parameter(value.to(held), requires_grad=held.requires_grad)
        setattr(layer, name, new)


def _groups(layer: _Affine) -> int:
    return 1 if isinstance(layer, nn.Linear) else layer.groups


def _scaled(layer: _Affine, weight: Tensor, scale: Tensor) -> Tensor:
    """The weight times `scale` along its outputs."""
    if not isinstance(layer, _Transposed):
        return weight * scale.view(-1, *(1,) * (weight.dim() - 1))
    # (inputs, outputs of a group, ...): outputs are numbered group by group
    grouped = weight.view(layer.groups, -1, *weight.shape[1:])
    per_group = scale.view(layer.groups, 1, -1, *(1,) * (weight.dim() - 2))
    return (grouped * per_group).view_as(weight)
