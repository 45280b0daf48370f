"""Ends: completed, lost, cancelled, without follow-up, or become a case; each with its reason, and history kept."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from epipolis.act.followup import queries
from epipolis.act.followup.events import FollowUpsEnded, FollowUpsMoved
from epipolis.act.followup.models import FollowUp, Handover, Interview, State
from epipolis.core import audit, clock, events, live
from epipolis.core.rules import Decision
from epipolis.understand.tracing import services as tracing

from .checks import FollowUpError
from .timing import changed, days_of, replan

BY_A_PERSON = gettext_noop("Decided by a person: %(reason)s")
_CONVERTED = gettext_noop("This person became a case on %(day)s; the file of the case goes on.")
_NO_CASE = gettext_noop("The case of this person is no longer confirmed.")


@transaction.atomic
def end_follow_up(follow_up_id: int, *, state: str, reason: str, by: audit.Actor, at: datetime) -> FollowUp:
    """End a follow-up before its time, by a person and with a reason.

    Raises:
        FollowUp.DoesNotExist: there is none.
        FollowUpError: there is no reason, or no such final state.
    """
    if not reason.strip():
        raise FollowUpError("reason", gettext_noop("say why"))
    if state not in (State.COMPLETED, State.LOST, State.CANCELLED, State.NOT_NEEDED):
        raise FollowUpError("state", gettext_noop("must be completed, lost, cancelled or not_needed"))
    row = FollowUp.objects.select_for_update().get(id=follow_up_id)
    return finish(row, str(State(state)), (BY_A_PERSON, {"reason": reason}), by=by, at=at, reason=reason)


@transaction.atomic
def reopen(follow_up_id: int, *, reason: str, by: audit.Actor, at: datetime) -> FollowUp:
    """Go on with a follow-up that had ended.

    Raises:
        FollowUp.DoesNotExist: there is none.
        FollowUpError: there is no reason, it is open, or the person has another open one.
    """
    row = FollowUp.objects.select_for_update().get(id=follow_up_id)
    if not reason.strip():
        raise FollowUpError("reason", gettext_noop("say why"))
    if row.state == State.OPEN:
        raise FollowUpError("state", gettext_noop("is open already"))
    if queries.open_of_same(row):
        raise FollowUpError("state", gettext_noop("this person has another open follow-up"))
    return open_again(row, reason=reason, by=by, at=at)


def open_again(row: FollowUp, *, reason: str, by: audit.Actor, at: datetime) -> FollowUp:
    """The same for one that the caller has locked and checked."""
    before = days_of(row)
    row.state, row.ended, row.end_reason, row.case = State.OPEN, None, {}, None
    row.failed_days = 0
    replan(row, at=at)
    row.revision += 1
    row.save()
    changed(row, "state", before, days_of(row), reason=reason, by=by, at=at).save()
    audit.record("followup.reopen", by=by, at=at, subject=row.id, person=row.person_id)
    live.tell("followup", follow_up=row.id)
    if row.person_id:
        events.publish(FollowUpsMoved((row.id,)))
    return row


def finish(
    row: FollowUp,
    state: str,
    why: tuple[str, dict[str, Any]],
    *,
    by: audit.Actor,
    at: datetime,
    reason: str = "",
    case: UUID | None = None,
) -> FollowUp:
    """End a follow-up that the caller has locked. One that ended already stays as it is."""
    if row.state != State.OPEN:
        return row
    before, rule = days_of(row), queries.rules_of(clock.local_day(at)).reference
    row.state, row.ended, row.case_id = state, at, case
    row.end_reason = Decision(str(state), rule, clock.local_day(at), {}, (why,)).to_json()
    row.due_from = row.overdue_from = row.promised_at = None
    row.promise = ""
    row.revision += 1
    row.save()
    changed(row, "state", before, days_of(row), reason=reason or why[0] % why[1], by=by, at=at).save()
    for part in FollowUp.objects.select_for_update().filter(part_of=row.id, state=State.OPEN):
        finish(part, state, why, by=by, at=at, reason=reason, case=case)
    ids = [one.tracing_contact for one in queries.exposures_of(row) if one.tracing_contact]
    tracing.note_follow_up(ids, state="closed", by=by, at=at)
    audit.record("followup.end", by=by, at=at, subject=row.id, person=row.person_id, state=str(state))
    live.tell("followup", follow_up=row.id)
    if row.person_id:
        events.publish(FollowUpsEnded((row.id,)))
    return row


@transaction.atomic
def convert(person: UUID, case: UUID, disease: str, *, by: audit.Actor, at: datetime) -> list[FollowUp]:
    """A followed person became a case: each open follow-up of theirs ends as that, with its history kept."""
    rows = queries.clusters({person})[person]
    found = FollowUp.objects.select_for_update().filter(person__in=rows, disease=disease, state=State.OPEN).order_by("id")
    if not (followed := list(found)):
        return []
    own = {number: day for cases in queries.own_cases(rows).values() for number, _disease, day in cases}
    day = own.get(case, clock.local_day(at))
    why: tuple[str, dict[str, Any]] = (_CONVERTED, {"day": day.isoformat()})
    return [finish(row, str(State.CONVERTED), why, by=by, at=at, case=case) for row in followed]


@transaction.atomic
def unconvert(case: UUID, *, by: audit.Actor, at: datetime) -> list[FollowUp]:
    """A case turned out to be none: the follow-ups that it had closed go on."""
    found = FollowUp.objects.select_for_update().filter(case=case, state=State.CONVERTED).order_by("id")
    return [open_again(row, reason=_NO_CASE, by=by, at=at) for row in found if not queries.open_of_same(row)]


@transaction.atomic
def forget_follow_ups(before: datetime, at: datetime) -> int:
    """Erase follow-ups that ended before a moment, with all that belongs to them; return how many."""
    Handover.objects.filter(at__lt=before).delete()
    Interview.objects.filter(Q(finished__lt=before) | Q(finished=None, started__lt=before)).delete()
    FollowUp.objects.filter(part_of__ended__lt=before).delete()
    _, counts = FollowUp.objects.filter(ended__lt=before).delete()
    stale = FollowUp.objects.filter(state=State.OPEN, until__lt=before.date(), known_at__lt=before)
    _, more = stale.delete()
    undated = FollowUp.objects.filter(until=None, known_at__lt=before)
    _, rest = undated.delete()
    return sum(one.get("followup.FollowUp", 0) for one in (counts, more, rest))
