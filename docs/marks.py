"""The part of a page that is made from the code: what stands between its two marks."""

from __future__ import annotations


def filled(page: str, name: str, content: str) -> str:
    """The page with that part as it is now.

    Args:
        page: The text of the whole page.
        name: Of the part; `<!-- NAME: begin -->` and `<!-- NAME: end -->` mark it.
        content: What stands between them.

    Raises:
        ValueError: If the page lacks a mark.

    Example:
        >>> print(filled("<!-- x: begin -->old<!-- x: end -->", "x", "new"))
        <!-- x: begin -->
        <BLANKLINE>
        new
        <BLANKLINE>
        <!-- x: end -->
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    above, found, rest = page.partition(begin)
    _, closed, below = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"the page has no marks {begin} and {end}")
    return f"{above}{begin}\n\n{content.strip()}\n\n{end}{below}"
