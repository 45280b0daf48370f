"""What the people of the city do on each of the last days before the demonstration opens, beside falling ill."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from epipolis.act.followup import services as followup
from epipolis.core import clock
from epipolis.core.modules import modules
from epipolis.engines import twin
from epipolis.server.demonstration import citizens, laboratories, tracers

_DECLARED = 3  # days of declarations before the opening morning


def morning(days_left: int, *, seed: int) -> None:
    """Tracers: the teams begin some days before the opening morning, and then work each day. By the clock as it stands."""
    if "followup" not in modules() or days_left >= tracers.WORK_DAYS:
        return
    now = clock.now()
    followup.close_days(now)
    tracers.make_teams(at=now)
    followup.assign_waiting(by="demonstration", at=now)
    tracers.work(tracers.everybody(), seed=seed, at=now)


def evening(city: twin.City, cases: Sequence[Mapping[str, Any]], day: date, days_left: int, *, seed: int, at: datetime) -> bool:
    """Laboratories and citizens; whether anything was sent that something follows from."""
    if "labs" in modules() and days_left < laboratories.OPEN_DAYS:
        laboratories.register(at=at)
        told = laboratories.reports_of(city, cases, day=day, seed=seed)
        told += laboratories.negatives_of(city, day=day, seed=seed)
        if days_left == 0:
            told += laboratories.faults_of(city, day=day, seed=seed, at=at)
        laboratories.take(told, at=at)
    if "declarations" in modules() and days_left < _DECLARED:
        citizens.declare(city, cases, day=day, seed=seed, at=at)
    return days_left < max(laboratories.OPEN_DAYS, _DECLARED)
