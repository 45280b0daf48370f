"""Trace a case: look, compare with the former look, keep what is new, mark what is gone."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, transaction

from epipolis.core import audit, events, live
from epipolis.core.rows import update_rows
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.models import Case
from epipolis.understand.tracing import queries
from epipolis.understand.tracing.events import ContactsFound
from epipolis.understand.tracing.models import CaseStay, Contact, Encounter, Trace
from epipolis.understand.tracing.queries import Findings, Found

_LOCK = 7_301
_CONTACT = (
    "id", "case_id", "visitor", "person_id", "risk", "rank", "certain", "minutes", "companions", "last_met", "decision",
    "found", "state", "note", "simulated",
)  # fmt: skip
_ENCOUNTER = ("contact_id", "place_id", "starts", "ends", "certain")
_FIELDS = ("risk", "minutes", "certain", "last_met", "companions")
_ANEW = ("visitor", "person_id", *_FIELDS, "rank", "decision", "gone", "state")


@transaction.atomic
def trace_case(case_id: UUID, *, by: audit.Actor, at: datetime) -> Trace:
    """Find everybody who met a case in its infectious time and store what changed since the last time.

    Work that was done on a contact stays, also when a later look no longer finds the contact. Two traces of one case wait
    for each other; the same facts and visits again change nothing but when it was last checked.

    Raises:
        Case.DoesNotExist: there is no such case.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, str(case_id)])
    case = cases.case(case_id)
    found = queries.findings(case, at=at)
    former = queries.current_trace(case_id)
    changes = _keep_contacts(case, found, at=at)
    _keep_stays(case, found)
    if former and not any(changes.values()) and _is_same(former, case, found):
        Trace.objects.filter(id=former.id).update(checked=at)
        former.checked = at
        return former
    trace = _keep_trace(case, found, changes, former, at=at)
    counts = {"found": trace.found, "added": trace.added, "gone": trace.gone, "changed": trace.changed}
    audit.record("tracing.trace", by=by, at=at, subject=case_id, trace=trace.id, rule=found.decision.rule, **counts)
    live.tell("contacts", case=str(case_id))
    if any(changes.values()):
        found_ids = (*changes["added"], *changes["gone"], *map(int, changes["changed"]))
        events.publish(ContactsFound(case=case_id, contacts=found_ids))
    return trace


@transaction.atomic
def forget_old_contacts(before: datetime, at: datetime) -> int:
    """Erase contacts last met, and traces made, before a moment; return how many contacts."""
    Trace.objects.filter(checked__lt=before).delete()
    CaseStay.objects.filter(day__lt=before.date()).delete()
    _, counts = Contact.objects.filter(last_met__lt=before).delete()
    return counts.get("tracing.Contact", 0)


def _is_same(former: Trace, case: Case, found: Findings) -> bool:
    window = (found.window.since, found.window.until) if found.window else (None, None)
    return (
        former.case_revision == case.revision
        and (former.window_from, former.window_until) == window
        and former.visits == found.visits
        and {**former.decision, "day": ""} == {**found.decision.to_json(), "day": ""}
    )


def _keep_trace(case: Case, found: Findings, changes: dict[str, Any], former: Trace | None, *, at: datetime) -> Trace:
    Trace.objects.filter(case=case, is_current=True).update(is_current=False)
    return Trace.objects.create(
        case=case,
        case_revision=case.revision,
        known_at=case.revised_at,
        made=at,
        checked=at,
        is_first_look=former is None or former.case_revision != case.revision,
        window_from=found.window.since if found.window else None,
        window_until=found.window.until if found.window else None,
        decision=found.decision.to_json(),
        visits=found.visits,
        found=len(found.contacts),
        changes=changes,
        **{name: len(ids) for name, ids in changes.items()},
    )


def _keep_contacts(case: Case, found: Findings, *, at: datetime) -> dict[str, Any]:
    """Bring the stored contacts in line; return the ids that were added, are gone, and changed (with what changed)."""
    stored = _stored(case.id)
    added = _add_contacts(case, [one for visitor, one in found.contacts.items() if visitor not in stored], found, at=at)
    changed: dict[str, dict[str, list[Any]]] = {}
    back, gone, rewritten = [], [], []
    for visitor, (contact, pieces) in stored.items():
        now = found.contacts.get(visitor)
        if now is None:
            if contact.gone is None:
                gone.append(contact.id)
            continue
        difference = _difference(contact, now)
        is_back, contact.gone = contact.gone is not None, None
        if difference or is_back or pieces != _pieces(now) or contact.visitor != visitor:
            _update(contact, visitor, now, found)
            rewritten.append((contact, now))
            (back.append(contact.id) if is_back else changed.update({str(contact.id): difference}))
    if gone:
        Contact.objects.filter(id__in=gone).update(gone=at)
    _rewrite(rewritten)
    return {"added": added + back, "gone": gone, "changed": changed}


