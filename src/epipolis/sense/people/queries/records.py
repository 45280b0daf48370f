"""A person's whole record, opened for one reader, and written down."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext, gettext_noop

from epipolis.core import audit, clock
from epipolis.core.sealing import unseal
from epipolis.sense.city.models import Neighbourhood
from epipolis.sense.people.models import ContactPoint, Person

from .clusters import same_person
from .names import Name

KINDS = {
    "national_id": gettext_noop("identity card"),
    "passport": gettext_noop("passport"),
    "other": gettext_noop("other number"),
}
_SHOWN = 3


@dataclass(frozen=True)
class PersonRecord:
    """A record in clear. Numbers are masked but for their last characters, which is enough to compare with a card."""

    id: UUID
    name: Name
    birth: tuple[int | None, int | None, int | None]
    sex: str
    sex_text: str
    language: str
    neighbourhood: Neighbourhood | None
    address: str
    phones: tuple[str, ...]
    emails: tuple[str, ...]
    identifiers: tuple[tuple[str, str], ...]
    known_at: datetime
    erased: datetime | None
    simulated: bool
    merged: tuple[UUID, ...] = ()  # other rows of this person, from which the record is completed

    @property
    def birth_text(self) -> str:
        """As far as it is known: 1980, 1980-05 or 1980-05-17; a part that is missing is a question mark."""
        year, month, day = self.birth
        if not any(self.birth):
            return ""
        parts = [f"{year:04d}" if year else "?"]
        if month or day:
            parts.append(f"{month:02d}" if month else "?")
        return "-".join(parts + ([f"{day:02d}"] if day else []))


def person(person_id: UUID) -> Person | None:
    """The row without anything personal opened."""
    return Person.objects.filter(id=person_id).first()


def registered(ids: Collection[UUID]) -> set[UUID]:
    """Which of these are people held here; fast for tens of thousands."""
    with connection.cursor() as cursor:
        # One text: a list of thousands of values takes longer to write than to answer.
        cursor.execute("SELECT id FROM people_person WHERE id = ANY(%s::uuid[])", [f"{{{','.join(map(str, ids))}}}"])
        return {person for (person,) in cursor.fetchall()}


def person_ids(since: datetime | None = None) -> Iterator[UUID]:
    found = Person.objects.filter(known_at__gte=since) if since else Person.objects.all()
    return found.order_by("known_at", "id").values_list("id", flat=True).iterator(5_000)


def record_of(person_id: UUID, *, by: audit.Actor, at: datetime, why: str, whole: bool = True) -> PersonRecord | None:
    """Open a person's record; the read is written down for the person to see.

    Of merged rows it is the record of the one that holds, completed from the others; with `whole=False` of this row alone.
    """
    found = _open_all(person_id, whole)
    audit.record_reads([one.id for one in found if one.erased is None], by=by, at=at, why=why)
    return opened_together(found) if found else None


def rows_of(record: PersonRecord) -> list[PersonRecord]:
    """The rows of a record that has just been opened, each for itself, the one that holds first."""
    return _open_all(record.id, True)


def opened_together(records: Sequence[PersonRecord]) -> PersonRecord:
    """One record of several: what the first lacks is taken from the next that has it, numbers and phones from all."""
    first = records[0]
    if len(records) == 1:
        return first
    return replace(
        first,
        name=next((one.name for one in records if one.name), first.name),
        birth=next((one.birth for one in records if any(one.birth)), first.birth),
        sex=(sexed := next((one for one in records if one.sex), first)).sex,
        sex_text=sexed.sex_text,
        language=next((one.language for one in records if one.language), ""),
        neighbourhood=next((one.neighbourhood for one in records if one.neighbourhood), None),
        address=next((one.address for one in records if one.address), ""),
        phones=tuple(dict.fromkeys(phone for one in records for phone in one.phones)),
        emails=tuple(dict.fromkeys(email for one in records for email in one.emails)),
        identifiers=tuple(dict.fromkeys(number for one in records for number in one.identifiers)),
        known_at=min(one.known_at for one in records),
        merged=tuple(one.id for one in records[1:]),
    )


def what_is_held(person_id: UUID) -> dict[str, Any] | None:
    """A person's own record for that person, as plain values to show or to take along; of merged rows each one too."""
    found = _open_all(person_id, True)
    if not found:
        return None
    held = _plain(opened_together(found))
    return held | {"merged": [_plain(one) for one in found]} if len(found) > 1 else held


def _plain(found: PersonRecord) -> dict[str, Any]:
    return {
        "number": str(found.id),
        "given_name": found.name.given,
        "family_name": found.name.family,
        "born": found.birth_text,
        "sex": found.sex,
        "sex_text": found.sex_text,
        "language": found.language,
        "neighbourhood": found.neighbourhood.name if found.neighbourhood else "",
        "address": found.address,
        "phones": list(found.phones),
        "emails": list(found.emails),
        "identifiers": [{"kind": kind_text(kind), "value": value} for kind, value in found.identifiers],
        "held_since": found.known_at.astimezone(clock.zone()).isoformat(),
        "erased": found.erased.isoformat() if found.erased else None,
        "simulated": found.simulated,
    }


def kind_text(kind: str) -> str:
    """A kind of number in the reader's language; one that an office named itself stays as it is."""
    return gettext(KINDS[kind]) if kind in KINDS else kind


def mask(value: str) -> str:
    """A number with all but its last characters hidden."""
    shown = value[-_SHOWN:] if len(value) > 2 * _SHOWN else ""
    return "•" * max(4, len(value) - len(shown)) + shown if len(value) < 40 else "•" * 8 + shown


def _open_all(person_id: UUID, whole: bool) -> list[PersonRecord]:
    """The rows of a person in clear, the one that holds first."""
    ids = same_person(person_id) if whole else (person_id,)
    rows = Person.objects.select_related("neighbourhood").defer("neighbourhood__border")
    found = rows.prefetch_related("contact_points", "identifiers").in_bulk(ids)
    return [_open(found[one]) for one in ids if one in found]


def _open(row: Person) -> PersonRecord:
    points = [(point.kind, unseal(point.value)) for point in sorted(row.contact_points.all(), key=lambda one: one.id)]
    numbers = sorted(row.identifiers.all(), key=lambda one: (one.kind, one.id))
    return PersonRecord(
        id=row.id,
        name=Name(unseal(row.given_name), unseal(row.family_name)),
        birth=(row.birth_year, row.birth_month, row.birth_day),
        sex=row.sex,
        sex_text=str(row.get_sex_display()),
        language=row.language,
        neighbourhood=row.neighbourhood,
        address=unseal(row.address),
        phones=tuple(value for kind, value in points if kind == ContactPoint.Kind.PHONE),
        emails=tuple(value for kind, value in points if kind == ContactPoint.Kind.EMAIL),
        identifiers=tuple((one.kind, mask(unseal(one.value))) for one in numbers),
        known_at=row.known_at,
        erased=row.erased,
        simulated=row.simulated,
    )
