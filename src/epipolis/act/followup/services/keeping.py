"""What follow-up does by itself: note past days, extend and end what is over, count who is lost, rejoin merged people."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from epipolis.act.followup import queries
from epipolis.act.followup.models import LISTED, Change, Exposure, FollowUp, State
from epipolis.core import audit, clock, live
from epipolis.core.rules import RulePack
from epipolis.sense.cases import queries as cases

from .ending import finish, open_again
from .timing import changed, days_of, replan, replan_all
from .unseen import UNKNOWN, UNSEEN, end_unseen

_AT_ONCE = 5_000  # follow-ups that one run ends; the next run goes on
_BY = "followup"
_LOST = gettext_noop("Not reached on %(days)s days in a row; the rule %(rule)s counts somebody as lost after %(most)s.")
_COMPLETED = gettext_noop("Its last day, %(until)s, is over; seen on %(seen)s of %(days)s days.")
_TOLD = gettext_noop("Its last day, %(until)s, is over; told once what to watch for, as the rule says for this risk.")
_MERGED = gettext_noop("Two records turned out to be one person.")
_UNMERGED = gettext_noop("Two records turned out to be two people after all.")

# Each past day without an answer gets its state: a try in vain, a person who was to report, or nobody's attempt.
_NOTE_DAYS = """
INSERT INTO followup_dailycheck
    (follow_up_id, day, part, state, temperature, symptoms, how, by, at, received, client_id, note, is_current)
SELECT f.id, d.day::date, 0,
    CASE WHEN EXISTS (SELECT FROM followup_attempt a WHERE a.follow_up_id = f.id AND a.outcome <> 'reached'
                      AND (a.at AT TIME ZONE %(zone)s)::date = d.day::date) THEN 'not_seen'
         WHEN f.reports THEN 'missed' ELSE 'not_attempted' END,
    NULL, '{}', 'platform', 'followup', %(at)s, %(at)s, NULL, '', true
FROM followup_followup f
CROSS JOIN LATERAL generate_series(
    greatest(f.starts, f.noted_until + 1), least(%(yesterday)s::date, f.until), interval '1 day') d (day)
WHERE f.state = 'open' AND f.part_of_id IS NULL AND f.person_id IS NOT NULL AND f.starts IS NOT NULL
  AND f.noted_until < %(yesterday)s AND f.risk = ANY(%(asked)s)
  AND NOT EXISTS (SELECT FROM followup_dailycheck c WHERE c.follow_up_id = f.id AND c.day = d.day::date AND c.is_current)
"""
_COUNT_FAILED = """
UPDATE followup_followup f SET noted_until = %(yesterday)s, failed_days = (
    SELECT count(DISTINCT c.day) FROM followup_dailycheck c
    WHERE c.follow_up_id = f.id AND c.is_current AND c.state = ANY(%(counted)s)
      AND c.day > coalesce(f.last_seen, '-infinity'::date))
