"""Orders of another list as orders here: made, or made of the draft that waited for them; nothing is watched by that."""

import json
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_noop

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import Order, State
from epipolis.core import audit, clock
from epipolis.core.rules import Decision
from epipolis.core.sealing import fingerprint, seal

from .changing import DAYS
from .follow_ups import tell_follow_up
from .issuing import ISSUED
from .rows import OrderRow
from .storing import finish, store, values
from .telling import tell_person

FROM_LIST = gettext_noop("Said so in the list.")
_LIST = "list of another office"  # in the place of a rule; the name of a file may be anything and is shown nowhere
_TAKEN = gettext_noop("The office that issued the order says %(until)s; it was taken over from its list.")
_NO_DAY = gettext_noop("Taken over from the list of another office, which says no last day.")
_WHY = gettext_noop("Its reason there: %(reason)s")
_PERHAPS = (
    "address", "facility", "place", "lat", "lon", "radius", "told_how", "told_at", "legal_basis", "purpose", "reason",
    "starts", "kind",
)  # fmt: skip


def new_order(
    told: OrderRow, person: UUID, reference: str, lives: tuple[str, int | None], *, by: audit.Actor, at: datetime
) -> Order:
    """An order that is not stored yet, as a row of the list says it."""
    until = told.day("until")
    row = Order(
        person_id=person, kind=told.kind, disease=told.disease, state=told.state, known_at=at, reference=reference,
        starts=told.day("starts"), until=until, standard_until=until, simulated=told.person.simulated,
        decision=_decision(told, until, at=at), language=lives[0], district_id=lives[1],
    )  # fmt: skip
    _set_place(row, told, at=at)
    if told.state != State.DRAFT:
        _set_issued(row, told, by=by, at=at)
    if told.is_over:
        row.ended, row.end_reason = ended_at(told, at=at), _end_reason(told, at=at)
    remember(row, told)
    return row


def issue_draft(row: Order, told: OrderRow, reference: str, *, by: audit.Actor, at: datetime) -> dict[str, Any]:
    """Make the order of the list of a locked draft, not stored yet; what the draft said before. The rule's reasons stay."""
    before = values(row, ISSUED)
    row.starts, row.until, row.is_earliest = told.day("starts"), told.day("until"), False
    row.state, row.asks, row.reference = str(State.ISSUED), {}, row.reference or reference
    _set_place(row, told, at=at)
    _set_issued(row, told, by=by, at=at)
    remember(row, told)
    row.revision += 1
    return before


def remember(row: Order, told: OrderRow) -> None:
    """Keep what the list said, by which the same row is known to be the same."""
    row.imported = said(told)
    row.own_number = seal(told.text("order")) if told.text("order") else b""


def said(told: OrderRow) -> dict[str, Any]:
    """What a row says, as it is compared with what it said before."""
    until = told.day("until")
    rest = json.dumps([told.text(name) for name in _PERHAPS], ensure_ascii=False)
    return {"state": told.state, "until": _text(until), "rest": fingerprint(rest)}


def ended_at(told: OrderRow, *, at: datetime) -> datetime:
    """When an order that is over ended: at the end of the day that the list names, else of its last day."""
    day = told.day("ended") or told.day("until") or clock.local_day(at)
    return min(clock.start_of(day + timedelta(days=1)), at)


def why_over(told: OrderRow) -> str:
    return told.text("reason") or FROM_LIST


