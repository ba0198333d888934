"""Names of parameters without what wrappers put around a network."""

from __future__ import annotations

from collections.abc import Collection, Iterator

INSIDE = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
"""Put into the names of any module by torch.compile, FSDP and checkpointing."""
AROUND = ("module", "model")
"""Put before all names by DataParallel and AveragedModel, and by Lightning."""
COUNTER = "n_averaged"
"""What AveragedModel has beside the network."""


def bare_names(names: Collection[str]) -> dict[str, str]:
    """Each name, and what the network inside of all wrappers calls it.

    Args:
        names: Of all tensors of a network; `module` and `model` count as wrappers
            where every name begins with them.

    Example:
        >>> bare_names(["module.fc.weight", "module.fc.bias"])
        {'module.fc.weight': 'fc.weight', 'module.fc.bias': 'fc.bias'}
        >>> bare_names(["model.fc.weight", "head._orig_mod.weight"])
        {'model.fc.weight': 'model.fc.weight', 'head._orig_mod.weight': 'head.weight'}
    """
    bare = {name: _unwrapped(name) for name in names}
    while around := _around([name for name in bare.values() if name != COUNTER]):
        bare = {name: short.removeprefix(around) for name, short in bare.items()}
    return bare


def inner_names(names: Collection[str]) -> dict[str, str]:
    """Each name without what all of them begin with: a wrapper of one's own, too.

    Args:
        names: Of the tensors that tell one network from another.

    Example:
        >>> inner_names(["net.fc1.weight", "net._orig_mod.fc2.weight"])
        {'net.fc1.weight': 'fc1.weight', 'net._orig_mod.fc2.weight': 'fc2.weight'}
        >>> inner_names(["0.weight", "2.weight"])
        {'0.weight': '0.weight', '2.weight': '2.weight'}
    """
    inner = bare_names(names)
    while (shared := {short.partition(".")[0] for short in inner.values()}) and (
        len(shared) == 1 and all("." in short for short in inner.values())
    ):
        inner = {name: short.partition(".")[2] for name, short in inner.items()}
    return inner


def matched(names: Collection[str], own: Collection[str]) -> dict[str, str]:
    """By name what a network itself calls the tensor; without those it has not.

    Args:
        names: As another network or a file has them, with or without the prefixes
            of wrappers.
        own: All names of the network, likewise.

    Example:
        >>> matched(["module.fc.weight", "epoch"], ["fc.weight"])
        {'module.fc.weight': 'fc.weight'}
        >>> matched(["fc.weight"], ["_orig_mod.fc.weight"])
        {'fc.weight': '_orig_mod.fc.weight'}
    """
    by_bare = {bare: full for full, bare in bare_names(own).items()}
    found: dict[str, str] = {}
    for name in names:
        if name in own:
            found[name] = name
            continue
        known = (by_bare[short] for short in _candidates(name) if short in by_bare)
        if (full := next(known, None)) is not None and full not in names:
            found[name] = full
    return found


def _candidates(name: str) -> Iterator[str]:
    """The name with fewer and fewer prefixes."""
    short = _unwrapped(name)
    yield short
    while short.startswith(tuple(f"{word}." for word in AROUND)):
        short = short.partition(".")[2]
        yield short


def _unwrapped(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in INSIDE)


def _around(names: Collection[str]) -> str:
    """The prefix of a wrapper that all names have; empty if there is none."""
    for prefix in (f"{word}." for word in AROUND):
        if names and all(name.startswith(prefix) for name in names):
            return prefix
    return ""
