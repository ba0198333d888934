"""One forward pass, and what is seen at each place of the network meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from normlab.base.streams import stream
from normlab.base.taps import Hook, tapped
from normlab.probes.anatomy import SATURATING, Anatomy, ModuleCall
from normlab.probes.distribution import Values, percentiles
from normlab.probes.notes import Row
from normlab.probes.probe_mode import probe_mode_
from normlab.records.observed.activations import HiddenArrays, NormArrays
from normlab.records.observed.contract import Arrays, Place

MAX_FOLLOWED = 128  # units of a layer whose features are compared over time
EXTREME = 0.01  # a sigmoid nearer than that to 0 or 1 is saturated
_KEPT_OF_NORMS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "running_mean",
    "running_var": "running_var",
}


@dataclass(frozen=True)
class Seen:
    """What one pass showed; names as in the records."""

    row: Row = field(default_factory=dict)
    features: dict[Place, Tensor] = field(default_factory=dict)
    """The values of some units, `(units, images)`."""


def observe_pass(
    model: nn.Module, inputs: Tensor, anatomy: Anatomy, *, seed: int
) -> Seen:
    """Pass `inputs` through `model` with batch statistics and without noise.

    Args:
        model: In training, inside `preserved(model)`.
        inputs: `(images, ...)`.
        anatomy: Of the model.
        seed: Of the streams that choose units and positions.
    """
    probe_mode_(model)
    watch = _ActivationRecorder(model, anatomy, len(inputs), seed)
    with torch.no_grad(), watch.tapping():
        model(inputs)
    return watch.seen


class _ActivationRecorder:
    def __init__(
        self, model: nn.Module, anatomy: Anatomy, images: int, seed: int
    ) -> None:
        self._model = model
        self._anatomy = anatomy
        self._images = images
        self._seed = seed
        self._busy = False  # inside a look, which may call a module itself
        self.seen = Seen()

    def tapping(self) -> AbstractContextManager[None]:
        norms, hidden = self._anatomy.norms, self._anatomy.hidden
        enter = {p.path: self._look(p.path, norms, self._at_norm) for p in norms}
        at_hidden = {
            p.path: self._look(p.path, hidden, self._at_hidden) for p in hidden
        }
        if self._anatomy.seen_behind:
            return tapped(self._model, inputs=enter, outputs=at_hidden)
        return tapped(self._model, inputs=enter | at_hidden)

    def _look(
        self,
        path: str,
        places: tuple[ModuleCall, ...],
        note: Callable[[ModuleCall, Tensor], None],
    ) -> Hook:
        calls = 0

        def look(flowing: Any) -> None:
            nonlocal calls
            if self._busy:
                return
            calls += 1
            place = ModuleCall(path, calls)
            # what does not flow image by image has no units to speak of
            if place in places and _by_image(flowing, self._images):
                self._busy = True
                note(place, flowing.detach())
                self._busy = False

        return look

    def _at_hidden(self, place: ModuleCall, x: Tensor) -> None:
        values = self._values(place, x)
        if values is None:
            return
        at, module = self._at(place), self._model.get_submodule(place.path)
        mean, std = values.moments()
        followed = _followed(values.units, self._seed)
        self._keep(
            HiddenArrays,
            at,
            unit=torch.tensor(values.chosen_unit),
            chosen=followed,
            in_mean=mean,
            in_std=std,
            in_percentiles=percentiles(values.pooled()),
            in_unit_percentiles=percentiles(values.single),
            in_values=values.single,
        )
        if isinstance(module, SATURATING):
            share = _share_of_extremes(values, module)
            self._keep(HiddenArrays, at, saturated=share)
        else:
            self._keep(HiddenArrays, at, dead=values.by_unit.amax(dim=(0, 2)) <= 0)
        self.seen.features[at] = values.features(followed)

    def _at_norm(self, place: ModuleCall, x: Tensor) -> None:
        at, norm = self._at(place), self._model.get_submodule(place.path)
        for name, what in _KEPT_OF_NORMS.items():
            tensor = getattr(norm, name, None)
            if isinstance(tensor, Tensor):
                # a copy, and first: the averages are about to take up this batch
                own = tensor.detach().clone().reshape(-1)
                self._keep(NormArrays, at, **{what: own})
        values, xhat = self._values(place, x), self._values(place, normalised(norm, x))
        if values is None or xhat is None:
            return
        (x_mean, x_std), (xhat_mean, xhat_std) = values.moments(), xhat.moments()
        self._keep(
            NormArrays,
            at,
            unit=torch.tensor(values.chosen_unit),
            x_mean=x_mean,
            x_std=x_std,
            x_values=values.single,
            xhat_mean=xhat_mean,
            xhat_std=xhat_std,
            xhat_values=xhat.single,
        )

    def _keep(self, kind: type[Arrays], at: Place, **values: Tensor) -> None:
        self.seen.row.update(kind.row(at, **values))

    def _values(self, place: ModuleCall, x: Tensor) -> Values | None:
        axis = self._anatomy.unit_axis.get(place)
        # rather nothing than positions shown as units
        return None if axis is None else Values.of(x, axis=axis, seed=self._seed)

    def _at(self, place: ModuleCall) -> Place:
        return Place(self._anatomy.places.index(place), str(place))


def _by_image(flowing: Any, images: int) -> bool:
    """Whether it is a tensor of numbers that are not counts, with a row per image."""
    if not isinstance(flowing, Tensor) or flowing.dim() < 2 or len(flowing) != images:
        return False
    return flowing.is_floating_point() or flowing.is_complex()


def normalised(norm: nn.Module, x: Tensor) -> Tensor:
    """What `norm` makes of `x` before its gain and shift."""
    neutral = {"weight": torch.ones_like, "bias": torch.zeros_like}
    own = dict(norm.named_parameters(recurse=False))
    plain = {name: fill(own[name]) for name, fill in neutral.items() if name in own}
    return functional_call(norm, plain, (x,))


def _followed(units: int, seed: int) -> Tensor:
    order = torch.randperm(units, generator=stream(seed, "followed"))
    return order[:MAX_FOLLOWED].sort().values


def _share_of_extremes(values: Values, module: nn.Module) -> Tensor:
    # tanh(x) = 2 sigmoid(2 x) - 1
    reach = values.by_unit if isinstance(module, nn.Sigmoid) else 2 * values.by_unit
    extreme = (torch.sigmoid(reach) - 0.5).abs() > 0.5 - EXTREME
    return extreme.float().mean(dim=(0, 2))