def follow_list(
    row: Order, told: OrderRow, *, tell: bool, by: audit.Actor, at: datetime
) -> tuple[bool, tuple[str, str] | None]:
    """Let a locked order follow what the list says otherwise than before: its last day, and its end. What was decided here
    since stays. Returns whether something changed, and what was not taken over: field and rule."""
    before, now = row.imported, said(told)
    if before == now:
        return False, None
    row.imported = now
    changed, doubt = False, None
    if row.state == told.state == State.DRAFT:
        changed = _redraft(row, told, by=by, at=at)
    elif row.state == State.ISSUED and told.is_over:
        changed = _end(row, told, tell=tell, by=by, at=at)
    elif row.state == State.ISSUED and told.state == State.ISSUED and now["until"] != before.get("until"):
        if _text(row.until) == before.get("until"):
            changed = _set_days(row, told, tell=tell, by=by, at=at)
        elif row.until != told.day("until"):
            doubt = "until", gettext_noop("was changed here since; the day of the list is not taken over")
    elif row.state != told.state and not (told.is_over and row.ended):
        doubt = "state", gettext_noop("stands otherwise here; decide it on the order’s page")
    else:
        doubt = "", gettext_noop("only another last day and the end are taken over again; change the rest on the order’s page")
    if not changed:
        row.save(update_fields=["imported"])
    return changed, doubt


def _redraft(row: Order, told: OrderRow, *, by: audit.Actor, at: datetime) -> bool:
    before = values(row, ISSUED)
    row.starts, row.until, row.standard_until = told.day("starts"), told.day("until"), told.day("until")
    row.decision = _decision(told, row.until, at=at)
    _set_place(row, told, at=at)
    store(row, "redrafted", before, values(row, ISSUED), by=by, at=at, reason=FROM_LIST)
    return True


def _end(row: Order, told: OrderRow, *, tell: bool, by: audit.Actor, at: datetime) -> bool:
    finish(row, told.state, (why_over(told), {}), by=by, at=at)
    row.ended = ended_at(told, at=at)
    row.save(update_fields=["ended"])
    tell_follow_up(row, reason=why_over(told), by=by, at=at)
    if tell:
        tell_person(row, told.state, by=by, at=at, reason=why_over(told))
    return True


def _set_days(row: Order, told: OrderRow, *, tell: bool, by: audit.Actor, at: datetime) -> bool:
    before, former = values(row, DAYS), row.until
    row.until, row.is_earliest = told.day("until"), False
    if row.decision.get("rule") == _LIST:  # no rule of this platform counted the days
        row.standard_until, row.decision = row.until, _decision(told, row.until, at=at)
    kind = "extended" if former is None or (row.until and row.until > former) else "shortened"
    store(row, kind, before, values(row, DAYS), by=by, at=at, reason=why_over(told), told=("days",))
    tell_follow_up(row, reason=why_over(told), by=by, at=at)
    if tell:
        tell_person(row, kind, by=by, at=at, reason=why_over(told))
    return True


def _set_place(row: Order, told: OrderRow, *, at: datetime) -> None:
    row.place, row.address, row.spot = told.place, told.address, told.spot
    row.facility = told.text("facility") if told.place == "facility" else ""
    row.radius = told.radius or row.radius if row.pk else told.radius or queries.paper_rules(clock.local_day(at))["radius"]


def _set_issued(row: Order, told: OrderRow, *, by: audit.Actor, at: datetime) -> None:
    texts, starts = queries.default_grounds(clock.local_day(at)), told.day("starts")
    row.legal_basis = told.text("legal_basis") or texts["legal_basis"]
    row.purpose = told.text("purpose") or texts["purpose"]
    row.issued_by, row.first_until = audit.actor_name(by), row.until
    row.issued_at = min(told.told_at or (clock.start_of(starts) if starts else at), at)
    if told.how == "verbal":
        row.verbal_at = told.told_at
    elif told.how == "written":
        row.written_at = told.told_at


def _decision(told: OrderRow, until: date | None, *, at: datetime) -> dict[str, Any]:
    day = _text(until) or ""
    reasons: list[tuple[str, dict[str, Any]]] = [(_TAKEN, {"until": day}) if day else (_NO_DAY, {})]
    if told.text("reason"):
        reasons.append((_WHY, {"reason": told.text("reason")}))
    return Decision(day, _LIST, clock.local_day(at), {}, tuple(reasons)).to_json()


def _end_reason(told: OrderRow, *, at: datetime) -> dict[str, Any]:
    day = clock.local_day(at)
    rule = queries.rules_of(told.kind, day).reference
    return Decision(told.state, rule, day, {}, ((why_over(told), {}),)).to_json()


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None
