"""Fill gallery.md from the figures that normlab draws, and draw their thumbnails.

    python docs/gallery.py                       # the text alone
    python docs/gallery.py DIR [DIR ...]         # and each figure, from these studies

Each figure is drawn from the first study that measured what it shows; one that none of
them measured keeps the thumbnail it has. `make pictures` trains four studies for it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from marks import filled
from PIL import Image

from normlab.errors import NormlabError, NotMeasured
from normlab.facade.result import Result
from normlab.figures.gallery import KINDS
from normlab.figures.kit.export import export_figures
from normlab.figures.kit.picture import SECTIONS, FigureKind, Picture

PAGE = Path(__file__).with_suffix(".md")
THUMBNAILS = PAGE.parent / "pictures" / "gallery"
WIDTH, COLOURS = 760, 64  # of a thumbnail: pixels, and how many colours it has


def entry(kind: FigureKind) -> Iterator[str]:
    """What a figure shows, how it looks, and the line that draws it."""
    yield from ("", f"### {kind.title}", "")
    yield from (_plain(kind.reading), "")
    if (THUMBNAILS / f"{kind.id}.png").exists():
        yield from (f"![{kind.title}](pictures/gallery/{kind.id}.png)", "")
    yield from ("```python", f'result.plot("{kind.id}")', "```")


def _plain(reading: str) -> str:
    """The sentence as Markdown, whose marks it does not mean."""
    return "".join(f"\\{c}" if c in "*_[]<>|$" else c for c in reading)


def content() -> str:
    """A part for each section with its figures in the order of a report."""
    lines: list[str] = []
    for section, title in SECTIONS.items():
        lines += ["", f"## {title}"]
        for kind in KINDS:
            if kind.section == section:
                lines += entry(kind)
    return "\n".join(lines)


def page(text: str) -> str:
    """The page with its figures as they are now."""
    return filled(text, "figures", content())


def drawn(results: Sequence[Result]) -> list[Picture]:
    """Each figure from the first result that has it."""
    pictures: dict[str, Picture] = {}
    for kind in KINDS:
        for result in results:
            try:
                pictures.setdefault(kind.id, result.plot(kind.id))
            except NotMeasured:
                continue
    return list(pictures.values())


def thumbnails(pictures: Sequence[Picture]) -> None:
    """A small file for each figure, with few colours."""
    with TemporaryDirectory() as temporary:
        THUMBNAILS.mkdir(parents=True, exist_ok=True)
        for path in export_figures(pictures, "png", Path(temporary)):
            image = Image.open(path).convert("RGB")
            height = round(image.height * WIDTH / image.width)
            small = image.resize((WIDTH, height), Image.Resampling.LANCZOS)
            target = THUMBNAILS / path.name
            small.quantize(COLOURS).save(target, optimize=True)
            print(f"written: {target}")


def main() -> int:
    """Draw what is asked for, and write the page; 2 if a folder holds no study."""
    try:
        pictures = drawn([Result.open(folder) for folder in sys.argv[1:]])
        if pictures:
            thumbnails(pictures)
    except NormlabError as refused:
        print(f"gallery.py: error: {refused}", file=sys.stderr)
        return 2
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
