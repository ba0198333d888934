"""Constraints for pip: the lowest versions that pyproject.toml allows its users."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
extras = project["optional-dependencies"]
users = [need for name in extras.keys() - {"dev", "test"} for need in extras[name]]
lowest = dict(need.split(">=") for need in [*project["dependencies"], *users])
# older builds for processors alone are hard to get
torch = re.search(r"^torch==.*$", Path("constraints.txt").read_text(), re.MULTILINE)
del lowest["torch"]
print(torch[0] if torch else "")
print("\n".join(f"{name}=={version}" for name, version in lowest.items()))
