"""The platform's clock: the one place that knows what time it is.

A real city runs on real time. A demonstration, a rehearsal and a test set the clock: it then starts at a chosen moment
and runs at a chosen speed, the same in every process. Retention, schedules and screens all follow it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import DatabaseError

from epipolis.core.models import ClockSetting

_REREAD = 1.0  # seconds after which a process looks again whether the clock was set
_fixed: datetime | None = None
_known: tuple[float, ClockSetting | None] = (float("-inf"), None)


def now() -> datetime:
    """This moment by the platform's clock, in UTC."""
    if _fixed:
        return _fixed
    real = datetime.now(UTC)
    setting = _setting()
    return setting.shown_at(real) if setting else real


def today() -> date:
    """The local calendar day, by which epidemiologists count."""
    return local_day(now())


def zone() -> ZoneInfo:
    return ZoneInfo(settings.EPIPOLIS_ZONE)


def local_day(at: datetime) -> date:
    """The calendar day in the city's zone at a moment."""
    return at.astimezone(zone()).date()


def start_of(day: date) -> datetime:
    """The moment at which a local calendar day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=zone()).astimezone(UTC)


def set_clock(shown: datetime, *, speed: float = 1.0) -> None:
    """Let the platform's clock show `shown` from now on and run `speed` times as fast as real time."""
    global _known
    ClockSetting.objects.update_or_create(id=1, defaults={"shown": shown, "set_at": datetime.now(UTC), "speed": speed})
    _known = (float("-inf"), None)


def speed() -> float:
    """How many times faster than real time the clock runs."""
    setting = _setting()
    return setting.speed if setting else 1.0


@contextmanager
def fixed(at: datetime) -> Iterator[None]:
    """Hold the clock still in this process, for tests."""
    global _fixed
    before, _fixed = _fixed, at
    try:
        yield
    finally:
        _fixed = before


def days_between(earlier: datetime, later: datetime) -> float:
    return (later - earlier) / timedelta(days=1)


def _setting() -> ClockSetting | None:
    global _known
    read, setting = _known
    if time.monotonic() - read > _REREAD:
        try:
            setting = ClockSetting.objects.filter(id=1).first()
        except DatabaseError:  # before the first migration there is no table; a dead connection keeps the last answer
            return setting
        _known = (time.monotonic(), setting)
    return setting
