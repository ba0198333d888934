"""How the documents are built: Sphinx, MyST, furo; examples are run by the tests."""

from importlib.metadata import version as version_of

project = "normlab"
author = "The normlab authors"
version = release = version_of("normlab")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
]
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_google_docstring = True

html_theme = "furo"
html_title = "normlab"
exclude_patterns = ["_build"]
