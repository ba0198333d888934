"""Hook at what flows through a model, with hooks that cannot stay behind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from normlab.errors import BadModel

Hook = Callable[[Any], None]
"""Gets the very object that flows there, usually a tensor, still in its graph.

It may look and copy, not write. What it returns is ignored.
"""


@contextmanager
def tapped(
    model: nn.Module,
    *,
    inputs: Mapping[str, Hook] | None = None,
    outputs: Mapping[str, Hook] | None = None,
) -> Iterator[None]:
    """Call back with what enters and leaves named modules, inside the block only.

    Inputs are seen before the module runs, so one that works in place cannot
    change them first. What is compiled runs as it is written. Behind the block, also
    after an error, every hook is gone; a copy of the model made inside keeps dead hooks
    that call nobody.

    Args:
        model: Runs as it always does; the taps change nothing.
        inputs: Path of a module, to what looks at its first argument (None if it
            is called without any).
        outputs: Path of a module, to what looks at its result.

    Raises:
        BadModel: If the model has no module of such a path.

    Example:
        >>> import torch
        >>> net = nn.Sequential(nn.Flatten(), nn.ReLU())
        >>> with tapped(net, outputs={"0": lambda output: print(output.shape)}):
        ...     _ = net(torch.zeros(8, 1, 3, 3))
        torch.Size([8, 9])
    """
    switch = _Switch()
    handles: list[RemovableHandle] = []
    try:
        for path, look in (inputs or {}).items():
            hook = switch.before(look)
            module = _module(model, path)
            handles.append(module.register_forward_pre_hook(hook, with_kwargs=True))
        for path, look in (outputs or {}).items():
            hook = switch.after(look)
            handles.append(_module(model, path).register_forward_hook(hook))
        with uncompiled():
            yield
    finally:
        switch.live = False
        for handle in handles:
            handle.remove()


@contextmanager
def uncompiled() -> Iterator[None]:
    """Let networks run as they are written, whatever `torch.compile` made of them.

    A hook that is traced, or a second derivative, is beyond compiled code; and what is
    compiled while someone looks would be used, and limit what is compiled, afterwards.
    """
    if (
        "torch._dynamo" not in sys.modules
    ):  # then nothing is; to import it takes a second
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield


class _Switch:
    """Turns all hooks of one block off, those of deep copies too."""

    def __init__(self) -> None:
        self.live = True

    def before(self, look: Hook) -> Callable[..., None]:
        def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if self.live:
                look(next(iter((*args, *kwargs.values())), None))

        return hook

    def after(self, look: Hook) -> Callable[..., None]:
        def hook(_: nn.Module, __: tuple[Any, ...], output: Any) -> None:
            if self.live:
                look(output)

        return hook


def _module(model: nn.Module, path: str) -> nn.Module:
    try:
        return model.get_submodule(path)
    except AttributeError:
        known = ", ".join(name for name, _ in model.named_modules() if name)
        raise BadModel(
            f"the model has no module '{path}' to look at. It has: {known}."
        ) from None
