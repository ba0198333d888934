"""Words of the glossary where they are used: underlined, with a link to what they mean.

A link needs no script, is reached by the keyboard, and says the meaning to whoever
points at it.
"""

from __future__ import annotations

import re
from collections import defaultdict

from markupsafe import Markup, escape

from normlab.report.glossary import GLOSSARY

FORMS = {
    "accuracy": "accuracy|accuracies",
    "confidence interval": "95 % CI|95 % interval|confidence interval",
    "covariate shift": "internal covariate shift|covariate shift",
    "cross-entropy": "cross-entropy",
    "dead unit": "dead units?",
    "digest": "digests?",
    "drift": "drift",
    "Hessian": "Hessian",
    "Holm": "Holm's",
    "loss surface": "loss surfaces?",
    "margin": "margin",
    "momentum": "momentum",
    "nat": "nats?",
    "p value": "p values?",
    "ReLU": "ReLU",
    "running statistics": "running averages|running statistics",
    "seed": "seeds?",
    "spectrum": "spectrum",
    "twins": "twins",
    "weight decay": "weight decay",
}
"""What is looked for in texts; everyday words are not explained."""
_ANY = re.compile(
    "|".join(rf"(?P<w{i}>\b(?:{form})(?!\w))" for i, form in enumerate(FORMS.values())),
    re.IGNORECASE,
)


class Terms:
    """Marks each word once in every part of a page, and remembers which were met.

    Example:
        >>> terms = Terms()
        >>> print(terms.marked("a", "twins"))
        <a class="term" href="#word-twins" title="The arms of one seed and rate: \
tensors that they share are equal at step 0, and they see the same batches in the \
same order.">twins</a>
        >>> print(terms.marked("a", "twins < 3"), [word for word, _ in terms.met()])
        twins &lt; 3 ['twins']
    """

    def __init__(self) -> None:
        self._told: defaultdict[str, set[str]] = defaultdict(set)

    def marked(self, part: str, text: str) -> Markup:
        """The text, safe for a page, with links to words not yet met in this part."""
        pieces: list[Markup] = []
        end = 0
        for found in _ANY.finditer(text):
            word = list(FORMS)[int((found.lastgroup or "w0")[1:])]
            if word not in self._told[part]:
                self._told[part].add(word)
                pieces += [escape(text[end : found.start()]), _link(word, found[0])]
                end = found.end()
        return Markup().join([*pieces, escape(text[end:])])

    def met(self) -> list[tuple[str, str]]:
        """The words that were marked, with their meaning, by the alphabet."""
        words = {word for told in self._told.values() for word in told}
        return [(word, GLOSSARY[word]) for word in GLOSSARY if word in words]


def anchor(word: str) -> str:
    """The id of a word's meaning.

    Example:
        >>> anchor("p value")
        'word-p-value'
    """
    return f"word-{word.replace(' ', '-')}"


def _link(word: str, text: str) -> Markup:
    return Markup('<a class="term" href="#{}" title="{}">{}</a>').format(
        anchor(word), GLOSSARY[word], text
    )
