"""How the documents are built: Sphinx, MyST, furo; examples are run by the tests."""

import os
import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

sys.path.insert(0, str(Path(__file__).parent))

from faults import faults
from mathematics import restructured

project = "normlab"
author = "normlab contributors"
project_copyright = f"2026, {author}"
version = release = version_of("normlab")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "formulas",
]
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
default_role = "code"  # docstrings write `code` as Markdown does
autodoc_typehints = "description"
autodoc_typehints_format = "short"
autodoc_typehints_description_target = "documented_params"
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
python_use_unqualified_type_names = True
napoleon_google_docstring = True

OF_THE_ROOT = ("changelog", "contributing", "security")

SAMPLE = os.environ.get("NORMLAB_SAMPLE", "")  # a study folder: make docs SAMPLE=DIR

html_theme = "furo"
html_title = "normlab"
html_copy_source = False
html_math_renderer = "mathml"
html_static_path = ["static"]
html_css_files = ["pages.css"]
exclude_patterns = ["_build"]


def _mathematics(app: object, what: str, name: str, of: object, *rest: object) -> None:
    lines = rest[-1]
    assert isinstance(lines, list)
    lines[:] = restructured(lines)


def _no_alias(
    app: object, what: str, name: str, of: object, *rest: object
) -> bool | None:
    """Fields of a named tuple are told by its text; what Python says of them is not."""
    alias = (getattr(of, "__doc__", None) or "").startswith("Alias for field number")
    return True if alias else None


def _no_fields(app: object, domain: str, kind: str, content: nodes.Element) -> None:
    """What an error is made with is its text, every time."""
    if kind == "exception":
        for fields in list(content.findall(nodes.field_list)):
            fields.parent.remove(fields)


def _from_here(app: object, path: Path, name: str, text: list[str]) -> None:
    """Pages of the repository's root are linked as they are called here."""
    if name in OF_THE_ROOT:
        pages = "|".join(OF_THE_ROOT).upper()
        linked = re.sub(rf"\]\(({pages})\.md", lambda m: m[0].lower(), text[0])
        text[0] = linked.replace("](docs/", "](")


def _sample(app: Sphinx, failed: Exception | None) -> None:
    """The report of a study that was named, beside the page that speaks of it."""
    if SAMPLE and failed is None:
        from normlab.facade.result import Result
        from normlab.report.write import write

        write(Result.open(SAMPLE), Path(app.outdir, "sample.html"), force=True)


def _look(app: Sphinx, failed: Exception | None) -> None:
    """A page on which a formula went wrong is a warning, which `make docs` refuses."""
    if failed is None:
        for name in sorted(app.env.found_docs):
            page = Path(app.outdir, f"{name}.html").read_text("utf-8")
            for fault in faults(page):
                logging.getLogger(__name__).warning("%s: %s", name, fault)


def setup(app: Sphinx) -> None:
    """Docstrings are rewritten behind napoleon, whose priority is 500."""
    app.connect("autodoc-process-docstring", _mathematics, priority=600)
    app.connect("autodoc-skip-member", _no_alias)
    app.connect("object-description-transform", _no_fields, priority=600)
    app.connect("include-read", _from_here)
    app.connect("build-finished", _look)
    app.connect("build-finished", _sample)
    if SAMPLE:
        app.tags.add("sample")
