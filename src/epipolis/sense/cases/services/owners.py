"""Who owns a case: this office, or another to which it was handed over and which alone changes it from then on."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from epipolis.core import audit, live
from epipolis.sense.cases.models import Case

from .revisions import locked


@transaction.atomic
def set_owner(case_id: UUID, owner: str, *, by: audit.Actor, at: datetime) -> Case:
    """Say which other office owns a case; "" for this one. Twice changes nothing.

    Raises:
        Case.DoesNotExist: there is no such case.
    """
    case = locked(case_id)
    if case.owner != owner:
        former, case.owner = case.owner, owner
        case.save(update_fields=["owner"])
        audit.record("cases.set_owner", by=by, at=at, subject=case.id, person=case.person_id, before=former, after=owner)
        live.tell("cases", case=str(case.id))
    return case
