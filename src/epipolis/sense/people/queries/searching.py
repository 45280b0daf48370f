"""Finding a person by what they carry or say: a number, a phone, an exact name. A search is itself written down."""

import re
import unicodedata
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from epipolis.core import audit
from epipolis.core.sealing import fingerprint
from epipolis.sense.people.models import ContactPoint, Identifier, Person

from .clusters import holding

_MOST = 50
_LONGEST = 200
_NOT_A_DIGIT = re.compile(r"\D+")


def search(text: str, *, by: audit.Actor, at: datetime) -> list[Person]:
    """People whose number, phone, e-mail or whole name (in either order) is exactly this, at most 50, newest first.

    Merged rows are shown as the one that holds. Case, width and spaces do not matter; of a phone only the digits count.
    The text itself is not written down.
    """
    text = text.strip()
    found = _held(_matches(text)) if text and "\0" not in text and len(text) <= _LONGEST else []
    audit.record("people.search", by=by, at=at, hits=len(found))
    return found


def numbered(wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
    """Who has each of these numbers (kind, value), as the row that holds; numbers of nobody, or of somebody who was
    erased, are left out. Nothing personal is opened, so that nothing is written down."""
    keys = {(kind.strip(), fingerprint(value)): (kind, value) for kind, value in wanted}
    found = Identifier.objects.filter(value_hash__in={hashed for _, hashed in keys}, person__erased=None)
    people = {
        keys[kind, hashed]: person
        for kind, hashed, person in found.values_list("kind", "value_hash", "person_id")
        if (kind, hashed) in keys
    }
    holders = holding(people.values())
    return {number: holders[person] for number, person in people.items()}


def digits_of(phone: str) -> str:
    """A phone number as its digits alone."""
    return _NOT_A_DIGIT.sub("", unicodedata.normalize("NFKC", phone))


def _matches(text: str) -> list[Person]:
    value, digits = fingerprint(text), digits_of(text)
    ids = set(Identifier.objects.filter(value_hash=value).values_list("person", flat=True)[:_MOST])
    hashes = {value, fingerprint(digits)} if len(digits) >= 3 else {value}
    ids |= set(ContactPoint.objects.filter(value_hash__in=hashes).values_list("person", flat=True)[:_MOST])
    if own := _as_id(text):
        ids.add(own)
    by_name = Q(given_first_hash=value) | Q(family_first_hash=value)
    return list(Person.objects.filter(Q(id__in=ids) | by_name).order_by("-known_at", "id")[:_MOST])


def _held(found: list[Person]) -> list[Person]:
    """Each person once, by the row that holds."""
    holders = holding([one.id for one in found if one.merged_into_id])
    rows = Person.objects.in_bulk(list(set(holders.values())))
    return list({one.id: one for one in (rows[holders[row.id]] if row.id in holders else row for row in found)}.values())


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
