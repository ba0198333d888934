"""Any study that can be described, for laws."""

from __future__ import annotations

from hypothesis import strategies as st

from normlab.spec.arms import NORMS, Arm
from normlab.spec.data import Data
from normlab.spec.model import Model
from normlab.spec.recipe import Recipe
from normlab.spec.study import Execution, StudySpec
from normlab.spec.surfaces import Surfaces

numbers = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(min_value=0, max_value=1000, exclude_min=True)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}", fullmatch=True)
lines = st.text(min_size=1, max_size=40).filter(
    lambda text: text.isprintable() and text.strip() != ""
)
statistics = st.none() | st.integers(1, 4).flatmap(
    lambda n: st.tuples(
        st.lists(numbers, min_size=n, max_size=n),
        st.lists(numbers.filter(lambda x: x > 0), min_size=n, max_size=n),
    )
)


@st.composite
def data(draw: st.DrawFn) -> Data:
    given = draw(statistics)
    mean, std = given or (None, None)
    return Data(
        source=draw(lines),
        validation=draw(st.none() | st.integers(0, 10**8)),
        training=draw(st.none() | st.integers(1, 10**8)),
        binarize=draw(st.booleans()),
        image_size=draw(st.none() | st.integers(1, 4096)),
        color=draw(st.none() | st.booleans()),
        augment=draw(st.sampled_from([None, "freeze", "live"])),
        mean=mean,
        std=std,
    )


recipes = st.builds(
    Recipe,
    optimizer=st.sampled_from(["sgd", "adam", "adamw", "python"]),
    rates=st.lists(positive, min_size=1, max_size=4, unique=True),
    momentum=st.floats(0, 1, exclude_max=True),
    weight_decay=st.floats(0, 1000),
    decay_norms=st.booleans(),
    schedule=st.sampled_from(["constant", "step", "cosine"]),
    step_every=st.integers(1, 100_000),
    step_factor=st.floats(0, 1, exclude_min=True),
    warmup=st.integers(0, 10**9),
    batch_size=st.integers(1, 10**6),
    last_batch=st.sampled_from(["keep", "drop"]),
    epochs=st.integers(1, 100_000),
)
executions = st.builds(
    Execution,
    workers=st.none() | st.integers(1, 1024),
    threads=st.integers(1, 1024),
    device=st.sampled_from(["cpu", "cuda", "cuda:3", "mps", "auto"]),
)
surfaces = st.builds(
    Surfaces,
    planes=st.lists(
        st.sampled_from(["common", "path", "random"]), min_size=1, unique=True
    ),
    statistics=st.lists(
        st.sampled_from(["batch", "full", "recalibrated", "running"]),
        min_size=1,
        unique=True,
    ),
    seeds=st.integers(0, 1),
    points=st.integers(1, 500).map(lambda half: 2 * half + 1),
    examples=st.integers(1, 10**9),
    exact=st.booleans(),
)
norms = st.sampled_from(
    [*NORMS, "ghost(chunk=8)", "group(groups=4)", "noisy(shift=0,scale=2,jitter=0.3)"]
)
arms = st.lists(
    st.builds(Arm, name=names, norm=norms),
    min_size=1,
    max_size=4,
    unique_by=lambda arm: arm.name.casefold(),
)
models = st.builds(
    Model, name=st.sampled_from(["mlp", "resnet", "python", "a b/ä.py:build"])
)
sweeps = st.sampled_from(
    [
        {},
        {"recipe.batch_size": [2, 8]},
        {"recipe.decay_norms": [True, False]},
        {"recipe.momentum": [0.0, 0.5, 0.9]},
        {"model.name": ["mlp", "lenet"]},
    ]
)
studies = st.builds(
    StudySpec,
    experiment=names,
    data=data(),
    model=models,
    recipe=recipes,
    sweep=sweeps,
    surfaces=surfaces,
    execution=executions,
    arms=arms,
    seeds=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=5, unique=True),
    measure=st.sampled_from(["none", "light", "full"]),
)
