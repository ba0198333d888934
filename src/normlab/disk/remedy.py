"""What to do about a file that cannot be written or read, by what the system says."""

from __future__ import annotations

import errno

_REMEDIES = {
    "Free some space.": (errno.ENOSPC, errno.EDQUOT),
    "Raise the limit of file sizes (ulimit -f).": (errno.EFBIG,),
    "Raise the limit of open files (ulimit -n).": (errno.EMFILE, errno.ENFILE),
    "Check its permissions.": (errno.EACCES, errno.EPERM, errno.EROFS),
    "Free some memory.": (errno.ENOMEM,),
    "Check the disk.": (errno.EIO,),
}


_WANTS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def is_want(error: BaseException) -> bool:
    """Whether a process lacks something, so that no file is to blame."""
    return isinstance(error, OSError) and error.errno in _WANTS


def refuse_want(error: BaseException) -> None:
    """Raise an error again that is such a want.

    Whoever takes whatever comes up for damage must not take that for it.
    """
    if is_want(error):
        raise error


def remedy(error: OSError, *, otherwise: str) -> str:
    """One sentence of advice.

    Args:
        error: Of a call on a file or folder.
        otherwise: The advice where the number of the error gives none.

    Example:
        >>> remedy(OSError(errno.ENOSPC, "No space left"), otherwise="Choose another.")
        'Free some space.'
    """
    for sentence, numbers in _REMEDIES.items():
        if error.errno in numbers:
            return sentence
    return otherwise
