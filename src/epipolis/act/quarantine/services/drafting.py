"""Drafts: what the rule proposes from a confirmed case or a contact. A draft follows the facts; an issued order asks."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_noop

from epipolis.act.followup import queries as followup
from epipolis.act.followup.models import FollowUp
from epipolis.act.followup.models import State as Followed
from epipolis.act.notices import services as notices
from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import OPEN, Kind, Order, OrderChange, State
from epipolis.act.quarantine.queries import Planned
from epipolis.core import audit, clock
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.models import Classification, Outcome
from epipolis.sense.people import queries as people

from .storing import TOPIC, finish, store, values

LOCK = 7_601
_HOLD_EACH = (
    "SELECT pg_advisory_xact_lock(%s, key) FROM (SELECT DISTINCT hashtext(who) AS key FROM unnest(%s::text[]) who ORDER BY 1) _"
)
DAYS = ("starts", "until", "standard_until", "is_earliest")
NEWS = gettext_noop("The facts from which the days are counted changed.")
_NO_CONTACT = gettext_noop("The contact no longer counts: what made it one was corrected.")
_NO_CASE = gettext_noop("The case is no longer confirmed.")
_OVER = gettext_noop("The follow-up of this contact has ended.")
_BECAME_CASE = gettext_noop("The person became a case: isolation takes the place of quarantine.")
_DIED = gettext_noop("The person has died.")
_LOW_RISK = gettext_noop("The risk of the contact is now so low that the rule %(rule)s orders nothing.")


@transaction.atomic
def draft_order(
    *,
    person: UUID,
    kind: str,
    disease: str,
    planned: Planned,
    by: audit.Actor,
    at: datetime,
) -> Order:
    """Draft an order for somebody, as an officer says. Who has an open one of this kind keeps it: its days follow, or it asks.

    Raises:
        LookupError: there is no such person.
    """
    if not people.registered([person]):
        raise LookupError("there is no such person")
    rows = hold(person)
    known = _open_one(rows, kind)
    if known is not None:
        follow(known, planned, by=by, at=at)
        return known
    made = new_draft(person, kind, disease, planned, at=at)
    _store_new(made, rows, by=by, at=at)
    return made


def _store_new(made: Order, rows: tuple[UUID, ...], *, by: audit.Actor, at: datetime) -> None:
    made.language, made.district_id = followup.lives({rows[0]}).get(rows[0], ("", None))
    made.revision = 0
    store(made, "drafted", {}, values(made, DAYS), by=by, at=at, rule=made.decision["rule"])


def new_draft(person: UUID | None, kind: str, disease: str, planned: Planned, *, at: datetime) -> Order:
    """A draft that is not stored yet."""
    return Order(
        person_id=person,
        kind=kind,
        disease=disease,
        radius=queries.paper_rules(clock.local_day(at))["radius"],
        decision=planned.decision.to_json(),
        known_at=at,
        **{name: getattr(planned, name) for name in ("starts", "until", "is_earliest")},
        standard_until=planned.until,
    )


@transaction.atomic
def draft_from_case(case_id: UUID, *, by: audit.Actor, at: datetime) -> Order | None:
    """Draft the isolation of a confirmed case, or let its order follow what is believed of the case now."""
    case = cases.cases_by_id([case_id]).get(case_id)
    if case is None:
        return None
    rows = hold(case.person_id)
    if case.outcome == Outcome.DIED:
        end_of_the_dead(rows, by=by, at=at)
        return None
    known = _open_one(rows, str(Kind.ISOLATION))
    if case.classification != Classification.CONFIRMED or case.same_as:
        if known is not None and known.case_id == case.id:
            loses(known, _NO_CASE, {}, by=by, at=at)
        return known
    day = clock.local_day(at)
    illness = queries.illness_of(case, well_since=known.well_since if known else None)
    planned = queries.plan_isolation(illness, day=day, pack=queries.rules_of(str(Kind.ISOLATION), day))
    if known is not None:
        known.case_id = known.case_id or case.id
        follow(known, planned, by=by, at=at)
    else:
        former = Order.objects.filter(person__in=rows, case=case).exclude(OPEN)
        # Another office that took the case over orders what is needed there.
        if case.ended or case.owner or is_decided(former, planned, at):
            return None
        known = new_draft(case.person_id, str(Kind.ISOLATION), case.disease, planned, at=at)
        known.case_id, known.household, known.simulated = case.id, queries.household_of(case.id), case.simulated
        _store_new(known, rows, by=by, at=at)
    drafts = Order.objects.select_for_update().filter(person__in=rows, kind=Kind.QUARANTINE, state=State.DRAFT)
    for draft in drafts.filter(disease=case.disease):
        finish(draft, str(State.WITHDRAWN), (_BECAME_CASE, {}), by=by, at=at)
    return known


def end_of_the_dead(rows: tuple[UUID, ...], *, by: audit.Actor, at: datetime) -> None:
    """Nothing binds somebody who died, and no message about an order goes to those who mourn."""
    for row in Order.objects.select_for_update().filter(OPEN, person__in=rows).order_by("id"):
        state = State.ENDED if row.state == State.ISSUED else State.WITHDRAWN
        finish(row, str(state), (_DIED, {}), by=by, at=at)
        notices.cancel(("order", str(row.id)), by=by, at=at)


def follow(row: Order, planned: Planned, *, by: audit.Actor, at: datetime) -> None:
    """Let a locked order follow the rule: a draft takes the days over, an issued order asks the officer."""
    if row.state == State.DRAFT:
        before = take_over(row, planned)
        if before is not None:
            store(row, "redrafted", before, values(row, DAYS), by=by, at=at, reason=NEWS)
        return
    if planned.decision.outcome in (row.decision.get("outcome"), row.decision.get("declined")):
        if row.asks.get("kind") == "days":  # the news was taken back
            row.asks = {}
            store(row, "asked", {}, {}, by=by, at=at, reason=NEWS)
    elif planned.until == row.until and planned.is_earliest == row.is_earliest:
        before = values(row, DAYS)
        row.standard_until, row.decision, row.asks = planned.until, planned.decision.to_json(), {}
        store(row, "agreed", before, values(row, DAYS), by=by, at=at, reason=NEWS)
    elif row.asks.get("until") != (planned.until.isoformat() if planned.until else None) or row.asks.get("kind") != "days":
        ask(row, "days", planned, by=by, at=at)


def take_over(row: Order, planned: Planned) -> dict[str, Any] | None:
    """Set the days of a draft to what the rule says, not stored yet; the days before, None where nothing is new."""
    if planned.decision.outcome == row.decision.get("outcome") and planned.starts == row.starts:
        return None
    before = values(row, DAYS)
    row.starts, row.until, row.is_earliest = planned.starts, planned.until, planned.is_earliest
    row.standard_until, row.decision = planned.until, planned.decision.to_json()
    return before


def ask(row: Order, kind: str, planned: Planned | None, *, by: audit.Actor, at: datetime, reason: str = NEWS) -> None:
    """Put a question to the officers: about new days, an end, symptoms, or a second order of the same person."""
    row.asks = {"kind": kind, "since": at.isoformat(), "reason": reason}
    if planned is not None:
        until = planned.until.isoformat() if planned.until else None
        row.asks |= {"until": until, "is_earliest": planned.is_earliest, "decision": planned.decision.to_json()}
    store(row, "asked", {}, {name: row.asks.get(name) for name in ("kind", "until")}, by=by, at=at, reason=reason)


def hold(person: UUID) -> tuple[UUID, ...]:
    """Every row of a person; whoever else drafts for them waits until this transaction ends."""
    rows = people.same_person(person)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK, str(rows[0])])
    return rows


def hold_each(persons: Collection[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """The same for many people at once: each with every row of theirs, the one that holds first."""
    clusters = people.same_people(persons) if persons else {}
    with connection.cursor() as cursor:
        cursor.execute(_HOLD_EACH, [LOCK, sorted({str(cluster[0]) for cluster in clusters.values()})])
    return clusters


def _open_one(rows: tuple[UUID, ...], kind: str) -> Order | None:
    """The open order of a person; of two (merged people have them) the issued one."""
    found = Order.objects.select_for_update().filter(OPEN, person__in=rows, kind=kind)
    return found.order_by("-state", "-until", "id").first()


def why_not(row: FollowUp, rule: str, risks: list[str]) -> tuple[str, dict[str, Any]] | None:
    """Why nothing is ordered for a contact; None where the rule does order."""
    reasons = {Followed.CANCELLED: _NO_CONTACT, Followed.NOT_NEEDED: _OVER, Followed.COMPLETED: _OVER}
    if row.state == Followed.CONVERTED:
        return _BECAME_CASE, {}
    if row.state in reasons:
        return reasons[Followed(row.state)], {}
    return (_LOW_RISK, {"rule": rule}) if row.risk not in risks else None


def loses(row: Order, text: str, told: dict[str, Any], *, by: audit.Actor, at: datetime) -> None:
    """What made an order necessary is gone: a draft ends, an issued order asks whether to lift it."""
    if row.state == State.DRAFT:
        finish(row, str(State.WITHDRAWN), (text, told), by=by, at=at)
    elif text not in (_OVER, _BECAME_CASE) and row.asks.get("kind") != "lift":
        ask(row, "lift", None, by=by, at=at, reason=text % told)


def is_decided(former: Iterable[Order], planned: Planned, at: datetime) -> bool:
    """Whether the rule says nothing new: its last day is over, or one of the ended orders from the same facts decided it."""
    if planned.until and planned.until < clock.local_day(at):
        return True
    return any(
        planned.until is None or (one.standard_until is not None and one.standard_until >= planned.until)
        for one in former
        if not _was_ended_by_rule(one)
    )


def _was_ended_by_rule(row: Order) -> bool:
    """A draft that the facts had withdrawn may come back with them; what a person decided stays decided."""
    if row.state != State.WITHDRAWN:
        return False
    line = OrderChange.objects.filter(order=row.id, kind=str(State.WITHDRAWN)).order_by("-id").first()
    return line is not None and line.by == TOPIC
