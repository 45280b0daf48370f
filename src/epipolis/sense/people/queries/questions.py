"""Questions whether two rows are one person: what is open, and the two side by side with what agrees and what differs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any, Final
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils.translation import gettext, gettext_noop

from epipolis.core import audit
from epipolis.engines import linkage
from epipolis.engines.linkage import Record
from epipolis.sense.people.models import MatchQuestion, Merge, Person

from .clusters import same_people
from .comparing import compare_two, rules_at
from .held import held
from .records import PersonRecord, kind_text, record_of

_WORDS: Final = {
    "different": gettext_noop("different"),
    "similar": gettext_noop("sounds alike"),
    "part": gettext_noop("one side says less"),
    "near": gettext_noop("one sign differs"),
    "close": gettext_noop("about the same year"),
    "other spelling": gettext_noop("another spelling"),
    "same, common": gettext_noop("the same, but many have it"),
    "same": gettext_noop("the same"),
    "swapped": gettext_noop("given and family name are exchanged"),
    "as written": gettext_noop("in the same order"),
}
_LINES: Final = (
    ("family", gettext_noop("Family name")),
    ("given", gettext_noop("Given name")),
    ("birth", gettext_noop("Born")),
    ("sex", gettext_noop("Sex")),
    ("identifier", gettext_noop("Numbers")),
    ("phone", gettext_noop("Telephones")),
    ("email", gettext_noop("E-mail")),
    ("address", gettext_noop("Address")),
    ("neighbourhood", gettext_noop("Neighbourhood")),
)
_SAME: Final = ("same", "same, common", "as written")


@dataclass(frozen=True, slots=True)
class Line:
    """One field of two records: its values, `state` same, near, different or missing, the level in words, and its bits."""

    title: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    state: str
    words: str
    bits: float | None = None


@dataclass(frozen=True, slots=True)
class Sides:
    """Two records beside each other, and how likely they are one person (0 to 1)."""

    left: PersonRecord
    right: PersonRecord
    lines: tuple[Line, ...]
    probability: float
    swapped: bool


def open_questions() -> QuerySet[MatchQuestion]:
    """What waits for an answer: what was put off last, else the likeliest first."""
    found = MatchQuestion.objects.filter(answered=None)
    return found.order_by(F("put_off").asc(nulls_first=True), F("score").desc(), "id")


def count_open_questions(at: datetime) -> int:
    return MatchQuestion.objects.filter(answered=None).count()


def count_uncompared() -> int:
    """How many rows were never compared with everybody: held before there was matching, or registered by numbers alone."""
    return Person.objects.filter(compared=0, erased=None).count()


def question(question_id: int) -> MatchQuestion | None:
    return MatchQuestion.objects.filter(id=question_id).first()


def merge_by_id(merge_id: int) -> Merge | None:
    return Merge.objects.filter(id=merge_id).first()


def merges_of(people: Sequence[UUID]) -> QuerySet[Merge]:
    """The merges that stand among these rows, newest first."""
    return Merge.objects.filter(loser__in=people, undone_at=None).order_by("-at", "-id")


def side_by_side(left: UUID, right: UUID, *, by: audit.Actor, at: datetime) -> Sides | None:
    """Two people with all their rows, opened to be compared; each read is written down. None where one is not there."""
    opened = [record_of(one, by=by, at=at, why="match") for one in (left, right)]
    if opened[0] is None or opened[1] is None or opened[0].erased or opened[1].erased:
        return None
    one, other = _whole([left, right])
    weight, levels = compare_two(one, other, rules := rules_at(at))
    bits = {name: value for name, _level, value in linkage.explain(levels, rules.weights)}
    names = {name: linkage.level_name(name, int(levels[place])) for place, name in enumerate(linkage.FIELDS)}
    lines = tuple(_line(field, title, opened[0], opened[1], names[field], bits.get(field)) for field, title in _LINES)
    return Sides(opened[0], opened[1], lines, linkage.probability_of(weight), names["order"] == "swapped")


def evidence_words(evidence: Sequence[Sequence[Any]]) -> list[str]:
    """What is kept beside a merge or a question, in the reader's language: which field agrees how far."""
    titles = {**dict(_LINES), "order": gettext_noop("Order of the names")}
    return [f"{gettext(titles[field])}: {level_words(level)}" for field, level, _bits in evidence if field in titles and level]


def level_words(level: str) -> str:
    """The name of a level of agreement in the reader's language."""
    return gettext(_WORDS[level]) if level in _WORDS else ""


def _line(field: str, title: str, left: PersonRecord, right: PersonRecord, level: str, bits: float | None) -> Line:
    state = "missing" if not level else "same" if level in _SAME else "different" if level == "different" else "near"
    return Line(gettext(title), _values(field, left), _values(field, right), state, level_words(level), bits)


def _values(field: str, record: PersonRecord) -> tuple[str, ...]:
    found = {
        "family": (record.name.family,),
        "given": (record.name.given,),
        "birth": (record.birth_text,),
        "sex": (record.sex_text if record.sex else "",),
        "identifier": tuple(f"{kind_text(kind)}: {masked}" for kind, masked in record.identifiers),
        "phone": record.phones,
        "email": record.emails,
        "address": (record.address,),
        "neighbourhood": (record.neighbourhood.name if record.neighbourhood else "",),
    }
    return tuple(filter(None, found[field]))


def _whole(people: Sequence[UUID]) -> list[Record]:
    """Each person with all their rows as one record."""
    clusters = same_people(people)
    found = held({row for rows in clusters.values() for row in rows})
    return [reduce(_together, [found[row].record for row in clusters[one] if row in found], Record()) for one in people]


def _together(one: Record, other: Record) -> Record:
    named, born = (one if one.given or one.family else other), (one if one.birth_year or one.birth_day else other)
    return Record(
        named.given,
        named.family,
        born.birth_year,
        born.birth_month,
        born.birth_day,
        one.sex or other.sex,
        one.phones + other.phones,
        one.emails + other.emails,
        one.address or other.address,
        one.neighbourhood or other.neighbourhood,
        one.identifiers + other.identifiers,
    )
