"""Constraints for pip: the lowest versions that pyproject.toml allows its users."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
pinned = dict(
    line.split("==")
    for line in Path("constraints.txt").read_text().splitlines()
    if "==" in line
)
extras = project["optional-dependencies"]
tools = {re.split("[>=[]", need)[0] for need in extras.pop("dev") + extras.pop("test")}
needs = [
    *project["dependencies"],
    *(need for extra in extras.values() for need in extra),
]
lowest = dict(need.split(">=") for need in needs)
lowest["torch"] = pinned["torch"]  # older builds for processors alone are hard to get
lowest |= {tool: pinned[tool] for tool in tools if tool in pinned}
print("\n".join(f"{name}=={version}" for name, version in lowest.items()))
