"""What came of a day and of a try: told by the person, by a call or a visit; safe to be sent twice."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.followup import queries
from epipolis.act.followup.events import SymptomsTold
from epipolis.act.followup.models import Attempt, DailyCheck, DayState, FollowUp, How
from epipolis.core import audit, clock, events, live
from epipolis.understand.tracing import services as tracing

from .timing import replan

ANSWERS = ("yes", "no", "unknown")
TOLD = (DayState.SEEN_OK, DayState.SEEN_ILL, DayState.NOT_SEEN)
_ILL_BY_LINK = gettext_noop("Reported symptoms by the link: call about a test.")
_LOWEST, _HIGHEST = Decimal("30.0"), Decimal("45.0")
_EARLY = timedelta(minutes=5)  # a phone's clock may go a little fast


class FollowUpError(ValueError):
    """Something that cannot be noted: the field and the rule it breaks."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field, self.rule = field, rule


@dataclass(frozen=True, slots=True)
class Noted:
    """A stored answer; `replaced` is a different one that stood there before, `is_new` is false for a repeat."""

    check: DailyCheck
    is_new: bool
    replaced: DailyCheck | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody told about a day. `client_id` is the number that a phone gave to its draft."""

    state: str
    day: date
    part: int = 0
    temperature: Decimal | None = None
    symptoms: Mapping[str, str] = field(default_factory=dict)
    how: str = str(How.CALL)
    note: str = ""
    answered: datetime | None = None  # when, by the phone's clock, where it was sent later
    client_id: UUID | None = None


@transaction.atomic
def record_check(follow_up_id: int, answer: Answer, *, by: audit.Actor, at: datetime) -> Noted:
    """Note what is known of one day. The same draft again is the same answer. Of two answers to one day the one that was
    given last holds, whichever arrived first; the other one stays and is named.

    Raises:
        FollowUp.DoesNotExist: there is none.
        FollowUpError: a value breaks a rule.
    """
    row = _open(follow_up_id)
    known = DailyCheck.objects.filter(client_id=answer.client_id).first() if answer.client_id else None
    if known:
        if known.follow_up_id != row.id:
            raise FollowUpError("client_id", gettext_noop("belongs to another follow-up"))
        return Noted(known, False)
    _check_answer(row, answer, at=at)
    check, replaced = _store(row, answer, by=by, at=at)
    if check.is_current:
        _count(row, check, at=at)
    audit.record("followup.check", by=by, at=at, subject=row.id, person=row.person_id, day=str(check.day), state=check.state)
    live.tell("followup", follow_up=row.id)
    return Noted(check, True, replaced)


@transaction.atomic
def record_attempt(
    follow_up_id: int,
    *,
    outcome: str,
    by: audit.Actor,
    at: datetime,
    how: str = str(How.CALL),
    note: str = "",
    call_back_at: datetime | None = None,
    promise: str = "",
    tried_at: datetime | None = None,
    client_id: UUID | None = None,
) -> Attempt:
    """Note a try to speak with somebody. A time to call back is a promise: it comes to the top of the list then.

    Raises:
        FollowUp.DoesNotExist: there is none.
        FollowUpError: a value breaks a rule.
    """
    row = _open(follow_up_id)
    known = Attempt.objects.filter(client_id=client_id).first() if client_id else None
    if known:
        return known
    _check_attempt(row, outcome, how, call_back_at, tried_at, at=at)
    made = Attempt.objects.create(
        follow_up=row,
        at=tried_at or at,
        outcome=outcome,
        how=how,
        note=note,
        call_back_at=call_back_at,
        by=audit.actor_name(by),
        client_id=client_id,
    )
    row.promised_at, row.promise = call_back_at, promise or (note[:300] if call_back_at else "")
    if outcome == Attempt.Outcome.REACHED:
        _reached(row, made.at)
    _save(row, at=at)
    _tell_tracing(row, "reached" if outcome == Attempt.Outcome.REACHED else "tried", by=by, at=at)
    audit.record("followup.attempt", by=by, at=at, subject=row.id, person=row.person_id, outcome=outcome)
    live.tell("followup", follow_up=row.id)
    return made


def _open(follow_up_id: int) -> FollowUp:
    row = FollowUp.objects.select_for_update().get(id=follow_up_id)
    if row.part_of_id:
        row = FollowUp.objects.select_for_update().get(id=row.part_of_id)
    return row


def _check_answer(row: FollowUp, answer: Answer, *, at: datetime) -> None:
    if row.person_id is None:
        raise FollowUpError("person", gettext_noop("it is not known who this is, so nobody can be asked"))
    if answer.state not in TOLD:
        raise FollowUpError("state", gettext_noop("must be seen_ok, seen_ill or not_seen"))
    if answer.how not in (How.LINK, How.CALL, How.VISIT, How.IMPORT):
        raise FollowUpError("how", gettext_noop("must be link, call, visit or import"))
    if answer.day > clock.local_day(at):
        raise FollowUpError("day", gettext_noop("must not lie in the future"))
    if row.starts and answer.day < row.starts - timedelta(days=1):
        raise FollowUpError("day", gettext_noop("must not lie before the follow-up"))
    if not 0 <= answer.part < max(queries.times_a_day(row, at), 1):
        raise FollowUpError("part", gettext_noop("the rule asks less often a day"))
    if answer.temperature is not None and not _LOWEST <= answer.temperature <= _HIGHEST:
        raise FollowUpError("temperature", gettext_noop("must be between 30 and 45 °C"))
    if any(value not in ANSWERS for value in answer.symptoms.values()) or len(answer.symptoms) > 40:
        raise FollowUpError("symptoms", gettext_noop("each must be yes, no or unknown"))
    if answer.state == DayState.SEEN_OK and "yes" in answer.symptoms.values():
        raise FollowUpError("state", gettext_noop("somebody with symptoms is not well"))
    if answer.answered and answer.answered > at + _EARLY:
        raise FollowUpError("answered", gettext_noop("must not lie in the future"))


def _check_attempt(
    row: FollowUp, outcome: str, how: str, call_back_at: datetime | None, tried_at: datetime | None, *, at: datetime
) -> None:
    if row.person_id is None:
        raise FollowUpError("person", gettext_noop("it is not known who this is, so nobody can be called"))
    if outcome not in Attempt.Outcome.values:
        raise FollowUpError("outcome", gettext_noop("is none of the known outcomes"))
    if how not in (How.CALL, How.VISIT):
        raise FollowUpError("how", gettext_noop("must be call or visit"))
    if outcome == Attempt.Outcome.CALL_BACK and call_back_at is None:
        raise FollowUpError("call_back_at", gettext_noop("say when to call back"))
    if call_back_at is not None and call_back_at <= (tried_at or at):
        raise FollowUpError("call_back_at", gettext_noop("must lie after the call"))
    if tried_at is not None and not row.known_at - timedelta(days=1) <= tried_at <= at + _EARLY:
        raise FollowUpError("tried_at", gettext_noop("must lie within the follow-up, and not in the future"))


def _store(row: FollowUp, answer: Answer, *, by: audit.Actor, at: datetime) -> tuple[DailyCheck, DailyCheck | None]:
    fresh = DailyCheck(
        follow_up=row,
        day=answer.day,
        part=answer.part,
        state=answer.state,
        temperature=answer.temperature,
        symptoms=dict(answer.symptoms),
        how=answer.how,
        by=audit.actor_name(by),
        at=min(answer.answered or at, at),
        received=at,
        client_id=answer.client_id,
        note=answer.note,
    )
    former = DailyCheck.objects.filter(follow_up=row, day=answer.day, part=answer.part, is_current=True).first()
    if former is None:
        fresh.save()
        return fresh, None
    if _outranks(former, fresh):
        fresh.is_current = False
    else:
        former.is_current = False
        former.save(update_fields=["is_current"])
    fresh.save()
    is_conflict = former.how != How.PLATFORM and _said(former) != _said(fresh)
    return fresh, former if is_conflict else None


def _outranks(former: DailyCheck, fresh: DailyCheck) -> bool:
    """Whether the older row holds: what somebody told outranks a try in vain, else the one that was given later."""
    was_seen, is_seen = former.state in queries.SEEN, fresh.state in queries.SEEN
    return was_seen if was_seen != is_seen else former.how != How.PLATFORM and former.at > fresh.at


def _said(check: DailyCheck) -> tuple[Any, ...]:
    return check.state, check.temperature, check.symptoms


def _count(row: FollowUp, check: DailyCheck, *, at: datetime) -> None:
    """What an answer changes about its follow-up."""
    if check.state in queries.SEEN:
        _reached(row, check.at)
        if row.last_seen is None or (check.day, check.part) >= (row.last_seen, row.seen_part):
            row.last_seen, row.seen_part, row.failed_days = check.day, check.part, 0
        if row.promised_at and row.promised_at <= at:
            row.promised_at, row.promise = None, ""
    if check.state == DayState.SEEN_ILL:
        if check.how == How.LINK:  # nobody has spoken with them yet
            row.promised_at, row.promise = check.received, _ILL_BY_LINK
        if row.person_id:
            events.publish(SymptomsTold(follow_up=row.id, person=row.person_id))
    _save(row, at=at)
    if check.state in queries.SEEN and check.how != How.LINK:
        _tell_tracing(row, "reached", by=check.by, at=at)


def _reached(row: FollowUp, at: datetime) -> None:
    row.first_reached = min(row.first_reached, at) if row.first_reached else at
    row.is_told = True


def _save(row: FollowUp, *, at: datetime) -> None:
    replan(row, at=at)
    row.revision += 1
    row.save()


def _tell_tracing(row: FollowUp, state: str, *, by: audit.Actor, at: datetime) -> None:
    """The contacts that tracing found say what became of them too; who was reached once stays reached."""
    ids = [one.tracing_contact for one in queries.exposures_of(row) if one.tracing_contact and one.gone is None]
    tracing.note_follow_up(ids, state=state, by=by, at=at)
