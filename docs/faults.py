"""What went wrong with the mathematics of a page: seen in its HTML.

    python docs/faults.py docs/_build/python.html

A formula that was not understood leaves its dollars in the text; one whose backslashes
were eaten has commands without them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_CODE = {"pre", "code", "script", "style", "title", "math"}
_EATEN = re.compile(
    r"(?<![A-Za-z])(?:frac|sum|sqrt|hat|bar|mu|sigma|gamma|beta|varepsilon|partial"
    r"|mathrm|operatorname|qquad|nabla|lVert|lambda|Phi|cdot)(?![a-z])"
)
_COMMAND = re.compile(r"\\[a-zA-Z]+")
_ALONE = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class _Texts(HTMLParser):
    """The text of a page without its code, and its formulas."""

    def __init__(self) -> None:
        super().__init__()
        self.plain: list[str] = []
        self.formulas: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _ALONE:
            self._open.append(tag)
        if tag == "math":
            self.formulas.append(dict(attrs).get("alttext") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag not in _ALONE and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not _CODE & {*self._open}:
            self.plain.append(data)


def faults(html: str) -> Iterator[str]:
    r"""Each formula that a reader would not see as one.

    Example:
        >>> list(faults("<p>costs <code>$x</code>, is $x$</p>"))[0]
        'a dollar in the text: costs , is $x$'
        >>> list(faults('<math alttext="frac12"><mi>f</mi></math>'))
        ['a backslash is missing: frac12']
    """
    texts = _Texts()
    texts.feed(html)
    text = "".join(texts.plain)
    for found in re.finditer(r"\$|\\[a-zA-Z]+", text):
        around = " ".join(text[max(0, found.start() - 40) : found.end() + 40].split())
        what = "dollar" if found[0] == "$" else "backslash"
        yield f"a {what} in the text: {around}"
    for formula in texts.formulas:
        if _EATEN.search(_COMMAND.sub("", formula)):
            yield f"a backslash is missing: {formula}"


if __name__ == "__main__":
    seen = [
        f"{name}: {fault}"
        for name in sys.argv[1:]
        for fault in faults(Path(name).read_text("utf-8"))
    ]
    print("\n".join(seen))
    sys.exit(bool(seen))
