"""Networks that verbs have changed, in a file: their tensors, and what was changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from torch import nn

from normlab.errors import BadData, BadModel, NormlabError, described
from normlab.surgery.convert import norm_maker
from normlab.surgery.edits import Edit, Folded, Frozen, Inserted, Replaced
from normlab.surgery.report import Operated
from normlab.train.checkpoint import network_with_edits, save_network
from normlab.user_code import refusing

_EDITS: dict[str, type[Any]] = {
    "fold": Folded,
    "convert": Replaced,
    "insert": Inserted,
    "freeze": Frozen,
}


def save_converted(
    operated: Operated, path: Path, options: Mapping[str, Any] | None = None
) -> None:
    """Write what a verb has made: the tensors, and as JSON beside them its edits.

    Args:
        operated: What the verb has returned; of `convert` and `insert` with a norm that
            was given by its name.
        path: Where to, a `.safetensors` file.
        options: Of that norm, as the verb was given them.

    Raises:
        BadFolder: If it cannot be written.
    """
    report = operated.report
    step = {"verb": report.verb, "options": dict(options or {}), "edits": report.done}
    save_network(operated.model, path, edits=[step])


def load_converted(
    path: str | Path, make: Callable[[], nn.Module] | nn.Module
) -> nn.Module:
    """A network from a file that `normlab fold`, `convert` or `insert` has written.

    Args:
        path: The `.safetensors` file.
        make: Builds the network as it was before the verb; or that network, which is
            changed. Its numbers do not matter.

    Returns:
        The network with the same edits made, and the tensors of the file.

    Raises:
        BadData: If the file cannot be read, or tells of no edits.
        BadModel: If the network is another one.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import torch, normlab
        >>> make = lambda: nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
        >>> x = torch.ones(2, 4)
        >>> lean = normlab.fold(make(), x)
        >>> with TemporaryDirectory() as folder:
        ...     save_converted(lean, Path(folder) / "lean.safetensors")
        ...     again = load_converted(Path(folder) / "lean.safetensors", make)
        >>> torch.equal(again.eval()(x), lean.model(x))
        True
    """
    path = Path(path).expanduser()
    try:
        tensors, steps = network_with_edits(path)
    except OSError as error:
        raise BadData(f"{path}: cannot be read ({error.strerror}).") from None
    except NormlabError as damaged:
        raise BadData(str(damaged)) from None
    if not steps:
        raise BadData(
            f"{path} tells of no verb that made it. Load it by "
            "net.load_state_dict(safetensors.torch.load_file(path))."
        )
    model = make if isinstance(make, nn.Module) else make()
    for step in steps:
        verb, options, edits = _checked(path, step)

        def told(error: BaseException, verb: str = verb) -> NormlabError:
            return BadModel(
                f"{path}: its {verb} does not fit this network: {described(error)}. "
                "Build the network that the verb was given."
            )

        with refusing(told):
            for edit in edits:
                if isinstance(edit, Replaced | Inserted):
                    edit.make(model, norm_maker(edit.to, options)[1])
                else:
                    edit.make(model)
    with refusing(
        lambda error: BadModel(
            f"{path} does not fit the network: {described(error)}. Build the network "
            "that the verb was given."
        )
    ):
        model.load_state_dict(tensors)
    return model


def _checked(path: Path, step: object) -> tuple[str, dict[str, Any], list[Edit]]:
    """One verb as it was written, if it is of the form that is written."""
    try:
        known = TypeAdapter(dict[str, Any]).validate_python(step)
        kind = _EDITS[known["verb"]]
        options = TypeAdapter(dict[str, float]).validate_python(known["options"])
        one: TypeAdapter[Any] = TypeAdapter(kind)
        edits: list[Edit] = [one.validate_python(edit) for edit in known["edits"]]
    except (ValidationError, KeyError, TypeError) as error:
        raise BadData(
            f"{path}: what it says of verbs is not understood ({described(error)}). "
            "It was written by another version, or changed."
        ) from None
    whole = {n: int(v) if float(v).is_integer() else v for n, v in options.items()}
    return known["verb"], whole, edits
