"""Matching: whom a row is about. It never stops for a question: it links, makes somebody new, or makes and asks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from django.db import connection, transaction
from psycopg import errors

from epipolis.core import audit, live
from epipolis.sense.people import queries
from epipolis.sense.people.models import MatchQuestion, Merge
from epipolis.sense.people.settings import settings

from .deciding import CERTAIN, Decided, Doubt, by_own_number, decide
from .registering import check_rows, find_people, numbers_of, register_checked
from .rows import PersonRow
from .storing import record_of_row, store_people

Band = Literal["linked", "asked", "new"]
_BANDS: Final[dict[str, Band]] = {"link": "linked", "ask": "asked", "new": "new"}
_TRIES = 4
MATCHING_LOCK = 7_303
_STILL_THERE = "SELECT id FROM people_person WHERE id = ANY(%s::uuid[]) AND erased IS NULL ORDER BY id FOR KEY SHARE"


@dataclass(frozen=True, slots=True)
class Match:
    """Whom a row is about.

    `person` is the row of people to which the facts belong that came with it; `holder` is the one that holds for that
    person. They differ where rows were merged, also where a row that said something new was just linked: it is kept
    for itself, so that the link can be undone. `queries.same_person` gives all rows of one person. `score` is in bits;
    `question` is open where the band is "asked".
    """

    person: UUID
    band: Band
    score: float
    question: int | None
    holder: UUID
    is_new: bool = False  # a row of people was made for it

    @property
    def is_by_evidence(self) -> bool:
        """Whether what the row says decided, and no number."""
        return self.score < CERTAIN


class _GoneError(Exception):
    """Somebody was erased between looking and linking."""


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
    check_rows(rows, at=at)
    return match_checked(rows, by=by, at=at, match=match)


def match_checked(
    rows: Sequence[PersonRow], *, by: audit.Actor, at: datetime, match: bool = True, wait: bool = True
) -> list[Match]:
    """The same for rows that have passed `check_row` already. Without `wait` for what will be rolled back anyhow."""
    if not match:
        found = register_checked(rows, by=by, at=at)
        holders = queries.holding([person for person, _ in found])
        return [
            Match(person, "new" if made else "linked", 0.0 if made else CERTAIN, None, holders[person], made)
            for person, made in found
        ]
    for _try in range(_TRIES - 1):
        try:
            return _match(rows, by=by, at=at, wait=wait)
        except (errors.UniqueViolation, _GoneError):  # somebody registered or erased one of these at the same moment
            continue
    return _match(rows, by=by, at=at, wait=wait)


@transaction.atomic
def _match(rows: Sequence[PersonRow], *, by: audit.Actor, at: datetime, wait: bool) -> list[Match]:
    numbers = [numbers_of(row) for row in rows]
    known = find_people({key for own in numbers for key, _ in own})
    records = [record_of_row(row) for row in rows]
    # Who is known by the number of this very row is not looked for.
    is_sought = [by_own_number(own, known) is None for own in numbers]
    keys = [queries.match_keys(record) if sought else {} for record, sought in zip(records, is_sought, strict=True)]
    if wait and any(keys):
        _wait(keys)
    ruling = queries.rules_at(at)
    decided = decide(rows, records, keys, numbers, known, ruling)
    _hold(decided)
    store_people(decided.fresh, decided.numbers, at=at)
    questions = _write(decided, ruling, by=by, at=at)
    fresh, holders = {one.person for one in decided.fresh}, decided.holders
    matches = []
    for one in decided.answers:
        holder, is_new = holders.get(one.person, one.person), one.person in fresh
        fresh.discard(one.person)  # a later row of the same person finds it
        matches.append(Match(one.person, _BANDS[one.band], one.bits, questions.get(one.person), holder, is_new))
    if decided.fresh or decided.numbers:
        _note(matches, decided, by=by, at=at)
    return matches


def _wait(keys: Sequence[Collection[int]]) -> None:
    """Let nobody else look for the same people until this transaction has ended, for what it stores cannot be seen yet.

    A few rows wait for who shares a key with them, many for everybody; the few hold the common lock so that many wait.
    """
    with connection.cursor() as cursor:
        if sum(map(bool, keys)) > settings.locked_rows:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MATCHING_LOCK])
            return
        own = sorted({key & 0x7FFFFFFF for one in keys for key in one})
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [MATCHING_LOCK])
        cursor.execute("SELECT pg_advisory_xact_lock(%s, key) FROM unnest(%s::int[]) AS key", [MATCHING_LOCK, own])


def _hold(decided: Decided) -> None:
    """Keep those who are linked to or asked about from being erased until this is stored."""
    fresh = {one.person for one in decided.fresh}
    wanted: set[UUID] = ({merge.winner for merge in decided.merges} | {one.candidate for one in decided.questions}) - fresh
    if not wanted:
        return
    with connection.cursor() as cursor:
        cursor.execute(_STILL_THERE, [f"{{{','.join(map(str, wanted))}}}"])
        if len(cursor.fetchall()) < len(wanted):
            raise _GoneError


def _write(decided: Decided, ruling: queries.Rules, *, by: audit.Actor, at: datetime) -> dict[UUID, int]:
    """Store the links and the questions; returns the first question about each new person."""
    Merge.objects.bulk_create(
        Merge(
            loser_id=one.loser,
            winner_id=one.winner,
            at=at,
            by=audit.actor_name(by),
            automatic=True,
            score=one.bits,
            evidence=queries.evidence(one.levels, ruling),
            rule=ruling.reference,
        )
        for one in decided.merges
    )
    if decided.questions:
        live.tell("people")
    fresh = {one.person for one in decided.fresh}
    asked = [_question(one, ruling, at) for one in decided.questions]
    # Of two who were held before it may have been asked before: once is enough.
    MatchQuestion.objects.bulk_create([one for one in asked if one.person_id not in fresh], ignore_conflicts=True)
    first: dict[UUID, int] = {}
    for one in MatchQuestion.objects.bulk_create([one for one in asked if one.person_id in fresh]):
        first.setdefault(one.person_id, one.id)
    return first


def _question(one: Doubt, ruling: queries.Rules, at: datetime) -> MatchQuestion:
    return MatchQuestion(
        person_id=one.person,
        candidate_id=one.candidate,
        score=one.bits,
        evidence=queries.evidence(one.levels, ruling),
        rule=ruling.reference,
        asked=at,
    )


def _note(matches: list[Match], decided: Decided, *, by: audit.Actor, at: datetime) -> None:
    alone = matches[0].person if len(matches) == 1 else None
    audit.record(
        "people.register",
        by=by,
        at=at,
        subject=alone or "",
        person=alone,
        created=len(decided.fresh),
        identifiers=len(decided.numbers),
        linked=len(decided.merges),
        asked=len({one.person for one in decided.questions}),
    )
