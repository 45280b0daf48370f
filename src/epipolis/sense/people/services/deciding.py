"""Deciding, row by row in their order, what is linked, what is new and what is asked; nothing is stored here."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from epipolis.engines.linkage import FIELDS, Band, Record, fold
from epipolis.sense.people import queries
from epipolis.sense.people.queries import Held, Option, Rules

from .rows import PersonRow
from .storing import Fresh, Key

_NUMBER = FIELDS.index("identifier")
_SAME = 2
CERTAIN: Final = 64.0
"""The score of a row that is known by a number, in bits."""


class Answer(NamedTuple):
    """What became of one row."""

    person: UUID
    band: Band
    bits: float


class Link(NamedTuple):
    loser: UUID
    winner: UUID
    bits: float
    levels: Any


class Doubt(NamedTuple):
    person: UUID
    candidate: UUID
    bits: float
    levels: Any


@dataclass
class Decided:
    """All that is to be stored."""

    answers: list[Answer] = field(default_factory=list)
    fresh: list[Fresh] = field(default_factory=list)
    numbers: list[tuple[UUID, Key, str]] = field(default_factory=list)
    merges: list[Link] = field(default_factory=list)
    questions: list[Doubt] = field(default_factory=list)
    holders: dict[UUID, UUID] = field(default_factory=dict)  # of everybody who is concerned


def decide(
    rows: Sequence[PersonRow],
    records: Sequence[Record],
    keys: Sequence[queries.Keys],
    numbers: Sequence[list[tuple[Key, str]]],
    known: dict[Key, UUID],
    ruling: Rules,
) -> Decided:
    """Decide a batch. `known` says whose numbers are known; it learns those of the batch."""
    carried = [by_personal_number(own, known) if by_own_number(own, known) is None else [] for own in numbers]
    options, held = queries.compare_rows(records, keys, ruling, carried)
    people = {one.whom for found in options for one in found if isinstance(one.whom, UUID)}
    people |= set(known.values())
    batch = _Batch(rows, records, keys, numbers, known, ruling, held, queries.holding(people))
    batch.apart = _told_apart(options, numbers, known, batch.done.holders)
    for row in range(len(rows)):
        batch.take(row, options[row])
    return batch.done


class _Batch:
    """The rows decided so far."""

    def __init__(
        self,
        rows: Sequence[PersonRow],
        records: Sequence[Record],
        keys: Sequence[queries.Keys],
        numbers: Sequence[list[tuple[Key, str]]],
        known: dict[Key, UUID],
        ruling: Rules,
        held: dict[UUID, Held],
        holders: dict[UUID, UUID],
    ) -> None:
        self.rows, self.records, self.keys, self.numbers = rows, records, keys, numbers
        self.known, self.ruling, self.held = known, ruling, held
        self.done = Decided(holders=dict(holders))
        self.apart: set[frozenset[UUID]] = set()
        self.asked: set[frozenset[UUID]] = set()

    def take(self, row: int, options: list[Option]) -> None:
        """Decide one row."""
        found = by_own_number(self.numbers[row], self.known)
        if found is not None:
            for other in by_personal_number(self.numbers[row], self.known):
                self._doubt(found, other)
            self._answer(row, found, "link", CERTAIN)
            return
        options = [one for one in options if self._is_simulated(one) == self.rows[row].simulated]
        links = [one for one in options if one.band == "link"]
        best = next((one for one in links if one.levels[_NUMBER] == _SAME), links[0] if links else None)
        if best is not None and not self._is_disputed(best, links):
            self._link(row, best)
            self._doubt_rivals(best, links)
            return
        again = next((one for one in options if self._was_asked_about(row, one, options)), None)
        if again is not None:
            self._answer(row, self._person(again), "link", again.bits)
            return
        person = self._make(row)
        asked = self._ask(person, options)
        self._answer(row, person, "ask" if asked else "new", asked)

    def _link(self, row: int, best: Option) -> None:
        target = self._person(best)
        said = self.records[best.whom] if isinstance(best.whom, int) else self.held[best.whom].record
        spoken = self.rows[best.whom].language if isinstance(best.whom, int) else self.held[best.whom].language
        if best.levels[_NUMBER] == _SAME or says_nothing_new(self.rows[row], self.records[row], said, spoken):
            self._answer(row, target, "link", CERTAIN if best.levels[_NUMBER] == _SAME else best.bits)
            return
        holder = self.done.holders.get(target, target)
        person = self._make(row, holder)
        self.done.merges.append(Link(person, holder, best.bits, best.levels))
        self._answer(row, person, "link", best.bits)

    def _is_disputed(self, best: Option, links: list[Option]) -> bool:
        """Whether somebody who was told apart from the best is nearly as likely; a number that agrees settles it."""
        if best.levels[_NUMBER] == _SAME:
            return False
        mine = self._holder(best)
        return any(
            frozenset((mine, self._holder(one))) in self.apart
            for one in links
            if one is not best and best.bits - one.bits < self.ruling.margin
        )

    def _doubt_rivals(self, best: Option, links: list[Option]) -> None:
        """Two who could both be this row's person may be one."""
        for one in links:
            self._doubt(self._person(best), self._person(one))

    def _doubt(self, mine: UUID, other: UUID) -> None:
        """Ask, once, whether two who are held already are one person."""
        mine, other = (self.done.holders.get(one, one) for one in (mine, other))
        pair = frozenset((mine, other))
        if mine == other or pair in self.apart or pair in self.asked:
            return
        self.asked.add(pair)
        found = queries.held(pair)
        if len(found) == 2:
            bits, levels = queries.compare_two(found[mine].record, found[other].record, self.ruling)
            self.done.questions.append(Doubt(other, mine, bits, levels))

    def _was_asked_about(self, row: int, option: Option, options: list[Option]) -> bool:
        """Whether the very same was said before, and then it was asked: that question, or its answer, holds for this row."""
        said = self.records[option.whom] if isinstance(option.whom, int) else self.held[option.whom].record
        if len(options) < 2 or not is_identical(self.records[row], said):
            return False
        mine = self._person(option)
        others = {self._person(one) for one in options} | {self._holder(one) for one in options}
        fresh = {frozenset((one.person, one.candidate)) for one in self.done.questions}
        return any(frozenset((mine, other)) in fresh for other in others) or queries.is_asked(mine, others - {mine})

    def _ask(self, person: UUID, options: list[Option]) -> float:
        """Ask about the likeliest; returns the bits of the first, 0 without a question."""
        about: dict[UUID, Option] = {}
        for one in options:
            about.setdefault(self._holder(one), one)
        chosen = list(about.items())[: self.ruling.questions]
        self.done.questions += [Doubt(person, holder, one.bits, one.levels) for holder, one in chosen]
        return chosen[0][1].bits if chosen else 0.0

    def _make(self, row: int, merged_into: UUID | None = None) -> UUID:
        person = uuid4()
        self.done.fresh.append(Fresh(person, self.rows[row], merged_into, self.keys[row]))
        if merged_into is not None:
            self.done.holders[person] = merged_into
        return person

    def _answer(self, row: int, person: UUID, band: Band, bits: float) -> None:
        for key, value in self.numbers[row]:
            if key not in self.known:
                self.known[key] = person
                self.done.numbers.append((person, key, value))
        self.done.answers.append(Answer(person, band, bits))

    def _person(self, option: Option) -> UUID:
        return self.done.answers[option.whom].person if isinstance(option.whom, int) else option.whom

    def _is_simulated(self, option: Option) -> bool:
        return (self.rows if isinstance(option.whom, int) else self.held)[option.whom].simulated  # type: ignore[index]  # -- each by its own kind

    def _holder(self, option: Option) -> UUID:
        person = self._person(option)
        return self.done.holders.get(person, person)


