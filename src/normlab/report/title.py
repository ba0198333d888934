"""What a study is called above its report: the norm, the network and the data."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, repeat
from math import prod
from typing import TYPE_CHECKING

from normlab.records.data_line import noted_data
from normlab.report.private import last_part
from normlab.spec.labels import NONE
from normlab.spec.names import PYTHON
from normlab.spec.nets import NETS
from normlab.spec.norms import FAMILIES

if TYPE_CHECKING:
    from normlab.spec.arms import Arm
    from normlab.spec.model import Model
    from normlab.spec.study import StudySpec

DATA = {
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "kmnist": "KMNIST",
    PYTHON: "data given from Python",
}
NETWORKS = {
    "mlp": "a fully connected network",
    "sigmoid": "a sigmoid network",
    "lenet": "LeNet",
    "resnet": "a residual network",
    PYTHON: "a network given from Python",
}


def title(spec: StudySpec, meta: Mapping[str, str]) -> str:
    """What is compared, in which network, on which data.

    Args:
        spec: Of the study.
        meta: Its facts; the sizes of layers need those of the data.

    Example:
        >>> from normlab.spec.study import StudySpec
        >>> facts = {"data": '{"shape": [1, 28, 28]}', "classes": "10"}
        >>> title(StudySpec(), facts)
        'What batch normalization changed: 784-512-256-10 on MNIST'
    """
    where = f"{_networks(spec, meta)} on {data_name(spec)}"
    norms = {_norm(arm) for arm in spec.arms if arm.norm != NONE}
    if not norms:
        return f"Training without normalization: {where}"
    what = norms.pop() if len(norms) == 1 else "normalization"
    return f"What {what} changed: {where}"


def data_name(spec: StudySpec) -> str:
    """A built-in set as it is written; of a file or a folder the name alone."""
    source = spec.data.source
    return DATA.get(source, last_part(source))


def _norm(arm: Arm) -> str:
    """In the long form of the field; a user's own as it is called."""
    if arm.own or arm.norm not in FAMILIES:
        return arm.own or arm.norm
    return FAMILIES[arm.norm].short.replace("norm", "normalization")


def _networks(spec: StudySpec, meta: Mapping[str, str]) -> str:
    """One name if all arms at all points have the same; else what kind they are."""
    names = {_network(arm.variant(spec.model), meta) for arm in spec.arms}
    swept = any(axis.key.startswith("model.") for axis in spec.sweep.axes)
    if len(names) == 1 and not swept:
        return names.pop()
    return NETWORKS.get(spec.model.name, last_part(spec.model.name))


def _network(model: Model, meta: Mapping[str, str]) -> str:
    shape, classes = noted_data(meta).get("shape"), meta.get("classes")
    if "width" in NETS.get(model.name, ()) and shape and classes:
        return "-".join(map(str, (prod(shape), *_hidden(model), classes)))
    return NETWORKS.get(model.name, last_part(model.name))


def _hidden(model: Model) -> list[int]:
    """Units of each hidden layer; the last default width repeats."""
    defaults = NETS[model.name]
    depth = model.depth or int(defaults["depth"])
    if model.width is not None:
        return [model.width] * depth
    widths = [int(w) for w in defaults["width"].split(", ") if w.isdecimal()]
    every = chain(widths, repeat(widths[-1]))
    return [width for _, width in zip(range(depth), every, strict=False)]
