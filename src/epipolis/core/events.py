"""Events: how a module tells the modules downstream that something happened.

Ask upstream, announce downstream: a module calls the modules before it in the flow and publishes an event for those
after it, so imports only ever point one way. `publish` defers one job per listener inside the caller's transaction:
the event exists exactly when the change does, and it is retried until the listener has handled it. So a listener may
see an event twice, and must change nothing the second time.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, get_type_hints

import msgspec
from django.db import connection
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

Listener = Callable[[Any], None]
# The function by which the job library itself defers; told in one text, for a value each costs more than the jobs.
_DEFER = """
SELECT cardinality(procrastinate_defer_jobs_v1(array_agg(
    ROW(%s, %s, %s, NULL, NULL, job.args, NULL)::procrastinate_job_to_defer_v1 ORDER BY job.place)))
FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY job (args, place)"""
_BATCH = 5_000  # jobs that one statement defers
_RETRY = RetryStrategy(max_attempts=12, wait=1, exponential_wait=2)  # the last try comes about an hour after the first


@dataclass(frozen=True, slots=True)
class Event:
    """Base of every event: a frozen dataclass named in the past tense, carrying identifiers only.

    Of events that wait, those of a kind with a higher `priority` are delivered first. Of many that are published at once,
    one job carries as many as `together` says: a job of its own costs as much as what most listeners do.
    """

    priority: ClassVar[int] = 0
    together: ClassVar[int] = 50


_listeners: dict[type[Event], list[Listener]] = defaultdict(list)


def subscribe(event: type[Event], listener: Listener) -> None:
    if listener not in _listeners[event]:
        _listeners[event].append(listener)


def listeners() -> dict[type[Event], tuple[Listener, ...]]:
    """Who hears what, for `epipolis flow`."""
    return {event: tuple(heard) for event, heard in _listeners.items()}


def publish(event: Event) -> None:
    """Hand the event to each listener, durably, if and only if the current transaction commits."""
    body = msgspec.to_builtins(asdict(event))
    for listener in _listeners.get(type(event), ()):
        deliver.configure(priority=event.priority).defer(event=_name(type(event)), listener=_name(listener), body=body)


def publish_many(events: Iterable[Event]) -> None:
    """The same for many events at once: one statement for thousands of jobs, for imports and other bulk changes."""
    kinds: dict[type[Event], list[Event]] = defaultdict(list)
    for event in events:
        kinds[type(event)].append(event)
    jobs: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for kind, own in kinds.items():
        for part in _parts(own, kind.together):
            for listener in _listeners.get(kind, ()):
                jobs[kind.priority].append({"event": _name(kind), "listener": _name(listener), "body": part})
    if not jobs:
        return
    with connection.cursor() as cursor:
        for priority, waiting in jobs.items():
            for some in _parts(waiting, _BATCH):
                args = msgspec.json.encode(some).decode()
                cursor.execute(_DEFER, [deliver.queue, deliver.name, priority, args])


@app.task(name="deliver", retry=_RETRY, queue="events")
def deliver(event: str, listener: str, body: dict[str, Any] | list[dict[str, Any]]) -> None:
    """Run one listener for an event, or for some one after the other; one that fails does not hold up those after it.

    A listener that is gone (its module is switched off) has nothing left to do.
    """
    from epipolis.core import rules  # noqa: PLC0415 -- it needs the tables, and events are declared before them

    for kind, heard in _listeners.items():
        for one in heard:
            if (_name(kind), _name(one)) == (event, listener):
                with rules.read_once():
                    _hear(one, [_event(kind, each) for each in (body if isinstance(body, list) else [body])])


def _hear(listener: Listener, events: list[Event]) -> None:
    errors = []
    for event in events:
        try:
            listener(event)
        except Exception as error:
            errors.append(error)
    if errors:
        raise errors[0] if len(errors) == 1 else ExceptionGroup(f"{len(errors)} of {len(events)} events", errors)


def _parts(whole: list[Any], size: int) -> list[list[Any]]:
    return [whole[start : start + size] for start in range(0, len(whole), size)]


def _event(kind: type[Event], body: dict[str, Any]) -> Event:
    hints = get_type_hints(kind)
    return kind(**{f.name: msgspec.convert(body[f.name], hints[f.name]) for f in fields(kind)})


def _name(thing: Any) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"
