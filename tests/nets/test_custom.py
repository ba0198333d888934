"""A user's own network from a file, and everything that can be wrong with it."""

from __future__ import annotations

import hashlib
import pickle
import subprocess
import sys
from pathlib import Path

import cloudpickle
import pytest
import torch
from torch import nn

from normlab.base.streams import seeded
from normlab.errors import BadModel
from normlab.nets.custom import Factory, from_address, takes_norm
from normlab.norms.registry import maker

SOURCE = """\
from __future__ import annotations
from dataclasses import dataclass
import torch
from torch import nn

WIDTH = 8


@dataclass
class Sizes:
    width: int = WIDTH


class Net(nn.Module):
    def __init__(self, norm, inputs, classes):
        super().__init__()
        self.fc1 = nn.Linear(inputs, Sizes().width)
        self.norm1 = norm(Sizes().width)
        self.fc2 = nn.Linear(Sizes().width, classes)

    def forward(self, x):
        return self.fc2(torch.relu(self.norm1(self.fc1(x))))


def make(norm):
    return Net(norm, 4, 3)


def asks(norm, shape, classes):
    return Net(norm, shape[0], classes)


def asks_classes(norm, *, classes, width=5):
    return Net(norm, 4, classes)


def by_keyword(*, norm):
    return Net(norm, 4, 3)


def by_another_name(make_norm, shape):
    return Net(make_norm, shape[0], 3)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my_net.py"
    path.write_text(SOURCE)
    return path


def write(path: Path, source: str) -> str:
    path.write_text(source)
    return f"{path}:make"


def built(factory: Factory, *, classes: int = 3) -> nn.Module:
    with seeded(0, "init"):
        return factory.build(maker("batch"), (4,), classes)


@pytest.mark.parametrize(
    "name", ["make", "asks", "asks_classes", "by_keyword", "by_another_name"]
)
def test_a_factory_gets_what_it_asks_for(file: Path, name: str) -> None:
    assert built(from_address(f"{file}:{name}"))(torch.ones(2, 4)).shape == (2, 3)


def test_shape_and_classes_come_from_the_data(file: Path) -> None:
    factory = from_address(f"{file}:asks")
    with seeded(0, "init"):
        model = factory.build(maker("none"), (6,), 5)
    assert model(torch.ones(2, 6)).shape == (2, 5)


def test_a_class_is_a_factory_too(tmp_path: Path) -> None:
    source = SOURCE + "\nclass make(Net):\n    def __init__(self, norm):\n"
    source += "        super().__init__(norm, 4, 3)\n"
    assert built(from_address(write(tmp_path / "net.py", source))).fc2.out_features == 3


def test_reading_executes_nothing(tmp_path: Path) -> None:
    assert from_address(write(tmp_path / "net.py", "1 / 0")).name == "make"


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_bytes("# größer\r\nmake = None\r\n".encode())
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    assert from_address(f"{path}:make").code.sha256 == expected


def test_nothing_stays_in_the_import_system(file: Path) -> None:
    modules, search = set(sys.modules), list(sys.path)
    built(from_address(f"{file}:make"))
    assert set(sys.modules) == modules
    assert sys.path == search


def test_a_file_can_import_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "neighbour_of_net.py").write_text("WIDTH = 3\n")
    source = "from torch import nn\nfrom neighbour_of_net import WIDTH\n"
    source += "def make(norm):\n    return nn.Linear(4, WIDTH)\n"
    assert built(from_address(write(tmp_path / "net.py", source))).out_features == 3
    sys.modules.pop("neighbour_of_net")


def test_a_factory_travels_as_text_and_outlives_its_file(file: Path) -> None:
    factory = from_address(f"{file}:make")
    built(factory)
    sent = pickle.dumps(factory)
    file.unlink()
    received = pickle.loads(sent)  # noqa: S301
    assert received == factory
    one, other = built(factory).state_dict(), built(received).state_dict()
    assert all(one[name].equal(other[name]) for name in one)


def test_a_built_model_travels_to_another_process(file: Path) -> None:
    model = built(from_address(f"{file}:make")).eval()
    code = (
        "import sys, pickle, torch; torch.set_num_threads(1);"
        "model = pickle.load(sys.stdin.buffer);"
        "print(model(torch.ones(1, 4)).tolist())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        input=cloudpickle.dumps(model),
        capture_output=True,
        check=True,
    )
    assert ran.stdout.decode().strip() == str(model(torch.ones(1, 4)).tolist())


ADDRESSES = [
    ("net.py", "model 'net.py' is not of the form FILE.py:factory"),
    ("net:make", "there is no module 'net' here. Start in the folder that holds it"),
    ("os.nope:make", "Python's own and holds no network"),
    ("n-t:make", "not of the form FILE.py:factory or package.module:factory"),
    ("net.py:a b", "not of the form FILE.py:factory"),
    (":make", "not of the form FILE.py:factory"),
    ("/nowhere/net.py:make", "model file /nowhere/net.py does not exist"),
]


@pytest.mark.parametrize(("address", "text"), ADDRESSES)
def test_an_address_that_leads_nowhere_is_refused(address: str, text: str) -> None:
    with pytest.raises(BadModel, match=text):
        from_address(address)


def test_a_folder_is_no_model_file(tmp_path: Path) -> None:
    (tmp_path / "net.py").mkdir()
    with pytest.raises(
        BadModel, match=r"net\.py cannot be read: a folder, not a regular file"
    ):
        from_address(f"{tmp_path}/net.py:make")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_bytes(b"# \xff")
    with pytest.raises(BadModel, match=r"net.py is not UTF-8 text \(byte 2\)"):
        from_address(f"{tmp_path}/net.py:make")


MAKE = "def make(norm):\n    "
BROKEN = [
    ("import no_such_thing", "net.py, line 1: its import failed with ModuleNotFound"),
    ("x = 1\n\nx.y", "net.py, line 3: its import failed with AttributeError: 'int'"),
    ("def make(norm:\n  pass", "net.py, line 1: its import failed with SyntaxError"),
    ("raise SystemExit(3)", "line 1: its import failed with SystemExit: 3"),
    ("def other(norm):\n    pass", "defines no 'make'. It defines: other."),
    ("from math import prod\nmake = 3", "defines no 'make'. It defines: no func"),
    (
        "def make():\n    pass",
        "called as make.norm.*but got an unexpected|but too many",
    ),
    ("make = dict", "called as make.norm.*but no signature found"),
    ("def make(norm, depth):\n    pass", "missing a required argument: 'depth'. Give"),
    (MAKE + "norm.x", r"line 2: make\(norm\) failed with AttributeError: 'function'"),
    (MAKE + "raise ValueError('a\\nb')", "failed with ValueError: a b$"),
    (MAKE + "return norm(0)", "net.py:make: a norm needs at least 1 feature"),
    (MAKE + "pass", r"the factory returned nothing \(None\) where a torch.nn.Module"),
    (MAKE + "return 3", "the factory returned a int where a torch.nn.Module was"),
]


@pytest.mark.parametrize(("source", "text"), BROKEN)
def test_what_is_wrong_with_a_file_is_said_in_one_line(
    tmp_path: Path, source: str, text: str
) -> None:
    factory = from_address(write(tmp_path / "net.py", source))
    with pytest.raises(BadModel, match=text) as refused:
        built(factory)
    assert "\n" not in str(refused.value)


def test_an_interrupt_goes_through(tmp_path: Path) -> None:
    factory = from_address(write(tmp_path / "net.py", "raise KeyboardInterrupt"))
    with pytest.raises(KeyboardInterrupt):
        factory.load()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package in the current folder, with relative imports; of a name of its own."""
    name = f"pkg_{tmp_path.name.rpartition('_')[2]}_{abs(hash(str(tmp_path)))}"
    inner = tmp_path / name / "inner"
    inner.mkdir(parents=True)
    (tmp_path / name / "__init__.py").write_text("")
    (inner / "__init__.py").write_text("")
    (inner / "blocks.py").write_text("WIDTH = 5\n")
    (inner / "nets.py").write_text(
        "from torch import nn\nfrom .blocks import WIDTH\n"
        "def make(norm_layer=None, depth=1, num_classes=2):\n"
        "    layers = [nn.Linear(4, WIDTH) for _ in range(depth)]\n"
        "    return nn.Sequential(*layers, norm_layer(WIDTH, eps=0.5))\n"
    )
    monkeypatch.chdir(tmp_path)
    yield name
    for module in [one for one in sys.modules if one.startswith(name)]:
        del sys.modules[module]


