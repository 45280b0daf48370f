"""Rounds: made each night, when somebody asks, or afterwards for a past moment; kept whole or not at all."""

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256
from time import perf_counter
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext as _

from epipolis.core import audit, clock, live, rules, work
from epipolis.core.context import platform_version
from epipolis.core.models import User
from epipolis.understand.forecast import queries
from epipolis.understand.forecast.models import Forecast, Passing, Reproduction, Round
from epipolis.understand.forecast.services.computing import Results, compute
from epipolis.understand.forecast.services.scoring import score_what_is_due
from epipolis.understand.forecast.settings import settings

TASK, PAST_TASK = "forecast.round", "forecast.past"
RULES = "forecast_figures"
MOST_PAST = 120  # rounds that one back-test may make
_ASKING = 7_341  # the lock of those who ask for a round
_FEWEST_DAYS = 14  # of counts, before a first round is made by itself


def settings_of_round(day: date) -> dict[str, Any]:
    """Everything but the data that a round's figures depend on."""
    pack = rules.in_force(RULES, day)
    series = {one["series"].name: one["series"].kind for one in queries.series_rows()}
    names = ("weeks", "bed_days", "history_days", "nowcast_days", "rt_days", "window_days")
    return {name: getattr(settings, name) for name in names} | {
        "serial_interval": dict(pack["serial_interval"]),
        "beds_per_100k": dict(pack["beds_per_100k"]),
        "incidence_limit": pack["incidence_limit"],
        "rules": pack.reference,
        "counts": sorted(name for name, kind in series.items() if kind == "count" and name not in queries.KNOWN_TARGETS),
        "occupancies": sorted(name for name, kind in series.items() if kind == "occupancy" and name not in queries.OCCUPANCIES),
    }


def fingerprint_of(chosen: Mapping[str, Any], seed: int, engine: str) -> str:
    """One text for engine, settings and seed: equal texts and the same moment, the same round."""
    return sha256(json.dumps([engine, seed, chosen], sort_keys=True).encode()).hexdigest()


def settings_fingerprint(day: date) -> str:
    return fingerprint_of(settings_of_round(day), settings.seed, engine_version())


def engine_version() -> str:
    return f"epipolis {platform_version()}".strip()


@transaction.atomic
def start_round(*, by: audit.Actor, at: datetime) -> Round:
    """Queue a round from what is known now; one that waits or runs already is returned instead."""
    with connection.cursor() as cursor:  # of two who ask in the same moment the second finds the first's round
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ASKING])
    waiting = Round.objects.filter(kind=Round.Kind.ASKED, state__in=queries.OPEN).order_by("-asked_at").first()
    if waiting:
        return waiting
    user = by if isinstance(by, User) else None
    found = _round(at, kind=str(Round.Kind.ASKED), by=user, at=at)
    if found.state != Round.State.DONE:
        found.work = work.start_task(TASK, {"round": str(found.id)}, by=user, at=at, title=_("Forecast"))
        found.save(update_fields=["work"])
    audit.record("forecast.run", by=by, at=at, subject=found.id)
    live.tell("forecast", round=str(found.id))
    return found


def compute_round(progress: work.Progress, round: str) -> dict[str, Any]:
    """The task itself. Killed in the middle it begins again and gives the same figures; finished, it changes nothing."""
    row = Round.objects.get(id=UUID(round))
    _compute(row, progress)
    return {"forecasts": Forecast.objects.filter(round=row).count(), "problems": len(row.problems)}


def make_nightly() -> Round | None:
    """The job: one round each day from what was known at midnight; None when it is made already, or while there is too
    little to look ahead from."""
    at = clock.now()
    moment = clock.start_of(clock.local_day(at))
    if queries.is_made(moment, settings_fingerprint(clock.local_day(at))):
        return None
    known = queries.known_at(moment)
    if known.first_day is None or (known.last_day - known.first_day).days + 1 < _FEWEST_DAYS:
        return None
    row = _round(moment, kind=str(Round.Kind.NIGHTLY), by=None, at=at)
    _compute(row, work.silent(), known=known)
    return row


@transaction.atomic
def start_past(since: date, until: date, *, every: int, by: audit.Actor, at: datetime) -> Any:
    """Queue the question how we would have done: rounds from what was known on past days, each `every` days.

    Raises:
        ValueError: the days are in the wrong order, not past, or too many.
    """
    if until < since:
        raise ValueError(_("The last day lies before the first."))
    if until > clock.local_day(at):
        raise ValueError(_("A past round needs a past day."))
    if not 1 <= every <= 28:
        raise ValueError(_("The days between two rounds must be 1 to 28."))
    if (until - since).days // every >= MOST_PAST:
        raise ValueError(_("At most %(count)d rounds at once.") % {"count": MOST_PAST})
    arguments: dict[str, Any] = {"since": since.isoformat(), "until": until.isoformat(), "every": every}
    user = by if isinstance(by, User) else None
    audit.record("forecast.past", by=by, at=at, **arguments)
    return work.start_task(PAST_TASK, arguments, by=user, at=at, title=_("Forecasts of the past"))


