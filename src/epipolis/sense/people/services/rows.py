"""What may be said of a person: one row, checked, before anything is stored."""

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from epipolis.core import clock
from epipolis.sense.city.models import Neighbourhood
from epipolis.sense.people import queries
from epipolis.sense.people.models import Sex

FIRST_YEAR = 1880
LONGEST = {"given_name": 150, "family_name": 150, "address": 300, "language": 10}
_KIND, _VALUE, _POINT = 60, 200, 200
_LEAP = 2000  # stands in for an unknown year, so that 29 February is a day
_SEXES = frozenset(Sex.values)
_CLEAR = str.maketrans("", "", "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069")  # they turn text around them
_EMAIL = re.compile(r"\S+@[^\s@]+")
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,6})?")

Birth = tuple[int | None, int | None, int | None]
NO_BIRTH: Birth = (None, None, None)


class PersonError(ValueError):
    """A value that breaks a rule: the field, the rule, and the row where there are several."""

    def __init__(self, field: str, rule: str, row: int | None = None) -> None:
        super().__init__(f"row {row}: {field}: {rule}" if row is not None else f"{field}: {rule}")
        self.field, self.rule, self.row = field, rule, row


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person as told. Everything may be missing; `identifiers` are (kind, value), `birth` is year, month, day."""

    identifiers: Sequence[tuple[str, str]] = ()
    given_name: str = ""
    family_name: str = ""
    birth: Birth = NO_BIRTH
    sex: str = ""
    language: str = ""
    neighbourhood: Neighbourhood | None = None
    address: str = ""
    phones: Sequence[str] = ()
    emails: Sequence[str] = ()
    simulated: bool = False


def check_row(row: PersonRow, *, at: datetime) -> None:
    """Raises PersonError for the first rule that the row breaks."""
    for field in LONGEST:
        if text := getattr(row, field):
            check_text(field, text, LONGEST[field])
    for kind, value in row.identifiers:
        if not kind.strip() or not value.strip():
            raise PersonError("identifiers", "a number needs a kind and a value")
        check_text("identifiers", kind, _KIND)
        check_text("identifiers", value, _VALUE)
    for phone in row.phones:
        check_phone(phone)
    for email in row.emails:
        check_email(email)
    if row.sex not in _SEXES:
        raise PersonError("sex", "must be F, M, X or empty for unknown")
    if row.language and not _LANGUAGE.fullmatch(row.language):
        raise PersonError("language", "must be a language code such as en, es or zh-Hant")
    if row.birth != NO_BIRTH:
        check_birth(row.birth, at=at)


def check_text(field: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise PersonError(field, f"must have at most {longest} characters")
    if "\0" in text:
        raise PersonError(field, "must not contain the NUL character")


def check_phone(phone: str) -> None:
    check_text("phone", phone, _POINT)
    if not 3 <= len(queries.digits_of(phone)) <= 20:
        raise PersonError("phone", "must have 3 to 20 digits")


def check_email(email: str) -> None:
    check_text("email", email, _POINT)
    if not _EMAIL.fullmatch(email.strip()):
        raise PersonError("email", "must look like name@host")


def check_birth(birth: Birth, *, at: datetime) -> None:
    """A birth date may lack any part; the parts that are there must be those of a day that has been."""
    year, month, day = birth
    today = clock.local_day(at)
    if year is not None and not FIRST_YEAR <= year <= today.year:
        raise PersonError("birth_date", f"the year must lie between {FIRST_YEAR} and this year")
    if month is not None and not 1 <= month <= 12:
        raise PersonError("birth_date", "the month must be 1 to 12")
    longest = monthrange(year or _LEAP, month)[1] if month else 31
    if day is not None and not 1 <= day <= longest:
        raise PersonError("birth_date", "there is no such day in this month")
    if year == today.year and (month or 1, day or 1) > (today.month, today.day):
        raise PersonError("birth_date", "must not lie in the future")


def clear(text: str) -> str:
    """Text without the marks that turn the writing direction of what follows, and without outer spaces."""
    return text.strip() if text.isascii() else text.translate(_CLEAR).strip()
