"""Matching: whom a message is about. It links, makes, or makes and asks; only a number that two people have stops it."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.utils.translation import gettext_noop

from epipolis.core import audit
from epipolis.core.sealing import fingerprint
from epipolis.engines.linkage import FIELDS, MISSING, Record, compare
from epipolis.engines.linkage.levels import DIFFERENT
from epipolis.engines.messages import Patient
from epipolis.sense.labs.models import LabMessage
from epipolis.sense.people import queries as people_queries
from epipolis.sense.people import services as people
from epipolis.sense.people.services.registering import find_people

from .reading import person_row
from .reasons import PEOPLE, UnclearError


class Whose(NamedTuple):
    """The row of the person whom a result is filed under; `is_alone`: made just now, so that nothing is known of them."""

    person: UUID
    is_alone: bool = False


def person_of(patient: Patient, message: LabMessage, *, by: audit.Actor, at: datetime, is_chosen: bool = False) -> Whose:
    """Whom a result is filed under.

    Raises:
        UnclearError: the message says nobody, or its numbers belong to people who cannot be one.
    """
    owner = message.laboratory.code if message.laboratory else message.sender
    row = person_row(patient, owner=owner, simulated=message.simulated, at=at)
    if not is_chosen:
        _check_numbers(row, at=at)
    found = people.match_person(row, by=by, at=at)
    return Whose(found.person, found.is_new and found.holder == found.person)


def _check_numbers(row: people.PersonRow, *, at: datetime) -> None:
    """What a number says is believed, unless it says two people, or one who has another name and another birthday."""
    keys = {(kind, fingerprint(value)) for kind, value in row.identifiers}
    holders = people_queries.holding(set(find_people(keys).values()))
    known = set(holders.values())
    if len(known) > 1:
        raise UnclearError(PEOPLE, gettext_noop("The numbers of the message belong to two people."))
    rows = people_queries.held({*holders, *known})
    if rows and all(_is_somebody_else(row, one.record) for one in rows.values()):
        text = gettext_noop("A number of the message belongs to somebody with another name and another date of birth.")
        raise UnclearError(PEOPLE, text)


def _is_somebody_else(row: people.PersonRow, held: Record) -> bool:
    said = Record(row.given_name, row.family_name, *row.birth, row.sex)
    levels = dict(zip(FIELDS, compare(said, held).tolist(), strict=True))
    given, family, birth = (levels[name] for name in ("given", "family", "birth"))
    if given != DIFFERENT:
        return False
    return bool(birth == DIFFERENT or (family == DIFFERENT and birth == MISSING))
