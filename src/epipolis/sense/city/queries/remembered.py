"""Answers that are asked again and again, kept in memory until the tables behind them change."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from django.db import connection

T = TypeVar("T")
_LOOK_AGAIN = 1.0  # seconds after which another process's change is noticed
_kept: "list[Remembered]" = []  # type: ignore[type-arg]  # -- they keep answers of different types


class Remembered(Generic[T]):
    """One answer, made by `make` and made again when `stamp` differs; asks for the stamp at most once a second.

    What was read inside a transaction is trusted unasked only inside it, for a roll-back takes it away.
    """

    def __init__(self, make: Callable[[], T], stamp: Callable[[], object]) -> None:
        self._make, self._stamp = make, stamp
        self._answer: T | None = None
        self._known: object = None
        self._asked, self._within = float("-inf"), None
        _kept.append(self)

    def __call__(self) -> T:
        within = connection.atomic_blocks[0] if connection.atomic_blocks else None
        if self._answer is not None and self._within is within and time.monotonic() - self._asked < _LOOK_AGAIN:
            return self._answer
        known = self._stamp()
        if self._answer is None or known != self._known:
            self._answer, self._known = self._make(), known
        self._asked, self._within = time.monotonic(), within
        return self._answer

    def look_again(self) -> None:
        self._asked = float("-inf")


def look_again() -> None:
    """Ask the tables before the next answer: called by every service that changes them."""
    for kept in _kept:
        kept.look_again()
