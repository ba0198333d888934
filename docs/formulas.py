"""Formulas as MathML, which browsers draw themselves: no script, nothing fetched."""

from __future__ import annotations

import re
from html import escape, unescape
from xml.etree import ElementTree

from docutils import nodes
from docutils.utils.math import MathError, latex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

_NAMED = re.compile(r"&(?!lt;|gt;|amp;)\w+;")  # XML has no other names
_ACCENTS = "ˆˉ˜"
_SPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'  # HTML knows it without


def mathml(formula: str, *, block: bool = False) -> str:
    r"""A formula of LaTeX's as MathML, which keeps it in words for those who listen.

    Raises:
        MathError: If it has a command that is not known.

    Example:
        >>> mathml(r"\hat x_i").partition("</mover>")[2].split()
        ['<mi>i</mi>', '</msub>', '</math>']
    """
    text = latex2mathml.tex2mathml(formula, as_block=block)
    text = _NAMED.sub(lambda named: unescape(named[0]), text.replace(_SPACE, "", 1))
    made = ElementTree.fromstring(text)
    for part in made.iter("munderover"):
        _index_beside(part)
    made.set("class", "formula")
    made.set("alttext", formula)
    return ElementTree.tostring(made, encoding="unicode")


def _index_beside(part: ElementTree.Element) -> None:
    """The index of an accented letter, which docutils sets below it."""
    letter, index, accent = part
    if (accent.text or "") in _ACCENTS:
        over = ElementTree.Element("mover")
        over.extend((letter, accent))
        part[:] = over, index
        part.tag = "msub"


def _inline(translator: object, node: nodes.math) -> None:
    _write(translator, node, block=False)


def _block(translator: object, node: nodes.math_block) -> None:
    _write(translator, node, block=True)


def _write(translator: object, node: nodes.Element, *, block: bool) -> None:
    try:
        made = mathml(node.astext(), block=block)
    except MathError as refused:
        logging.getLogger(__name__).warning("%s", refused, location=node)
        made = f"<code>{escape(node.astext())}</code>"
    body = getattr(translator, "body")  # noqa: B009 - Sphinx's translator is untyped
    body.append(f'<div class="formula">{made}</div>' if block else made)
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """The renderer that conf.py chooses."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