def _stored(case_id: UUID) -> dict[UUID, tuple[Contact, set[tuple[Any, ...]]]]:
    """The stored contacts by who they are: a pseudonym that was linked since counts as its person."""
    contacts = list(Contact.objects.filter(case=case_id))
    if not contacts:
        return {}
    people = queries.people_behind([contact.visitor for contact in contacts])
    # Of two rows of one person, from before a link, the one under the person's own id holds and the other is left as gone.
    contacts.sort(key=lambda c: (people.get(c.visitor, c.visitor) != c.visitor, c.gone is not None, c.id))
    pieces: dict[int, set[tuple[Any, ...]]] = {contact.id: set() for contact in contacts}
    for row in Encounter.objects.filter(contact__case=case_id).values_list("contact", "place", "starts", "ends", "certain"):
        pieces[row[0]].add(row[1:])
    found: dict[UUID, tuple[Contact, set[tuple[Any, ...]]]] = {}
    for contact in contacts:
        who = people.get(contact.visitor, contact.visitor)
        found[contact.visitor if who in found else who] = (contact, pieces[contact.id])
    return found


def _add_contacts(case: Case, new: list[Found], found: Findings, *, at: datetime) -> list[int]:
    """Store new contacts with their meetings by COPY: a case in a crowd has thousands, and somebody waits for them."""
    if not new:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(nextval(ids)) FROM generate_series(1, %s),"
            " (SELECT pg_get_serial_sequence('tracing_contact', 'id')::regclass AS ids OFFSET 0) sequence",
            [len(new)],
        )
        [[ids]] = cursor.fetchall()
        with cursor.copy(f"COPY tracing_contact ({', '.join(_CONTACT)}) FROM STDIN") as copy:
            # Moments go as text: the adapter of times takes longer than all the rest of a row.
            key, moment, state = str(case.id), str(at), str(Contact.State.OPEN)
            for number, one in zip(ids, new, strict=True):
                visitor, risk, decision = str(one.visitor), one.risk, msgspec.json.encode(one.decision.to_json())
                copy.write_row(
                    (number, key, visitor, visitor if one.visitor in found.people else None, risk.value, queries.RANKS[risk],
                     one.certain, one.minutes, one.companions, str(one.last_met), decision.decode(), moment, state, "",
                     case.simulated)
                )  # fmt: skip
    _write_encounters(zip(ids, new, strict=True))
    return ids


def _set(contact: Contact, visitor: UUID, now: Found, found: Findings) -> None:
    contact.visitor, contact.person_id = visitor, visitor if visitor in found.people else None
    for name in _FIELDS:
        setattr(contact, name, getattr(now, name))
    contact.rank, contact.decision = queries.RANKS[now.risk], now.decision.to_json()


def _update(contact: Contact, visitor: UUID, now: Found, found: Findings) -> None:
    _set(contact, visitor, now, found)
    if contact.state == Contact.State.CLOSED and contact.worked_at and now.last_met > contact.worked_at:
        contact.state = Contact.State.OPEN  # they met again after the work on the contact was done


def _difference(contact: Contact, now: Found) -> dict[str, list[Any]]:
    pairs = {name: (getattr(contact, name), getattr(now, name)) for name in _FIELDS}
    return {name: [_plain(before), _plain(after)] for name, (before, after) in pairs.items() if before != after}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, str) else value


def _pieces(contact: Found) -> set[tuple[Any, ...]]:
    return {(piece.place, piece.starts, piece.ends, piece.certain) for piece in contact.pieces}


def _rewrite(rewritten: list[tuple[Contact, Found]]) -> None:
    if not rewritten:
        return
    update_rows([contact for contact, _ in rewritten], _ANEW)
    Encounter.objects.filter(contact__in=[contact.id for contact, _ in rewritten]).delete()
    _write_encounters((contact.id, now) for contact, now in rewritten)


def _write_encounters(contacts: Iterable[tuple[int, Found]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY tracing_encounter ({', '.join(_ENCOUNTER)}) FROM STDIN") as copy:
        for number, contact in contacts:
            for piece in contact.pieces:
                copy.write_row((number, piece.place, str(piece.starts), str(piece.ends), piece.certain))


def _keep_stays(case: Case, found: Findings) -> None:
    rows = CaseStay.objects.filter(case=case)
    stored = {(s.place_id, s.day, s.phase): (s.minutes, s.certain) for s in rows}
    now = {(place, day, str(phase)): value for (place, day, phase), value in found.stays.items()}
    if stored == now:
        return
    rows.delete()
    CaseStay.objects.bulk_create(
        (
            CaseStay(case=case, place_id=place, day=day, phase=phase, minutes=minutes, certain=certain)
            for (place, day, phase), (minutes, certain) in now.items()
        ),
        batch_size=2_000,
    )