def of_package(name: str, *, module: bool) -> Factory:
    address = f"{name}.inner.nets" if module else f"{name}/inner/nets.py"
    return from_address(f"{address}:make", {"depth": 3})


@pytest.mark.parametrize("module", [True, False])
def test_a_factory_in_a_package_may_import_relatively_and_gets_its_options(
    package: str, *, module: bool
) -> None:
    before = sys.path.copy()
    factory = of_package(package, module=module)
    assert package not in sys.modules  # found without being imported
    assert factory.takes_norm
    with seeded(0, "init"):
        model = factory.build(maker("batch"), (4,), 2)
    assert len(model) == 4
    assert isinstance(model[3], nn.BatchNorm1d) and model[3].eps == 0.5
    assert f"{package}/inner/blocks.py" in factory.code.neighbours()
    assert sys.path == before


def test_a_norm_layer_is_as_wide_as_the_examples_have_axes(package: str) -> None:
    factory = of_package(package, module=True)
    with seeded(0, "init"):
        norm = factory.build(maker("batch"), (3, 8, 8), 2)[3]
    assert isinstance(norm, nn.BatchNorm2d)


def test_an_option_that_is_no_parameter_is_refused(package: str) -> None:
    factory = from_address(f"{package}.inner.nets:make", {"depht": 3})
    with pytest.raises(BadModel, match=r"no parameter 'depht'.* norm_layer, depth"):
        factory.build(maker("batch"), (4,), 2)


def test_a_module_without_the_factory_says_what_it_defines(package: str) -> None:
    with pytest.raises(BadModel, match=r"defines no 'nope'. It defines: make"):
        from_address(f"{package}.inner.nets:nope").load()


def test_a_network_in_place_of_a_factory_is_refused(tmp_path: Path) -> None:
    source = "from torch import nn\nmake = nn.Linear(2, 2)\n"
    with pytest.raises(BadModel, match="a network that was built already"):
        from_address(write(tmp_path / "net.py", source)).load()


def test_a_norm_layer_with_a_norm_of_its_own_keeps_it() -> None:
    assert not takes_norm(lambda norm_layer=nn.LayerNorm, num_classes=2: 0)
    assert takes_norm(lambda block, norm_layer=None: 0)
    assert not takes_norm(lambda depth, num_classes=2: 0, {"depth": 3})
