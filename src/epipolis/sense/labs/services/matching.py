"""Matching: whom a message is about. It links, makes, or makes and asks; only a number that two people have stops it."""

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_noop

from epipolis.core import audit
from epipolis.core.sealing import fingerprint
from epipolis.engines.messages import Patient
from epipolis.sense.labs.models import LabMessage
from epipolis.sense.people import queries as people_queries
from epipolis.sense.people import services as people
from epipolis.sense.people.services.registering import find_people

from .reading import person_row
from .reasons import PEOPLE, UnclearError


def person_of(patient: Patient, message: LabMessage, *, by: audit.Actor, at: datetime, is_chosen: bool = False) -> UUID:
    """The row of the person whom a result is filed under.

    Raises:
        UnclearError: the message says nobody, or its numbers belong to people who cannot be one.
    """
    owner = message.laboratory.code if message.laboratory else message.sender
    row = person_row(patient, owner=owner, simulated=message.simulated, at=at)
    if not is_chosen:
        _check_numbers(row, at=at)
    return people.match_person(row, by=by, at=at).person


def _check_numbers(row: people.PersonRow, *, at: datetime) -> None:
    keys = {(kind, fingerprint(value)) for kind, value in row.identifiers}
    known = set(people_queries.holding(set(find_people(keys).values())).values())
    if len(known) > 1:
        raise UnclearError(PEOPLE, gettext_noop("The numbers of the message belong to two people."))
