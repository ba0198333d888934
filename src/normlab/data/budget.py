"""How much may be under way at once, whatever the number of threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Budget:
    """An amount that threads share; who asks for more than is free has to wait.

    Args:
        amount: What all together may take. One alone may take more.

    Example:
        >>> budget = Budget(10)
        >>> with budget.taking(4), budget.taking(6):
        ...     budget.free
        0
        >>> with budget.taking(99):
        ...     budget.free
        0
    """

    def __init__(self, amount: int) -> None:
        self.amount = self.free = amount
        self._changed = threading.Condition()

    @contextmanager
    def taking(self, amount: int) -> Iterator[None]:
        """Wait until `amount` is free, and give it back at the end."""
        amount = min(amount, self.amount)
        with self._changed:
            self._changed.wait_for(lambda: self.free >= amount)
            self.free -= amount
        try:
            yield
        finally:
            with self._changed:
                self.free += amount
                self._changed.notify_all()
