"""What a user passes as data, as something that examples can be taken from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils import data as data_of_torch
from torch.utils._pytree import tree_leaves, tree_map

from normlab.data.dataset import Dataset
from normlab.data.feed import Feed
from normlab.errors import BadData
from normlab.errors import described as told
from normlab.landscape.intake.batch import Batch, tensors
from normlab.landscape.intake.leaves import is_numbers, leaf, rows_of, tensor_of
from normlab.user_code import refusing


@dataclass(frozen=True)
class ExampleSource:
    """Examples to choose from.

    Attributes:
        size: How many there are.
        pick: Makes one batch of the examples of these numbers.
        is_pair: Whether a batch is a pair of inputs and targets.
        is_dataset: Whether it is read example by example, and may be large.
    """

    size: int
    pick: Callable[[Tensor], Batch]
    is_pair: bool
    is_dataset: bool

    def __len__(self) -> int:
        return self.size

    def take(self, order: Tensor, kind: torch.dtype) -> Batch:
        """Examples as tensors: real numbers in the network's type, targets as they are.

        Raises:
            BadData: If inputs are not finite, or examples make no tensor.
        """
        batch = self.pick(order)
        if not self.is_pair:
            return _in_type(batch, kind)
        inputs, targets = batch
        return _in_type(inputs, kind), targets


def source_of(data: Any, *, pair: bool) -> ExampleSource:
    """What can be chosen from.

    Args:
        data: With a loss a pair of inputs and targets, a dataset of such pairs, or a
            normlab `Dataset`, whose training part is taken. Inputs are a tensor or an
            array, a tuple of several, or a dict by the names of the model's arguments.
            With an objective any tensor, tuple or dict, or a dataset of anything.
        pair: Whether a loss needs inputs and targets.

    Raises:
        BadData: If it is none of that, or its parts do not fit together.
    """
    if isinstance(data, data_of_torch.DataLoader):
        raise BadData(
            "data: a DataLoader cuts batches of its own. Pass loader.dataset, and the"
            " size of its batches as batch_size."
        )
    if isinstance(data, Dataset):
        feed = Feed(data.train, data.mean, data.std)
        return ExampleSource(len(data.train), feed.take, is_pair=pair, is_dataset=True)
    if _is_dataset(data):
        return _from_dataset(data, pair=pair)
    return _from_arrays(data, pair=pair)


def _is_dataset(data: Any) -> bool:
    if isinstance(data, data_of_torch.Dataset):
        return True
    held = Tensor | np.ndarray | Mapping | Sequence
    indexed = hasattr(data, "__getitem__") and hasattr(data, "__len__")
    return indexed and not isinstance(data, held) and not hasattr(data, "to_numpy")


def _from_dataset(data: Any, *, pair: bool) -> ExampleSource:
    called = type(data).__name__
    with refusing(
        lambda error: BadData(f"data: {called} has no length ({told(error)}).")
    ):
        size = len(data) if hasattr(data, "__len__") else 0
    if not size:
        raise BadData(
            f"data: {called} has no length or no examples. Pass a dataset that can be"
            " indexed, or (inputs, targets)."
        )

    def example(i: int) -> Any:
        with refusing(
            lambda error: BadData(
                f"data: example {i} of {called} cannot be read ({told(error)})."
            )
        ):
            one = data[i]
        if pair and not (isinstance(one, tuple | list) and len(one) == 2):
            many = f" of {len(one)}" if isinstance(one, tuple | list) else ""
            raise BadData(
                f"data: an example of {called} is a {type(one).__name__}{many}, not a"
                " pair of input and target. Pass objective=f, where f(model, batch)"
                " gets batches of such examples, or (inputs, targets)."
            )
        return one

    def pick(order: Tensor) -> Batch:
        return _stacked([example(int(i)) for i in order])

    return ExampleSource(size, pick, is_pair=pair, is_dataset=True)


def _stacked(examples: list[Any]) -> Batch:
    """One batch of examples of the same structure."""
    first = examples[0]
    if isinstance(first, Mapping):
        if any(set(one) != set(first) for one in examples):
            raise BadData("data: not every example has the same keys.")
        return {key: _stacked([one[key] for one in examples]) for key in first}
    if isinstance(first, tuple | list) and not is_numbers(first):
        if any(len(one) != len(first) for one in examples):
            raise BadData("data: not every example has as many parts.")
        return tuple(_stacked(list(part)) for part in zip(*examples, strict=True))
    found = [leaf(one) for one in examples]
    values = [x if isinstance(x, Tensor) else tensor_of(x) for x in found]
    shapes = sorted({tuple(x.shape) for x in values})
    if len(shapes) > 1:
        raise BadData(
            f"data: examples have different shapes, {shapes[0]} and {shapes[-1]} among"
            " them. Cut or pad them to one."
        )
    return torch.stack(values)


def _from_arrays(data: Any, *, pair: bool) -> ExampleSource:
    if pair:
        tree = _pair(data)
    elif isinstance(data, Tensor | np.ndarray | Mapping | tuple | list):
        tree = _tree(data)
    else:
        tree = leaf(data)
    leaves = [x for x in tree_leaves(tree) if x is not None]
    if not leaves or any(not np.shape(x) or not len(x) for x in leaves):
        what = "(inputs, targets)" if pair else "tensors with a row for each example"
        raise BadData(f"data: there are no examples in it. Pass {what}.")
    sizes = sorted({len(x) for x in leaves})
    if len(sizes) > 1:
        if pair and len(leaves) == 2:
            x, y = leaves
            raise BadData(
                f"data: {len(x)} inputs for {len(y)} targets. Pass as many of both."
            )
        raise BadData(
            f"data: its tensors have {', '.join(map(str, sizes))} rows. Each needs one"
            " for every example."
        )

    def pick(order: Tensor) -> Batch:
        return tree_map(lambda x: None if x is None else rows_of(x, order), tree)

    return ExampleSource(sizes[0], pick, is_pair=pair, is_dataset=False)


def _pair(data: Any) -> tuple[Any, Any]:
    if isinstance(data, Mapping):
        raise BadData(
            "data: a dict is no pair of inputs and targets. Pass ({...}, targets),"
            " where the dict names the model's arguments, or objective=f, where"
            " f(model, batch) gets such dicts."
        )
    if not isinstance(data, tuple | list) or len(data) != 2:
        many = f" of {len(data)}" if isinstance(data, tuple | list) else ""
        raise BadData(
            "data: a pair of tensors or a normlab Dataset is needed, found"
            f" {type(data).__name__}{many}. Pass (inputs, targets)."
        )
    inputs, targets = data
    return _tree(inputs, size=_size(targets)), _tree(targets)


def _size(targets: Any) -> int | None:
    """How many targets there are, as far as that is plain."""
    leaves = [x for x in tree_leaves(targets) if isinstance(x, Tensor | np.ndarray)]
    rows = leaves[0] if leaves else targets
    return len(rows) if isinstance(rows, Tensor | np.ndarray | list) else None


def _tree(data: Any, size: int | None = None) -> Any:
    """The same structure of tensors and arrays."""
    if isinstance(data, Mapping):
        return {key: _tree(value) for key, value in data.items()}
    if isinstance(data, tuple) and not is_numbers(data):
        return tuple(_tree(value) for value in data)
    if isinstance(data, list) and _is_several(data, size):
        return tuple(_tree(value) for value in data)
    return None if data is None else leaf(data)


def _is_several(data: list[Any], size: int | None) -> bool:
    """Whether a list holds several inputs, not one input with an entry per example."""
    arrays = all(isinstance(x, Tensor | np.ndarray) and np.ndim(x) for x in data)
    return arrays and len(data) != size and bool(data)


def _in_type(batch: Batch, kind: torch.dtype) -> Batch:
    """Real and complex numbers in the network's precision."""
    for x in tensors(batch):
        if (x.is_floating_point() or x.is_complex()) and not torch.isfinite(x).all():
            raise BadData("data: the inputs hold values that are not finite.")

    def typed(x: Any) -> Any:
        if not isinstance(x, Tensor):
            return x
        if x.is_complex() and torch.finfo(kind).bits >= 32:
            return x.to(kind.to_complex())
        return x.to(kind) if x.is_floating_point() else x

    return tree_map(typed, batch)