def says_nothing_new(row: PersonRow, said: Record, held: Record, spoken: str) -> bool:
    """Whether all that a row says of a person is held already, so that nothing would be kept apart."""
    birth = held.birth_year, held.birth_month, held.birth_day
    return (
        _is_told(said.given, held.given)
        and _is_told(said.family, held.family)
        and (not any(row.birth) or tuple(row.birth) == birth)
        and said.sex in ("", held.sex)
        and row.language in ("", spoken)
        and said.neighbourhood in ("", held.neighbourhood)
        and _is_told(said.address, held.address)
        and {queries.digits_of(phone) for phone in said.phones} <= {queries.digits_of(phone) for phone in held.phones}
        and {fold(email) for email in said.emails} <= {fold(email) for email in held.emails}
    )


def is_identical(one: Record, other: Record) -> bool:
    """Whether two records say the very same, and enough of it: both names and the whole birth date."""
    births = [(record.birth_year, record.birth_month, record.birth_day) for record in (one, other)]
    texts = [(fold(record.given), fold(record.family), fold(record.address)) for record in (one, other)]
    points = [
        ({queries.digits_of(phone) for phone in record.phones}, {fold(email) for email in record.emails})
        for record in (one, other)
    ]
    return (
        bool(one.given and one.family)
        and None not in births[0]
        and births[0] == births[1]
        and texts[0] == texts[1]
        and points[0] == points[1]
        and (one.sex, one.neighbourhood) == (other.sex, other.neighbourhood)
    )


def _is_told(said: str, held: str) -> bool:
    return not said or said == held or fold(said) == fold(held)


def by_own_number(numbers: list[tuple[Key, str]], known: dict[Key, UUID]) -> UUID | None:
    """Who is known by a number that a file or an office gave to this very row."""
    kinds = queries.person_numbers()
    return next((known[key] for key, _ in numbers if key in known and key[0] not in kinds), None)


def by_personal_number(numbers: list[tuple[Key, str]], known: dict[Key, UUID]) -> list[UUID]:
    """Who is known by a number of which a person has one."""
    kinds = queries.person_numbers()
    return list(dict.fromkeys(known[key] for key, _ in numbers if key in known and key[0] in kinds))


def _told_apart(
    options: list[list[Option]], numbers: Sequence[list[tuple[Key, str]]], known: dict[Key, UUID], holders: dict[UUID, UUID]
) -> set[frozenset[UUID]]:
    """Pairs of holders, of all who could be one row's person, of whom somebody said that they are two."""
    rivals: set[UUID] = set()
    for found, own in zip(options, numbers, strict=True):
        people = {one.whom for one in found if one.band == "link" and isinstance(one.whom, UUID)}
        people |= {known[key] for key, _ in own if key in known}
        mine = {holders.get(person, person) for person in people}
        rivals |= mine if len(mine) > 1 else set()
    return queries.told_apart(rivals)
