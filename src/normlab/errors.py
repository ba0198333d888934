"""The situations a user can meet, each with one clear line and an exit code.

Every message says where, what was found and what to do. This module imports
nothing, so that any layer may raise its errors.
"""

from __future__ import annotations


class NormlabError(Exception):
    """What normlab says when it cannot do what it was asked; one line of text."""

    exit_code = 2


class BadSetting(NormlabError):
    """A setting has a value that makes no sense; the message names the key."""


class BadData(NormlabError):
    """The data cannot be used; the message names the file or the array."""


class BadModel(NormlabError):
    """A model cannot be built, or does not fit the data."""


class BadFolder(NormlabError):
    """A study folder is missing, in use, not empty, not writable or too new."""


class RunFailed(NormlabError):
    """Something that was well asked for went wrong on the way."""

    exit_code = 1


class NotMeasured(NormlabError):
    """A figure needs what this study did not record; the message says what."""
