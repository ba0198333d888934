"""Messages between the conducting process and a worker, over a pair of sockets.

A message is eight bytes of length and a pickle. Both ends are this program and the
sockets are theirs alone; nothing that lies in a file ever comes this way.
"""

from __future__ import annotations

import pickle
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import cloudpickle

_LENGTH = struct.Struct(">Q")
_TICK_SECONDS = 0.5
_AT_ONCE = 1 << 20


class Gone(BaseException):
    """The other side is gone: said by a channel, and by nothing of a user's.

    No Exception, because what handles a user's errors has no business with it.
    """


def pack(message: object) -> bytes:
    """The bytes of one object; functions of a notebook or script go by value.

    Raises:
        BaseException: Whatever an object raises that cannot be pickled.
    """
    return cloudpickle.dumps(message)


def unpack(payload: bytes) -> Any:
    """What `pack` made bytes of.

    Raises:
        BaseException: Whatever an object, or the module it comes from, raises.
    """
    return pickle.loads(payload)  # noqa: S301 - see the module


class Channel:
    """Sends and receives whole Python objects.

    Args:
        end: One of a pair of connected sockets.
        idle: Called about twice a second while the other side keeps this one waiting;
            it may raise `Gone`. A process that was forked from the other side holds
            its socket too, so that the socket alone does not tell.
    """

    def __init__(
        self, end: socket.socket, idle: Callable[[], None] | None = None
    ) -> None:
        self._socket = end
        self._idle = idle
        end.settimeout(None if idle is None else _TICK_SECONDS)

    def send(self, message: object) -> None:
        """Send one object.

        Raises:
            Gone: The other side is gone.
        """
        self.send_packed(pack(message))

    def send_packed(self, payload: bytes) -> None:
        """Send what `pack` made of an object.

        Raises:
            Gone: The other side is gone.
        """
        header = _LENGTH.pack(len(payload))
        if len(payload) < _AT_ONCE:
            header, payload = header + payload, b""
        for part in (header, payload):
            rest = memoryview(part)
            while rest:
                rest = rest[self._waited(self._socket.send, rest) :]

    def receive(self) -> Any:
        """Wait for one object.

        Raises:
            Gone: The other side is gone.
        """
        return unpack(self.receive_packed())

    def receive_packed(self) -> bytes:
        """Wait for one object that is still to be unpacked.

        Raises:
            Gone: The other side is gone.
        """
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        return self._exactly(length)

    def close(self) -> None:
        """Wake whoever waits here, and let go."""
        with suppress(OSError):  # the other side was quicker
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _exactly(self, count: int) -> bytes:
        data = bytearray(count)
        rest = memoryview(data)
        while rest:
            came = self._waited(self._socket.recv_into, rest)
            if not came:
                raise Gone
            rest = rest[came:]
        return bytes(data)

    def _waited(self, transfer: Callable[[memoryview], int], part: memoryview) -> int:
        while True:
            try:
                return transfer(part)
            except TimeoutError:
                if self._idle is not None:
                    self._idle()
            except OSError:
                raise Gone from None
