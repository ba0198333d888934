"""The situations a user can meet, each with one clear line and an exit code.

Every message says where, what was found and what to do. This module imports
next to nothing, so that any layer may raise its errors.
"""

from __future__ import annotations

from normlab.foreign import plain, shortened

_LONGEST = 2_000  # characters of a message: what was found may be of any length
_LONGEST_OF_OTHERS = 300  # of an error of somebody else


class NormlabError(Exception):
    """What normlab says when it cannot do what it was asked; one line of text.

    Whatever names and values it tells of, it steers no terminal and stays readable.
    Catch this one to catch all. A subclass is one situation; `exit_code` is what the
    command line ends with.

    Example:
        >>> try:
        ...     raise BadSetting("seeds=0 must be a number of seeds from 1.")
        ... except NormlabError as error:
        ...     print(error, error.exit_code)
        seeds=0 must be a number of seeds from 1. 2
    """

    exit_code = 2

    def __init__(self, message: str = "") -> None:
        line = " ".join(part.strip() for part in message.splitlines()).strip()
        super().__init__(shortened(plain(line), _LONGEST))

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the line is for its reader, the way to it is ours."""
        return [f"{type(self).__name__}: {self}"]


class BadSetting(NormlabError):
    """A setting has a value that makes no sense, or does not fit the machine.

    The message names the key as in study.toml, and what is allowed.
    """


class BadData(NormlabError):
    """The data cannot be used: missing, damaged, or of a kind nobody can classify.

    The message names the file or the array, with its shape.
    """


class BadModel(NormlabError):
    """A model cannot be built, fails, or does not fit the data.

    The message names the arm or the module, and the shapes that do not go together.
    """


class BadFolder(NormlabError):
    """A study folder is missing, in use, not empty, not writable or too new.

    The message names the folder, and the command or the choice that helps.
    """


class RunFailed(NormlabError):
    """Something that was well asked for went wrong on the way; exit code 1."""

    exit_code = 1


class Stopped(KeyboardInterrupt):
    """A signal; whoever is at work keeps what there is, just as after Ctrl-C.

    Args:
        number: The signal.
        advice: What is said of it, where somebody knows more than that.
    """

    def __init__(self, number: int, advice: str = "stopped.") -> None:
        super().__init__()
        self.number = number
        self.advice = advice


class NotMeasured(NormlabError):
    """A figure needs what this study did not record; the message says what."""


def one_line(error: BaseException) -> str:
    r"""The text of an error, on one line and not too long.

    Example:
        >>> one_line(ValueError("shapes do not fit:\n  (2, 3)"))
        'shapes do not fit: (2, 3)'
    """
    try:
        text = str(error.msg if isinstance(error, SyntaxError) else error)
    except Exception:  # its class is somebody else's
        text = ""
    joined = " ".join(text.split())
    return (
        joined
        if len(joined) <= _LONGEST_OF_OTHERS
        else f"{joined[: _LONGEST_OF_OTHERS - 3]}..."
    )


def raised(error: BaseException) -> BaseException:
    """What somebody raised, where Python made another error of it on its way.

    So it does of a StopIteration that leaves a generator.
    """
    cause = error.__cause__
    made = isinstance(error, RuntimeError) and isinstance(cause, StopIteration)
    return cause if made and cause is not None else error


def described(error: BaseException) -> str:
    """The kind of an error and its text, or where it was raised, on one line.

    Example:
        >>> described(KeyError("fc1")), described(AssertionError())
        ("KeyError: 'fc1'", 'AssertionError without a message')
    """
    error = raised(error)
    kind, text = type(error).__name__, one_line(error)
    if text:
        return f"{kind}: {text}"
    place, where = error.__traceback__, ""
    while place is not None:
        file = place.tb_frame.f_code.co_filename.rpartition("/")[2]
        where, place = f" ({file}, line {place.tb_lineno})", place.tb_next
    return f"{kind} without a message{where}"
