"""Mathematics of docstrings, written `$...$`, as reStructuredText has it.

Sphinx reads docstrings as reStructuredText, which takes a dollar for itself and eats
backslashes. Text in backquotes and lines that run stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_PIECE = re.compile(
    r"``.*?``|`[^`]*`|^[ ]*(?:>>>|\.\.\.) [^\n]*"
    r"|^(?P<indent>[ ]*)\$\$(?P<display>.+?)\$\$|\$(?P<inline>[^$]+)\$",
    re.DOTALL | re.MULTILINE,
)


def restructured(lines: Iterable[str]) -> list[str]:
    r"""The lines with every formula as a role or, if displayed, as a directive.

    Example:
        >>> restructured([r"The mean is $\bar x$, of `$n$` values."])
        ['The mean is :math:`\\bar x`, of `$n$` values.']
        >>> restructured(["Is", "", "  $$a", "  + b$$", "", "in nats."])
        ['Is', '', '  .. math::', '', '     a + b', '', '', 'in nats.']
    """
    return _PIECE.sub(_written, "\n".join(lines)).split("\n")


def _written(found: re.Match[str]) -> str:
    if found["display"]:
        indent, formula = found["indent"], " ".join(found["display"].split())
        return f"{indent}.. math::\n\n{indent}   {formula}\n"
    if found["inline"]:
        # a role begins and ends at a boundary of words
        before = "\\ " if found.string[: found.start()][-1:].isalnum() else ""
        after = "\\ " if found.string[found.end() :][:1].isalnum() else ""
        formula = " ".join(found["inline"].split())
        return f"{before}:math:`{formula}`{after}"
    return found[0]
