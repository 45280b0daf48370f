"""Names: the one way in which any module gets to see one, and it leaves a trace."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from epipolis.core import audit
from epipolis.core.sealing import unseal
from epipolis.sense.people.models import ContactPoint, Person

_FAMILY_FIRST = ("CJK", "HANGUL", "HIRAGANA", "KATAKANA", "BOPOMOFO")


@dataclass(frozen=True, slots=True)
class Name:
    """What a person is called, and the telephone under which to call them; every part may be empty."""

    given: str = ""
    family: str = ""
    phone: str = ""

    @property
    def full(self) -> str:
        """The name in the order of its script: 王小明, but Ana Torres."""
        written = self.family + self.given
        if written and unicodedata.name(written[0], "").startswith(_FAMILY_FIRST):
            return written
        return f"{self.given} {self.family}".strip()

    def __str__(self) -> str:
        return self.full

    def __bool__(self) -> bool:
        return bool(self.given or self.family)


def named(person_ids: Iterable[UUID], *, by: audit.Actor, at: datetime, why: str) -> dict[UUID, Name]:
    """The names of people, each read written down for the person to see. `why` is a word that looks.py can explain.

    Somebody without a name (never given, or erased) gets an empty one and no entry, for nothing was seen.
    """
    person_ids = set(person_ids)
    rows = Person.objects.filter(id__in=person_ids).values_list("id", "given_name", "family_name")
    phones = ContactPoint.objects.filter(person__in=person_ids, kind=ContactPoint.Kind.PHONE).order_by("-id")
    numbers = dict(phones.values_list("person", "value"))  # the first that was given: later rows of the list win
    names = {key: Name(unseal(given), unseal(family), unseal(numbers.get(key, b""))) for key, given, family in rows}
    audit.record_reads([key for key, name in names.items() if name], by=by, at=at, why=why)
    return names
