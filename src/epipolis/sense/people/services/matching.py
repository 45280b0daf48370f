"""Matching: whom a row is about. It never stops for a question: it links, makes somebody new, or makes and asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from epipolis.core import audit
from epipolis.sense.people import queries

from .registering import find_or_make_people
from .rows import PersonRow

Band = Literal["linked", "asked", "new"]


@dataclass(frozen=True, slots=True)
class Match:
    """Whom a row is about: the row of a person to which its facts belong, and the row that holds for that person.

    The two differ where rows were merged; `queries.same_person` gives all. `score` is in bits, `question` is open.
    """

    person: UUID
    band: Band
    score: float
    question: int | None
    holder: UUID


def match_person(row: PersonRow, *, by: audit.Actor, at: datetime, match: bool = True) -> Match:
    """The same for one."""
    [found] = match_people([row], by=by, at=at, match=match)
    return found


def match_people(rows: Sequence[PersonRow], *, by: audit.Actor, at: datetime, match: bool = True) -> list[Match]:
    """Whom each row is about, in the order of the rows: known by a number, linked by what agrees, or made anew; where it is
    not certain, made anew and asked. Without `match` only numbers count.

    Raises:
        PersonError: a row breaks a rule; nothing was stored, `row` is its index.
    """
    found = find_or_make_people(rows, by=by, at=at)
    holders = queries.holding([person for person, _ in found])
    return [Match(person, "new" if created else "linked", 0.0, None, holders[person]) for person, created in found]
