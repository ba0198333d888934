"""Names with more than one meaning, listed and counted in a checkout.

`python benchmarks/names.py [FOLDER] [--list]`, of this checkout or another one. The
text of `src/normlab` is read and nothing is imported. Counted are the public names of
classes, of functions (not methods) and of files that stand in several files, of which
one does not import the other. Where it does, both are steps of one thing: a probe and
the arrays that it keeps, or `run` of the command line and of the library.

A function that others only call with its file before it (`arrays.read`) is not counted:
the file is part of its name. Nor is what every file of a folder has by contract (a
claim's CLAIM, methods of an interface, `__init__`), nor are private names, which mean
something in one file alone.
"""

from __future__ import annotations

import argparse
import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path

Files = Mapping[str, ast.Module]
Places = dict[str, set[str]]
"""Names, and the files that they stand in."""


def read(root: Path) -> Files:
    """The files of the package by their dotted names."""
    source = root / "src"
    return {
        ".".join(path.relative_to(source).with_suffix("").parts): ast.parse(
            path.read_text(encoding="utf-8")
        )
        for path in sorted(source.glob("normlab/**/*.py"))
    }


def defined(files: Files, kind: type[ast.ClassDef | ast.FunctionDef]) -> Places:
    """What is defined at the top of files."""
    found: Places = defaultdict(set)
    for file, tree in files.items():
        for node in tree.body:
            if isinstance(node, kind):
                found[node.name].add(file)
    return found


def called(files: Files) -> Places:
    """The files by the last part of their names."""
    found: Places = defaultdict(set)
    for file in files:
        found[file.rpartition(".")[2]].add(file)
    return found


def imports(tree: ast.Module) -> Iterator[str]:
    """Dotted names of all that a file imports, and of the files that it is from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ambiguous(names: Places, imported: Places) -> Places:
    """The public names in files that know nothing of each other."""
    found: Places = defaultdict(set)
    for name, files in names.items():
        for one, other in combinations(files, 2):
            strangers = one not in imported[other] and other not in imported[one]
            if strangers and not name.startswith("_"):
                found[name] |= {one, other}
    return found


def main() -> None:
    """Print the counts, and with --list every name."""
    parser = argparse.ArgumentParser(description="Names with more than one meaning.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path())
    parser.add_argument("--list", action="store_true", help="every name")
    given = parser.parse_args()
    files = read(given.folder)
    imported = {file: set(imports(tree)) for file, tree in files.items()}
    alone = set().union(*imported.values())
    functions = {
        name: {file for file in of if f"{file}.{name}" in alone}
        for name, of in defined(files, ast.FunctionDef).items()
    }
    kinds = {
        "classes": defined(files, ast.ClassDef),
        "functions": functions,
        "files": called(files),
    }
    for kind, names in kinds.items():
        found = ambiguous(names, imported)
        print(f"{kind:9} {len(found):3} of {len(names)}")
        for name, of in sorted(found.items()) if given.list else ():
            short = sorted(file.removeprefix("normlab.") for file in of)
            print(f"    {name}: {', '.join(short)}")


if __name__ == "__main__":
    main()