def make_past(progress: work.Progress, since: str, until: str, every: int = 7) -> dict[str, Any]:
    """Make a round for each of the days, from what was known as that day began; safe to run twice.

    Before each, earlier rounds are scored by what was known then: so its weights, too, come only from that time.
    """
    first, last = date.fromisoformat(since), date.fromisoformat(until)
    days = [first + timedelta(days=n) for n in range(0, (last - first).days + 1, every)]
    made = 0
    for done, day in enumerate(days):
        progress(done, len(days), day.isoformat())
        known = queries.known_at(clock.start_of(day))
        if known.is_empty:
            continue
        row = _round(known.at, kind=str(Round.Kind.PAST), by=None, at=clock.now())
        made += _compute(row, work.silent(), known=known)
    progress(len(days), len(days))
    return {"rounds": len(days), "made": made}


def _round(known_at: datetime, *, kind: str, by: User | None, at: datetime) -> Round:
    made_on = clock.local_day(known_at)
    chosen, engine = settings_of_round(made_on), engine_version()
    found, _created = Round.objects.get_or_create(
        known_at=known_at,
        fingerprint=fingerprint_of(chosen, settings.seed, engine),
        team="",
        defaults={
            "kind": kind, "made_on": made_on, "settings": chosen, "seed": settings.seed, "engine": engine,
            "asked_at": at, "asked_by": by,
        },
    )  # fmt: skip
    return found


def _compute(row: Round, progress: work.Progress, known: queries.Known | None = None) -> bool:
    """Make a round unless it is made; whether it was made now."""
    if row.state == Round.State.DONE:
        return False
    Round.objects.filter(id=row.id).exclude(state=Round.State.DONE).update(state=Round.State.RUNNING, problem="")
    live.tell("forecast", round=str(row.id))
    began = perf_counter()
    known = known or queries.known_at(row.known_at)
    try:
        if known.is_empty:
            raise ValueError(_("Nothing was known at that moment: there are no cases and no series."))
        score_what_is_due(known)
        past = queries.past_scores(row.known_at)
        found = compute(known, row.settings, seed=row.seed, past=past, progress=progress)
    except Exception as error:
        told = str(error) if isinstance(error, ValueError) else type(error).__name__
        Round.objects.filter(id=row.id).exclude(state=Round.State.DONE).update(state=Round.State.FAILED, problem=told[:2_000])
        live.tell("forecast", round=str(row.id))
        raise
    return _keep(row, known, found, seconds=perf_counter() - began)


@transaction.atomic
def _keep(row: Round, known: queries.Known, found: Results, *, seconds: float) -> bool:
    """Everything of a round at once, or nothing; a round that was finished meanwhile stays as it is."""
    held = Round.objects.select_for_update().get(id=row.id)
    if held.state == Round.State.DONE:
        return False
    Forecast.objects.bulk_create(
        [
            Forecast(
                round=held, model=one.model, target=one.target, area=one.area, step=one.step, horizon=one.horizon,
                day=one.day, values=one.values, marked=one.marked[:200],
            )
            for one in found.forecasts
        ],
        batch_size=2_000,
    )  # fmt: skip
    Reproduction.objects.bulk_create([Reproduction(round=held, **values) for values in found.reproductions], batch_size=500)
    Passing.objects.bulk_create([Passing(round=held, **values) for values in found.passings], batch_size=2_000)
    row.state, row.made_at, row.seconds = Round.State.DONE, clock.now(), round(seconds, 3)
    row.levels, row.problems = list(found.levels), found.problems
    row.content, row.digest = queries.to_bytes(known), queries.digest_of(known)
    row.problem = ""
    row.save()
    audit.record("forecast.round", by="platform", at=row.made_at, subject=row.id, digest=row.digest)
    live.tell("forecast", round=str(row.id))
    return True


@transaction.atomic
def forget_rounds(*, before: datetime, at: datetime) -> int:
    """Erase rounds from data known before a moment, with their forecasts and scores; return how many."""
    _rows, kinds = Round.objects.filter(known_at__lt=before).delete()
    return kinds.get("forecast.Round", 0)
