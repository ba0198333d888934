"""A study.toml to start from."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from normlab.spec import toml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from normlab.experiments.experiment import Experiment

_WIDTH = 86


def template(experiment: Experiment, *, full: bool = False) -> str:
    """The experiment as a study.toml: every setting, with a comment beside each.

    What stands above them says what the experiment tests, and how to go on.

    Example:
        >>> from normlab.experiments.registry import experiment
        >>> print(template(experiment("depth")).splitlines()[0])
        # Up to which depth does a plain network train, with and without batch norm?
    """
    return "\n".join(
        ["\n".join(_head(experiment)), toml.dumps(experiment.spec(full=full))]
    )


def _head(experiment: Experiment) -> Iterator[str]:
    yield f"# {experiment.title}"
    yield "#"
    if experiment.statements:
        yield "# What was stated, and is tested:"
        for statement in experiment.statements:
            first, *rest = wrap(f"{statement.says} ({statement.source})", _WIDTH - 4)
            yield from (f"# - {first}", *(f"#   {line}" for line in rest))
        yield "#"
    yield from (f"# {line}" for line in wrap(experiment.differs, _WIDTH - 2))
    yield "#"
    yield "# Lines that you leave out keep their defaults. Run it with:"
    yield "#   normlab run study.toml"
    yield '# Other arms: add a table [[arms]], e.g. norm = "ghost(chunk=8)".'
    yield '# Several values of a key: under [sweep], "recipe.batch_size" = [16, 64].'
    yield '# Own data and networks: files beside this one, data.source = "digits.npz"'
    yield '# and model.name = "net.py:make".'
    yield ""
