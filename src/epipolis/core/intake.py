"""Intake at high rate: many small requests, one transaction, each answered after its commit.

The road beside Django for check-ins, positions and readings: a native ASGI path decodes with msgspec,
puts the item in a queue, and a writer thread hands everything that waits to the module's service in one call. The request
is answered when that call's transaction has committed, so an answer means that the row is safe.
"""

import logging
import queue
import threading
from asyncio import AbstractEventLoop, Future
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection

from epipolis.core import clock


class Outcome(NamedTuple):
    """What became of one item: stored, there already, or rejected by the rule that a field breaks.

    `body`, where given, is the answer itself, as JSON.
    """

    status: int
    field: str = ""
    rule: str = ""
    body: bytes = b""


STORED, DUPLICATE = Outcome(201), Outcome(200)
AWAY = Outcome(503, rule="The database is away; nothing was stored. Send it again.")
FULL = Outcome(507, rule="The disk is full; nothing was stored. Send it again later.")
BROKEN = Outcome(500, rule="This could not be stored.")
_DISK_FULL = "53100"


def rejected(field: str, rule: str) -> Outcome:
    """The item is not stored, because a field breaks a rule."""
    return Outcome(422, field, rule)


log = logging.getLogger(__name__)
Write = Callable[..., Sequence[Outcome]]


@dataclass(frozen=True)
class Intake:
    """One high-rate endpoint of a module, at `/api/v1/` + `path`.

    `item` is a type of msgspec that bounds every field. `write(items, by=…, at=…)` stores a batch in one transaction and
    returns an outcome for each item; `by` names the devices that sent them. `bulk(body, kind, by=…, at=…)`, where
    given, stores many rows of one request (at `path` + `:bulk`) and returns the report; it raises ValueError where the
    body cannot be read at all. Where `needs` is empty each item proves itself, and `by` is that of the intake.
    """

    path: str
    item: Any
    write: Write
    needs: str
    bulk: Callable[..., Mapping[str, Any]] | None = None
    by: str = ""


class _Waiting(NamedTuple):
    item: Any
    sender: str
    answer: "Future[Outcome]"


class Lane:
    """The queue of one intake and the thread that empties it: everything that waits becomes one transaction."""

    def __init__(self, write: Write, loop: AbstractEventLoop, *, most: int = 2_000, longest: int = 20_000) -> None:
        self._write, self._loop, self._most, self._longest = write, loop, most, longest
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._thread.start()

    @property
    def is_full(self) -> bool:
        return self._queue.qsize() >= self._longest

    def put(self, item: Any, sender: str) -> "Future[Outcome]":
        """Queue an item; the future resolves when its batch has committed or failed."""
        answer: Future[Outcome] = self._loop.create_future()
        self._queue.put(_Waiting(item, sender, answer))
        return answer

    def stop(self) -> None:
        """Store what waits, then end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, is_last = [first], False
            while len(batch) < self._most and not is_last:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    is_last = True
                else:
                    batch.append(more)
            outcomes = store_batch(self._write, [w.item for w in batch], senders(w.sender for w in batch))
            self._loop.call_soon_threadsafe(_settle, batch, outcomes)
            if is_last:
                break
        connection.close()


def senders(names: Iterable[str]) -> str:
    """Who sent a batch, as the audit trail names it."""
    found = sorted(set(names))
    return ", ".join(found) if len(found) <= 3 else f"{', '.join(found[:3])} and {len(found) - 3} more"


def store_batch(write: Write, items: Sequence[Any], by: str) -> Sequence[Outcome]:
    """Store a batch; one item that the database refuses does not take the others with it.

    A lost connection and a full disk concern all: each is told so, and the next batch tries anew.
    """
    try:
        return write(items, by=by, at=clock.now())
    except (OperationalError, InterfaceError) as error:
        connection.close()
        return [failure_of(error)] * len(items)
    except (DataError, IntegrityError, ValueError):
        if len(items) == 1:
            return [BROKEN]
        half = len(items) // 2
        return [*store_batch(write, items[:half], by), *store_batch(write, items[half:], by)]
    except Exception:
        log.exception("a batch could not be stored")
        return [BROKEN] * len(items)


def failure_of(error: Exception) -> Outcome:
    """What to answer when the database could not take a batch."""
    return FULL if getattr(error.__cause__, "sqlstate", None) == _DISK_FULL else AWAY


def _settle(batch: Sequence[_Waiting], outcomes: Sequence[Outcome]) -> None:
    for waiting, outcome in zip(batch, outcomes, strict=True):
        if not waiting.answer.done():  # a client that hung up has cancelled it
            waiting.answer.set_result(outcome)
