"""Where tensors live: the device that a study names, if this machine has it."""

from __future__ import annotations

import torch

from normlab.errors import BadSetting


def device_called(name: str) -> torch.device:
    """The device `name`: cpu, cuda, cuda:N, mps, or auto for the best there is.

    Raises:
        BadSetting: If this machine does not have it.

    Example:
        >>> device_called("cpu")
        device(type='cpu')
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
        name = "mps" if torch.backends.mps.is_available() else name
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise BadSetting(
            f"execution.device = '{name}': torch sees {torch.cuda.device_count()} CUDA "
            f"devices here. Use --device cpu, or auto."
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise BadSetting(
            "execution.device = 'mps' is not available here. Use --device cpu, or auto."
        )
    return device
