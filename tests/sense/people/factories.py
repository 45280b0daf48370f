"""People as they come: with a name, without one, with half a birth date."""

from datetime import UTC, datetime

from epipolis.sense.people import services

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
NOBODY = "00000000-0000-4000-8000-000000000000"


def person(*identifiers, **fields):
    """Somebody registered by a clerk; `identifiers` are (kind, value)."""
    made, _created = services.find_or_make_person(list(identifiers), by="clerk", at=AT, **fields)
    return made


def ana(**fields):
    """Somebody of whom everything is known."""
    known = {
        "given_name": "Ana",
        "family_name": "Torres",
        "birth": (1980, 5, 17),
        "sex": "F",
        "language": "es",
        "address": "12 Quay Street",
        "phones": ["+999 12-345 678"],
        "emails": ["ana@example.org"],
    }
    return person(("national_id", "A123456789"), **(known | fields))
