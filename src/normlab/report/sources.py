"""Where what is said of batch norm was published, for whoever reads a report."""

from __future__ import annotations

import re
from typing import NamedTuple

from markupsafe import Markup, escape

_ARXIV = re.compile(r"arXiv (\d{4}\.\d{5})")


class Source(NamedTuple):
    """One publication."""

    text: str
    url: str
    """Empty if it has no address that lasts."""


SOURCES = (
    Source(
        "Ioffe and Szegedy: Batch Normalization: Accelerating Deep Network Training by "
        "Reducing Internal Covariate Shift. 2015.",
        "https://arxiv.org/abs/1502.03167",
    ),
    Source(
        "Santurkar, Tsipras, Ilyas and Madry: How Does Batch Normalization Help "
        "Optimization? 2018.",
        "https://arxiv.org/abs/1805.11604",
    ),
    Source(
        "Bjorck, Gomes, Selman and Weinberger: Understanding Batch Normalization. "
        "2018.",
        "https://arxiv.org/abs/1806.02375",
    ),
    Source(
        "Li, Xu, Taylor, Studer and Goldstein: Visualizing the Loss Landscape of "
        "Neural Nets. 2018.",
        "https://arxiv.org/abs/1712.09913",
    ),
    Source(
        "Ghorbani, Krishnan and Xiao: An Investigation into Neural Net Optimization "
        "via Hessian Eigenvalue Density. 2019.",
        "https://arxiv.org/abs/1901.10159",
    ),
    Source(
        "Madushanka: Batch Normalization in Neural Networks. zero-to (Medium), 2024.",
        "",
    ),
    Source(
        "Holm: A Simple Sequentially Rejective Multiple Test Procedure. Scandinavian "
        "Journal of Statistics 6, 65-70, 1979.",
        "https://www.jstor.org/stable/4615733",
    ),
)


def linked(papers: str) -> Markup:
    """The text with every number of arXiv as a link.

    Example:
        >>> print(linked("Ioffe and Szegedy 2015, arXiv 1502.03167"))
        Ioffe and Szegedy 2015, <a href="https://arxiv.org/abs/1502.03167">arXiv \
1502.03167</a>
    """
    link = r'<a href="https://arxiv.org/abs/\1">arXiv \1</a>'
    return Markup(_ARXIV.sub(link, str(escape(papers))))
