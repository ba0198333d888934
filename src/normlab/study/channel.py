"""Messages between the conducting process and a worker, over a pair of pipes.

A message is eight bytes of length and a pickle. Both ends are this program and the
pipes are theirs alone; nothing that lies in a file ever comes this way.
"""

from __future__ import annotations

import os
import pickle
import struct
from contextlib import suppress
from typing import IO, Any

import cloudpickle

_LENGTH = struct.Struct(">Q")


def pack(message: object) -> bytes:
    """The bytes of one object; functions of a notebook or script go by value.

    Raises:
        Exception: Whatever an object raises that cannot be pickled.
    """
    return cloudpickle.dumps(message)


class Channel:
    """Sends and receives whole Python objects."""

    def __init__(self, reads: IO[bytes], writes: IO[bytes]) -> None:
        self._reads = reads
        self._writes = writes

    @classmethod
    def of_this_process(cls) -> Channel:
        """Take standard input and output for messages alone.

        Whatever the process prints from now on goes to standard error.
        """
        reads, writes = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        return cls(reads, writes)

    def send(self, message: object) -> None:
        """Send one object.

        Raises:
            OSError: If the other side is gone.
        """
        self.send_packed(pack(message))

    def send_packed(self, payload: bytes) -> None:
        """Send what `pack` made of an object.

        Raises:
            OSError: If the other side is gone.
        """
        self._writes.write(_LENGTH.pack(len(payload)))
        self._writes.write(payload)
        self._writes.flush()

    def receive(self) -> Any:
        """Wait for one object.

        Raises:
            EOFError: If the other side is gone.
        """
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        return pickle.loads(self._exactly(length))  # noqa: S301 - see the module

    def close(self) -> None:
        """Close both pipes."""
        for pipe in (self._writes, self._reads):
            # what was still to be flushed may have no reader any more
            with suppress(BrokenPipeError):
                pipe.close()

    def _exactly(self, count: int) -> bytes:
        data = self._reads.read(count)
        if len(data) < count:
            raise EOFError("the other side closed the pipe")
        return data
