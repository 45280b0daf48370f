"""The first declaration of a household, whole or not at all."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from epipolis.core import audit
from epipolis.sense.city.models import District
from epipolis.sense.declarations import queries
from epipolis.sense.declarations.models import Declaration, Purpose
from epipolis.sense.people.services import PersonRow

from .codes import renew_code
from .declaring import Answers, declare
from .households import name_member, set_needs, start_household

_NOBODY = PersonRow()


@transaction.atomic
def start_and_declare(
    answers: Answers,
    *,
    channel: str,
    by: audit.Actor,
    at: datetime,
    relation: str = "self",
    purposes: Collection[str] = (),
    needs: Collection[str] = (),
    district: District | None = None,
    row: PersonRow = _NOBODY,
    language: str = "",
    client_id: UUID | None = None,
    simulated: bool = False,
) -> tuple[Declaration, str]:
    """A household, who it is where a purpose needs that, and its first declaration; and the code that opens it.

    A form that is sent twice makes one household: the second time its code is renewed.

    Raises:
        HouseholdError, DeclarationError, PersonError: as where each is raised; nothing is stored.
    """
    if client_id and (sent := queries.sent(client_id)):
        return sent, renew_code(sent.member.household_id, by=by, at=at)
    said: dict[str, Any] = {"relation": relation, "language": language, "district": district, "purposes": purposes}
    started = start_household(by=by, at=at, simulated=simulated, **said)
    if row != _NOBODY and set(purposes) - {str(Purpose.PERMIT)}:
        name_member(started.member, row, by=by, at=at)
    set_needs(started.household, needs, by=by, at=at)
    return declare(started.member, answers, channel=channel, by=by, at=at, client_id=client_id), started.code
