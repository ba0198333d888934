"""Kinds of text that settings hold."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("must be one line of readable text.")
    return text


def _file_safe(text: str) -> str:
    # names become parts of file names, on case-blind file systems too
    if not _NAME.fullmatch(text):
        raise ValueError(
            "must start with a letter or digit and hold only letters, digits "
            "and _ . + - (it becomes part of file names)."
        )
    return text


Line = Annotated[str, Field(max_length=4096), AfterValidator(_one_line)]
Name = Annotated[str, Field(max_length=64), AfterValidator(_file_safe)]
