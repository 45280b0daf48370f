"""Small cities in which somebody met somebody."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from epipolis.sense.cases.models import Case
from epipolis.sense.checkins.models import Source, Visit, VisitorLink
from epipolis.sense.city.models import Place
from epipolis.sense.people.models import Person

ZONE = ZoneInfo("Asia/Taipei")
NOW = datetime(2021, 3, 20, 4, 0, tzinfo=UTC)  # noon in the city
ONSET = date(2021, 3, 10)
_numbers = count(1)


def local(day: int, hour: int = 0, minute: int = 0, *, month: int = 3, second: int = 0) -> datetime:
    """A moment of 2021 by the city's own clock."""
    return datetime(2021, month, day, hour, minute, second, tzinfo=ZONE)


def place(code: str = "", kind: str = "shop", **fields) -> Place:
    code = code or f"place-{next(_numbers)}"
    return Place.objects.create(code=code, name=code.title(), kind=kind, known_at=NOW, **fields)


def person(language: str = "") -> Person:
    return Person.objects.create(known_at=NOW, language=language)


def case(of: Person | None = None, **facts) -> Case:
    values = {"classification": "confirmed", "onset": ONSET, "reported": date(2021, 3, 12), "has_symptoms": True} | facts
    number = next(_numbers)
    values = {"source": "test", "source_key": f"C{number}", "known_at": NOW, "revised_at": NOW} | values
    return Case.objects.create(person=of or person(), disease="covid19", **values)


def visit(visitor: UUID | Person, at: Place, arrived: datetime, minutes: float = 60, **fields) -> Visit:
    who = visitor.id if isinstance(visitor, Person) else visitor
    values = {"source": Source.CODE, "known_at": NOW} | fields
    return Visit.objects.create(
        visitor=who, place_id=at.id, arrived=arrived, left=arrived + timedelta(minutes=minutes), **values
    )


def day_visit(visitor: UUID | Person, at: Place, day: int, **fields) -> Visit:
    """A stay of which only the day is known."""
    return visit(visitor, at, local(day), minutes=24 * 60, exact=False, **fields)


def link(visitor: UUID, to: Person) -> VisitorLink:
    return VisitorLink.objects.create(visitor=visitor, person=to, linked=NOW, linked_by="test")


def meeting(minutes: float = 60, *, day: int = 10, kind: str = "shop", at: Place | None = None, **facts):
    """A case and a pseudonym together at a place at noon; gives the case, the visitor and the place."""
    where, ill, other = at or place(kind=kind), case(**facts), uuid4()
    visit(ill.person_id, where, local(day, 12), minutes)
    visit(other, where, local(day, 12), minutes)
    return ill, other, where
