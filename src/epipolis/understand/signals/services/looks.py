"""Looks: each night, when somebody asks, or afterwards for past days as they were known then; kept whole or not at all."""

import json
from dataclasses import asdict
from datetime import date, datetime, timedelta
from hashlib import sha256
from time import perf_counter
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from epipolis.core import audit, clock, live, work
from epipolis.core.context import platform_version
from epipolis.core.models import TaskRun, User
from epipolis.understand.forecast import queries as forecast
from epipolis.understand.signals import queries
from epipolis.understand.signals.models import Look, Signal, Watched
from epipolis.understand.signals.queries import Wanted
from epipolis.understand.signals.services.detecting import Found, look_at
from epipolis.understand.signals.services.raising import keep_rows, keep_spots
from epipolis.understand.signals.settings import settings

TASK = "signals.look"
MOST_DAYS = 366
_LOCK = 7_316_402  # looks are kept one after the other, so that none raises what another has raised


@transaction.atomic
def start_look(*, by: audit.Actor, at: datetime) -> TaskRun:
    """Queue a look at what is known now; one that waits already is returned instead."""
    waiting = TaskRun.objects.filter(task=TASK, arguments={}, state=TaskRun.State.WAITING).order_by("-asked").first()
    if waiting:
        return waiting
    audit.record("signals.look", by=by, at=at)
    return work.start_task(TASK, {}, by=by if isinstance(by, User) else None, at=at, title=_("Early warning"))


@transaction.atomic
def start_looks(since: date, until: date, *, by: audit.Actor, at: datetime) -> TaskRun:
    """Queue looks at past days, each from what was known as the day began.

    Raises:
        ValueError: the days are in the wrong order, not past, or too many.
    """
    if until < since:
        raise ValueError(_("The last day lies before the first."))
    if until > clock.local_day(at):
        raise ValueError(_("A look back needs days that are past: %(day)s is still to come.") % {"day": until.isoformat()})
    if (until - since).days >= MOST_DAYS:
        raise ValueError(_("At most %(count)d days at once.") % {"count": MOST_DAYS})
    arguments: dict[str, Any] = {"since": since.isoformat(), "until": until.isoformat()}
    audit.record("signals.look", by=by, at=at, **arguments)
    return work.start_task(TASK, arguments, by=by if isinstance(by, User) else None, at=at, title=_("Early warning"))


def compute_looks(progress: work.Progress, since: str = "", until: str = "") -> dict[str, Any]:
    """The task itself; safe to run twice. Without days, one look at what is known now."""
    if since:
        return look_back(date.fromisoformat(since), date.fromisoformat(until), progress=progress)
    look = make_look(clock.now(), kind=str(Look.Kind.ASKED), progress=progress)
    return {"raised": look.raised if look else 0, "problems": len(look.problems) if look else 0}


def look_nightly() -> Look | None:
    """The job: one look a day at what was known at midnight; None when it is made already."""
    return make_look(clock.start_of(clock.today()), kind=str(Look.Kind.NIGHTLY))


def look_back(since: date, until: date, *, progress: work.Progress | None = None) -> dict[str, Any]:
    """Look at each day from what was known as it began, as the platform would have done; days looked at are left alone."""
    progress = progress or work.silent()
    days = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    made = raised = 0
    for done, day in enumerate(days):
        progress(done, len(days), day.isoformat())
        look = make_look(clock.start_of(day), kind=str(Look.Kind.PAST))
        made, raised = made + (look is not None), raised + (look.raised if look else 0)
    progress(len(days), len(days))
    return {"days": len(days), "made": made, "raised": raised}


def make_look(at: datetime, *, kind: str, progress: work.Progress | None = None) -> Look | None:
    """Judge what was known at a moment and keep everything of it at once; None when that was done before."""
    began = perf_counter()
    wanted = queries.wanted_on(clock.local_day(at), queries.uploaded_counts())
    fingerprint = _fingerprint(wanted)
    if Look.objects.filter(known_at=at, fingerprint=fingerprint).exists():
        return None
    known = queries.known_at(at)
    if known.is_empty and kind != Look.Kind.ASKED:
        return None
    found = look_at(known, wanted, progress or work.silent())
    look = Look(
        kind=kind, known_at=at, made_at=clock.now(), day=known.last_day, fingerprint=fingerprint,
        digest=forecast.digest_of(known), rules=[pack.reference for pack in wanted.packs],
        problems=found.problems, skipped=found.skipped, judged=found.judged, seconds=round(perf_counter() - began, 3),
    )  # fmt: skip
    return _keep(look, found)


def _fingerprint(wanted: Wanted) -> str:
    """One text for engine, rules and settings."""
    packs = [[pack.reference, dict(pack.content)] for pack in wanted.packs]
    told = [platform_version(), asdict(settings), packs, [watch.series for watch in wanted.watches]]
    return sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


@transaction.atomic
def _keep(look: Look, found: Found) -> Look | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    if Look.objects.filter(known_at=look.known_at, fingerprint=look.fingerprint).exists():
        return None
    raised, changed = keep_rows(found.rows, known_at=look.known_at, made_at=look.made_at)
    more, moved = keep_spots(found, known_at=look.known_at, made_at=look.made_at)
    Watched.objects.bulk_create(
        [
            Watched(series=series, method=method, day=day, places=places, stated=stated)
            for (series, method, day), (places, stated) in found.watched.items()
        ],
        ignore_conflicts=True,
    )
    look.raised, look.changed = raised + more, changed + moved
    look.save(force_insert=True)
    audit.record("signals.looked", by="platform", at=look.made_at, subject=look.id, digest=look.digest, new=look.raised)
    live.tell("signals", look=str(look.id))
    return look


@transaction.atomic
def forget_signals(*, before: datetime, at: datetime) -> int:
    """Erase signals from data known before a moment, with what was thought of them; return how many."""
    _rows, kinds = Signal.objects.filter(known_at__lt=before).delete()
    Look.objects.filter(known_at__lt=before).delete()
    Watched.objects.filter(day__lt=clock.local_day(before)).delete()
    return kinds.get("signals.Signal", 0)