WHERE f.state = 'open' AND f.part_of_id IS NULL AND f.person_id IS NOT NULL AND f.noted_until < %(yesterday)s
"""


def close_days(at: datetime | None = None) -> dict[str, int]:
    """Note the days that are over, count who is lost, and end or extend what has reached its last day."""
    now = at or clock.now()
    pack = queries.rules_of(clock.local_day(now))
    return {"noted": note_days(pack, at=now), "lost": mark_lost(pack, at=now), "ended": end_what_is_over(pack, at=now)}


@transaction.atomic
def note_days(pack: RulePack, *, at: datetime) -> int:
    """Give each past day without an answer its state; return how many days."""
    values = {
        "zone": str(clock.zone()),
        "at": at,
        "yesterday": clock.local_day(at) - timedelta(days=1),
        "asked": [risk for risk in pack["checks"] if queries.checks_a_day(risk, pack)],
        "counted": list(pack["lost"]["counted"]),
    }
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_DAYS, values)
        noted = cursor.rowcount
        cursor.execute(_COUNT_FAILED, values)
    if noted:
        audit.record("followup.note_days", by=_BY, at=at, days=noted)
    return noted


def mark_lost(pack: RulePack, *, at: datetime) -> int:
    """End follow-ups of people who were not reached for as many days in a row as the rule says."""
    most = pack["lost"]["after_days"]
    due = FollowUp.objects.filter(LISTED, failed_days__gte=most).order_by("id").values_list("id", flat=True)[:_AT_ONCE]
    count = 0
    for number in list(due):
        with transaction.atomic():
            row = FollowUp.objects.select_for_update().get(id=number)
            if row.state != State.OPEN or row.failed_days < most:
                continue
            values = {"days": row.failed_days, "rule": pack.reference, "most": most}
            finish(row, str(State.LOST), (_LOST, values), by=_BY, at=at)
            count += 1
    return count


def end_what_is_over(pack: RulePack, *, at: datetime) -> int:
    """End follow-ups whose last day is over, or extend them where the rule says so."""
    today, count = clock.local_day(at), end_unseen(pack, at=at, most=_AT_ONCE)
    over = FollowUp.objects.filter(state=State.OPEN, part_of=None, until__lt=today).order_by("until", "id")
    for number in list(over.values_list("id", flat=True)[:_AT_ONCE]):
        with transaction.atomic():
            row = FollowUp.objects.select_for_update().get(id=number)
            if row.state != State.OPEN or row.until is None or row.until >= today:
                continue
            before = days_of(row)
            replan(row, at=at)
            if row.until >= today:
                row.revision += 1
                row.save()
                reason = gettext_noop("Nobody was reached at the end.")
                changed(row, "dates", before, days_of(row), reason=reason, by=_BY, at=at).save()
                continue
            _finish_over(row, pack, at=at)
            count += 1
    return count


def _finish_over(row: FollowUp, pack: RulePack, *, at: datetime) -> None:
    until = row.until.isoformat() if row.until else ""
    if row.person_id is None:
        finish(row, str(State.NOT_NEEDED), (UNKNOWN, {"until": until}), by=_BY, at=at)
    elif row.first_reached is None and row.last_seen is None:
        finish(row, str(State.NOT_NEEDED), (UNSEEN, {"until": until}), by=_BY, at=at)
    elif not queries.checks_a_day(row.risk, pack):
        finish(row, str(State.COMPLETED), (_TOLD, {"until": until}), by=_BY, at=at)
    else:
        seen = len({day.day for day in queries.days_of(row, at) if day.state in queries.SEEN})
        values: dict[str, Any] = {"until": until, "seen": seen, "days": len(row.days)}
        finish(row, str(State.COMPLETED), (_COMPLETED, values), by=_BY, at=at)


@transaction.atomic
def join(person: UUID, *, at: datetime) -> int:
    """Two rows of people are one person: of two open follow-ups of a disease the older one leads, the other is part of it.

    No exposure, check or attempt moves, so that `part` can take them apart again.
    """
    rows = queries.clusters({person})[person]
    found = FollowUp.objects.select_for_update().filter(person__in=rows, state=State.OPEN, part_of=None)
    leading: dict[str, FollowUp] = {}
    count = 0
    for row in found.order_by("known_at", "id"):
        leader = leading.setdefault(row.disease, row)
        if leader is row:
            continue
        row.part_of, row.due_from, row.overdue_from = leader, None, None
        row.save()
        changed(row, "joined", {}, {"part_of": leader.id}, reason=_MERGED, by=_BY, at=at).save()
        _carry(leader, row)
        count += 1
    if count:
        replan_all([row.id for row in leading.values()], by=_BY, at=at, reason=_MERGED)
        live.tell("followup")
    return count


def _carry(leader: FollowUp, part: FollowUp) -> None:
    """What is known of the person from the joined follow-up, and the earliest promise."""
    leader.is_told = leader.is_told or part.is_told
    leader.reports = leader.reports or part.reports
    reached = [one for one in (leader.first_reached, part.first_reached) if one]
    leader.first_reached = min(reached, default=None)
    leader.last_seen = max(filter(None, [leader.last_seen, part.last_seen]), default=None)
    if part.promised_at and (leader.promised_at is None or part.promised_at < leader.promised_at):
        leader.promised_at, leader.promise = part.promised_at, part.promise
    leader.assigned_to = leader.assigned_to or part.assigned_to
    leader.save()


@transaction.atomic
def part(unmerged: UUID, *, at: datetime) -> int:
    """A merge was undone: follow-ups that were joined stand alone again, and exposures told of this row go with it."""
    rows = set(queries.clusters({unmerged})[unmerged])
    touched: set[int] = set()
    either = Q(person__in=rows) | Q(part_of__person__in=rows)
    joined = FollowUp.objects.select_for_update(of=("self",)).filter(either, part_of__isnull=False)
    for row in joined.select_related("part_of"):
        if row.part_of and (row.person_id in rows) != (row.part_of.person_id in rows):
            touched |= {row.id, row.part_of_id}
            changed(row, "parted", {"part_of": row.part_of_id}, {}, reason=_UNMERGED, by=_BY, at=at).save()
            FollowUp.objects.filter(id=row.id).update(part_of=None)
            _open_if_other(row, rows, at=at)
    touched |= _move_strays(rows, at=at)
    if touched:
        replan_all(touched, by=_BY, at=at, reason=_UNMERGED)
        live.tell("followup")
    return len(touched)


def _open_if_other(row: FollowUp, rows: set[UUID], *, at: datetime) -> None:
    """What was ended because the other person became a case goes on."""
    case = cases.cases_by_id([row.case_id]).get(row.case_id) if row.case_id else None
    if case is None or row.state != State.CONVERTED or row.part_of is None:
        return
    own = rows if row.person_id in rows else set(queries.clusters({row.person_id})[row.person_id])
    if case.person_id not in own:
        row.part_of = None
        open_again(row, reason=_UNMERGED, by=_BY, at=at)


def _move_strays(rows: set[UUID], *, at: datetime) -> set[int]:
    """Exposures told of these rows while they counted as another person get a follow-up of their own."""
    strays = Exposure.objects.select_related("follow_up").filter(who__in=rows, follow_up__person__isnull=False)
    touched: set[int] = set()
    homes: dict[tuple[UUID, str], FollowUp] = {}
    for one in strays.exclude(follow_up__person__in=rows).order_by("id"):
        former = one.follow_up
        own = FollowUp.objects.filter(person__in=rows, disease=former.disease, state=State.OPEN).order_by("known_at").first()
        home = homes.get((one.who, former.disease)) or own or _copy_of(former, one.who, at=at)
        homes[one.who, former.disease] = home
        one.follow_up = home
        one.save(update_fields=["follow_up"])
        touched |= {former.id, home.id}
    return touched


def _copy_of(former: FollowUp, who: UUID, *, at: datetime) -> FollowUp:
    made = FollowUp.objects.create(
        person_id=who,
        disease=former.disease,
        risk=former.risk,
        rank=former.rank,
        certain=former.certain,
        known_at=at,
        restarted_at=at,
        noted_until=clock.local_day(at) - timedelta(days=1),
        language=former.language,
        district=former.district,
        team=former.team,
        assigned_to=former.assigned_to,
        assignment=former.assignment,
        simulated=former.simulated,
    )
    Change.objects.create(
        follow_up=made, kind="parted", before={"part_of": former.id}, after={}, reason=_UNMERGED, by=_BY, at=at
    )
    return made
