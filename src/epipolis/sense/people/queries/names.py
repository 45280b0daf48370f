"""Names: the one way in which any module gets to see one, and it leaves a trace."""

import time
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef

from epipolis.core import audit
from epipolis.core.models import User
from epipolis.core.sealing import unseal
from epipolis.sense.people.models import ContactPoint, Person

from .clusters import same_people

_SAME_LOOK = 120.0  # seconds in which seeing a name again in a list that stays open is no new read
_MOST_SEEN = 5_000
_seen: dict[tuple[audit.Actor, str, UUID], tuple[float, "Name"]] = {}
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

    Merged rows have the name of the one that holds, and what it lacks from the others. Somebody without a name (never
    given, or erased) gets an empty one and no entry, for nothing was seen.
    """
    wanted = set(person_ids)
    rows = _rows(wanted)
    clusters = same_people([key for key, row in rows.items() if row.is_merged])
    rows |= _rows({member for cluster in clusters.values() for member in cluster} - rows.keys())
    phones = ContactPoint.objects.filter(person__in=rows, kind=ContactPoint.Kind.PHONE).order_by("-id")
    numbers = dict(phones.values_list("person", "value"))  # the first that was given: later rows of the list win
    names: dict[UUID, Name] = {}
    seen: dict[UUID, None] = {}
    for key in rows.keys() & wanted:
        cluster = clusters.get(key, (key,))
        called = next((one for one in cluster if rows[one].given or rows[one].family), key)
        reached = next((one for one in cluster if one in numbers), key)
        names[key] = Name(unseal(rows[called].given), unseal(rows[called].family), unseal(numbers.get(reached, b"")))
        if names[key]:
            seen |= dict.fromkeys((called, reached))
    audit.record_reads(list(seen), by=by, at=at, why=why)
    return names


def named_in_list(person_ids: Iterable[UUID], *, by: User | AnonymousUser, at: datetime, why: str) -> dict[UUID, Name]:
    """As `named`, for pages: who may not see names gets none, and a list that only fetched itself again is the same read."""
    if not by.has_perm("people.view_names"):
        return {}
    wanted, now = set(person_ids), time.monotonic()
    last = {key: seen for key in wanted if (seen := _seen.get((by, why, key))) and now - seen[0] < _SAME_LOOK}
    found = {key: name for key, (_, name) in last.items()}
    if missing := wanted - found.keys():
        fresh = named(missing, by=by, at=at, why=why)
        if len(_seen) > _MOST_SEEN:
            _seen.clear()
        _seen.update({(by, why, key): (now, name) for key, name in fresh.items()})
        found |= fresh
    return found


class _Row(NamedTuple):
    given: bytes
    family: bytes
    is_merged: bool


def _rows(ids: Collection[UUID]) -> dict[UUID, _Row]:
    if not ids:
        return {}
    others = Exists(Person.objects.filter(merged_into=OuterRef("pk")))
    rows = Person.objects.filter(id__in=ids).values_list("id", "given_name", "family_name", "merged_into", others)
    return {key: _Row(given, family, bool(into or holds)) for key, given, family, into, holds in rows}
