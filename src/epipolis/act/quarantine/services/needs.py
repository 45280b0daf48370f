"""What people under an order need, asked on the first day, and how they say they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.followup import services as followup
from epipolis.act.followup.models import State as Followed
from epipolis.act.quarantine import queries
from epipolis.act.quarantine.events import NeedTold
from epipolis.act.quarantine.models import Kind, Need, Order, SelfReport, State
from epipolis.core import audit, clock, events, live
from epipolis.core.sealing import seal

from .drafting import follow
from .storing import TOPIC, OrderError, locked, store

LONGEST = 1_000
_BACK = timedelta(days=7)
_LOWEST, _HIGHEST = Decimal("30.0"), Decimal("45.0")


@dataclass(frozen=True, slots=True)
class NeedAsked:
    """One thing that somebody needs."""

    kind: str
    text: str = ""
    urgent: bool = False
    client_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """How somebody says they are. `client_id` makes a repeat harmless."""

    day: date
    symptoms: Mapping[str, str] = field(default_factory=dict)
    temperature: Decimal | None = None
    is_ill: bool = False
    client_id: UUID | None = None


@transaction.atomic
def tell_needs(order_id: int, needs: list[NeedAsked], *, by: audit.Actor, at: datetime) -> list[Need]:
    """Note that somebody was asked what they need, and what it is; nothing is an answer too. Each need is passed on.

    What is asked for twice while it is open is one need; a new text is added to nothing.

    Raises:
        Order.DoesNotExist: there is none.
        OrderError: the order is over, or a need cannot be.
    """
    row = locked(order_id)
    if not row.is_open:
        raise OrderError("state", gettext_noop("this order is over"))
    for one in needs:
        if one.kind not in Need.Kind.values:
            raise OrderError("kind", gettext_noop("must be food, medicine, care, pets, language or other"))
        if len(one.text) > LONGEST:
            raise OrderError("text", gettext_noop("is too long"))
        if one.kind == Need.Kind.OTHER and not one.text.strip():
            raise OrderError("text", gettext_noop("say what is needed"))
    made = [need for one in needs if (need := _new_need(row, one, by=by, at=at))]
    if row.needs_asked is None or made:
        row.needs_asked = row.needs_asked or at
        store(row, "needs", {}, {"needs": [need.kind for need in made]}, by=by, at=at)
    return made


def _new_need(row: Order, one: NeedAsked, *, by: audit.Actor, at: datetime) -> Need | None:
    same = Need.objects.filter(order=row)
    if one.client_id and same.filter(client_id=one.client_id).exists():
        return None
    if not one.text.strip() and same.filter(kind=one.kind, met_at=None, text=b"").exists():
        return None
    made = Need.objects.create(
        order=row,
        kind=one.kind,
        text=seal(one.text.strip()),
        is_urgent=one.urgent,
        at=at,
        by=audit.actor_name(by),
        client_id=one.client_id,
    )
    events.publish(NeedTold(need=made.id, order=row.id, person=row.person_id, kind=one.kind, urgent=one.urgent))
    return made


@transaction.atomic
def meet_need(need_id: int, *, by: audit.Actor, at: datetime) -> Need:
    """Note that somebody got what they needed; noting it twice changes nothing.

    Raises:
        Need.DoesNotExist: there is none.
    """
    need = Need.objects.select_for_update().get(id=need_id)
    if need.met_at is None:
        need.met_at, need.met_by = at, audit.actor_name(by)
        need.save(update_fields=["met_at", "met_by"])
        audit.record("quarantine.need_met", by=by, at=at, subject=need.order_id, need=need.id)
        live.tell(TOPIC, order=need.order_id)
    return need


@transaction.atomic
def self_report(order_id: int, report: Report, *, by: audit.Actor, at: datetime) -> SelfReport:
    """Note how somebody says they are; the open follow-up hears it too. The same `client_id` again is the same report.

    Raises:
        Order.DoesNotExist: there is none.
        OrderError: the order is over, or a value cannot be.
    """
    row = locked(order_id)
    if row.state != State.ISSUED:
        raise OrderError("state", gettext_noop("this order is not in force"))
    known = SelfReport.objects.filter(order=row, client_id=report.client_id).first() if report.client_id else None
    if known is not None:
        return known
    _check(report, at=at)
    made = SelfReport.objects.create(
        order=row,
        day=report.day,
        is_ill=report.is_ill,
        symptoms=dict(report.symptoms),
        temperature=report.temperature,
        by=audit.actor_name(by),
        at=at,
        client_id=report.client_id,
    )
    audit.record("quarantine.report", by=by, at=at, subject=row.id, person=row.person_id, day=str(report.day))
    live.tell(TOPIC, order=row.id)
    _tell_follow_up(row, report, by=by, at=at)
    if row.kind == Kind.ISOLATION and report.is_ill and row.well_since and report.day >= row.well_since:
        _ill_again(row, by=by, at=at)
    return made


def _check(report: Report, *, at: datetime) -> None:
    if not clock.local_day(at) - _BACK <= report.day <= clock.local_day(at):
        raise OrderError("day", gettext_noop("must be today or one of the last days"))
    if report.temperature is not None and not _LOWEST <= report.temperature <= _HIGHEST:
        raise OrderError("temperature", gettext_noop("must be between 30 and 45 °C"))
    if any(value not in ("yes", "no") for value in report.symptoms.values()) or len(report.symptoms) > 40:
        raise OrderError("symptoms", gettext_noop("each must be yes or no"))


def _tell_follow_up(row: Order, report: Report, *, by: audit.Actor, at: datetime) -> None:
    known = row.follow_up
    if known is None or known.state != Followed.OPEN:
        return
    if known.starts and report.day < known.starts:
        return
    state = "seen_ill" if report.is_ill else "seen_ok"
    answer = followup.Answer(
        state=state, day=report.day, temperature=report.temperature, symptoms=report.symptoms, how="link",
        client_id=report.client_id,
    )  # fmt: skip
    followup.record_check(known.id, answer, by=by, at=at)


def _ill_again(row: Order, *, by: audit.Actor, at: datetime) -> None:
    """Symptoms came back after somebody had noted their end: the officer is asked about the days."""
    if row.case is None:
        return
    day = clock.local_day(at)
    planned = queries.plan_isolation(queries.illness_of(row.case), day=day, pack=queries.rules_of(row.kind, day))
    follow(row, planned, by=by, at=at)
