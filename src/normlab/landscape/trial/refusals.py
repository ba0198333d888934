"""What to say where a network or a loss fails: any error may come out of a user's."""

from __future__ import annotations

from torch import nn

from normlab.errors import BadModel, NormlabError
from normlab.errors import described as told
from normlab.landscape.intake.batch import described
from normlab.landscape.intake.sample import Sample


def refused(net: nn.Module, sample: Sample, error: BaseException) -> NormlabError:
    """What to say where the network or the loss fails on the data."""
    if isinstance(error, NormlabError):
        return error
    reason = _reason(error)
    few = sample.first(2).batch
    if sample.is_pair:
        what = f"inputs {described(few[0])} and targets {described(few[1])}"
        how = "loss(model(x), y)"
    else:
        what, how = f"batches {described(few)}", "objective(model, batch)"
    if "grad" in reason:
        return BadModel(
            f"surface: {type(net).__name__} or the loss asks for a gradient ({reason}),"
            " but none are kept while outputs are measured. Pass objective=f, where"
            " f(model, batch) may ask for them."
        )
    return BadModel(
        f"surface: the model or the loss does not take the data, {what}: {reason}. Try"
        f" {how} on two examples."
    )


def refused_later(net: nn.Module, error: BaseException) -> NormlabError:
    """What to say where it fails although it took a few examples."""
    if isinstance(error, NormlabError):
        return error
    return BadModel(
        f"surface: {type(net).__name__} or the loss took a few examples but fails on"
        f" others, or at a point of the plane: {_reason(error)}. Try it on all of the"
        " data."
    )


def _reason(error: BaseException) -> str:
    return told(error).rstrip(".")
