from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

from normlab.records import environment
from normlab.records.environment import environment as found


def test_versions_are_those_of_the_installed_packages() -> None:
    facts = found()
    assert facts["torch"] == version("torch")
    assert facts["numpy"] == version("numpy")
    assert 1 <= int(facts["cores"]) <= (os.cpu_count() or 1)
    assert all(isinstance(value, str) and value for value in facts.values())


def test_the_processor_is_named_where_the_system_tells(tmp_path: Path) -> None:
    listing = tmp_path / "cpuinfo"
    listing.write_text("processor : 0\nmodel name\t: A: fast one\n")
    assert environment._processor(listing) == "A: fast one"
    assert environment._processor(tmp_path / "none")
