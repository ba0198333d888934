"""Draw the pictures of the README from two finished studies.

    python docs/pictures.py ARTICLE_DIR RATES_DIR

`make pictures` trains both studies first and then calls this. Each picture is an SVG
file in docs/pictures; what they show was measured by these studies and nothing else.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from normlab.errors import NormlabError
from normlab.facade.result import Result
from normlab.figures.kit.export import export_figures

HERE = Path(__file__).parent / "pictures"
OF_ARTICLE = ("surface-common", "one-neuron", "claims", "learning-curves")
OF_RATES = ("learning-rates",)


def main() -> int:
    """Write the files; 2 if a folder holds no such study."""
    parser = argparse.ArgumentParser(description="Draw the pictures of the README.")
    parser.add_argument("article", type=Path, help="folder of `normlab run`")
    parser.add_argument("rates", type=Path, help="of `normlab run learning-rates`")
    given = parser.parse_args()
    try:
        article, rates = Result.open(given.article), Result.open(given.rates)
        pictures = [article.plot(name) for name in OF_ARTICLE]
        pictures += [rates.plot(name) for name in OF_RATES]
        for path in export_figures(pictures, "svg", HERE, force=True):
            print(f"written: {path}")
    except NormlabError as refused:
        print(f"pictures.py: error: {refused}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
