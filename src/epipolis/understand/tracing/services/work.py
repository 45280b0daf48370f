"""What a tracer does with a contact."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from epipolis.core import audit, live
from epipolis.core.models import User
from epipolis.understand.tracing import queries
from epipolis.understand.tracing.models import Contact

_ONE_BY_ONE = 100  # contacts closed together that the trail tells one by one; more end by a rule, and as one line


@transaction.atomic
def work_contact(contact_id: int, *, state: str, note: str, by: audit.Actor, at: datetime) -> Contact:
    """Note what came of calling a contact. An empty note leaves the former one as it is.

    Raises:
        Contact.DoesNotExist: there is none.
        ValueError: there is no such state.
    """
    if state not in Contact.State.values:
        raise ValueError(f"state: must be one of {', '.join(Contact.State.values)}")
    contact = Contact.objects.select_for_update().get(id=contact_id)
    if (contact.state, contact.note) == (state, note or contact.note):
        return contact
    former, contact.state, contact.note = contact.state, state, note or contact.note
    contact.worked_at = at
    contact.save(update_fields=["state", "note", "worked_at"])
    audit.record("tracing.work", by=by, at=at, subject=contact.id, person=contact.person_id, former=former, state=state)
    live.tell("contacts", case=str(contact.case_id))
    return contact


@transaction.atomic
def undo_work(contact_id: int, *, state: str, note: str, worked_at: datetime | None, by: audit.Actor, at: datetime) -> Contact:
    """Put a contact back to what it was before the last step; the trail keeps both."""
    if state not in Contact.State.values:
        raise ValueError(f"state: must be one of {', '.join(Contact.State.values)}")
    contact = Contact.objects.select_for_update().get(id=contact_id)
    former, contact.state, contact.note, contact.worked_at = contact.state, state, note, worked_at
    contact.save(update_fields=["state", "note", "worked_at"])
    audit.record("tracing.undo", by=by, at=at, subject=contact.id, person=contact.person_id, former=former, state=state)
    live.tell("contacts", case=str(contact.case_id))
    return contact


@transaction.atomic
def assign_contact(contact_id: int, *, to: User | None, by: audit.Actor, at: datetime) -> Contact:
    """Say who calls a contact; None gives it back to everybody.

    Raises:
        Contact.DoesNotExist: there is none.
    """
    contact = Contact.objects.select_for_update().get(id=contact_id)
    if contact.assigned_to_id == (to.id if to else None):
        return contact
    contact.assigned_to = to
    contact.save(update_fields=["assigned_to"])
    audit.record("tracing.assign", by=by, at=at, subject=contact.id, person=contact.person_id, to=to.username if to else "")
    live.tell("contacts", case=str(contact.case_id))
    return contact


@transaction.atomic
def note_follow_up(contact_ids: Sequence[int], *, state: str, by: audit.Actor, at: datetime) -> int:
    """What came of following these contacts: who was reached stays reached, who was closed stays closed.

    Returns how many changed.
    """
    former = {Contact.State.TRIED: (Contact.State.OPEN,)}.get(Contact.State(state), queries.TO_CALL)
    found = Contact.objects.select_for_update().filter(id__in=list(contact_ids), state__in=former).exclude(state=state)
    changed = list(found.order_by("id").values_list("id", "person_id", "state", "case_id"))
    Contact.objects.filter(id__in=[row[0] for row in changed]).update(state=state, worked_at=at)
    if len(changed) > _ONE_BY_ONE:
        audit.record("tracing.work_many", by=by, at=at, contacts=len(changed), state=state)
        live.tell("contacts")
        return len(changed)
    for contact, person, before, case in changed:
        audit.record("tracing.work", by=by, at=at, subject=contact, person=person, former=before, state=state)
        live.tell("contacts", case=str(case))
    return len(changed)
