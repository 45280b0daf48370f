"""Venues, visits and devices for tests, with sensible defaults."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from epipolis.core import access
from epipolis.sense.checkins import services
from epipolis.sense.checkins.models import Venue, Visit
from epipolis.sense.city import services as city
from epipolis.sense.city.models import Place
from epipolis.sense.people import services as people

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def place(code: str = "cafe", at: datetime = NOW) -> Place:
    return city.add_place(code, f"Place {code}", "cafe", lon=121.5, lat=25.03, by="test", at=at)


def venue(code: str = "cafe", kind: str = "food", at: datetime = NOW, **facts) -> Venue:
    return services.register_venue(place(code, at), kind, by="test", at=at, **facts)[0]


def person(number: str = "A1", at: datetime = NOW) -> UUID:
    return people.find_or_make_person([("test", number)], by="test", at=at, given_name="Mei", family_name="Lin")[0].id


def item(visitor: UUID | None = None, place: str = "cafe", arrived: datetime = NOW, **facts) -> services.CheckIn:
    return services.CheckIn(visitor=visitor or uuid4(), place=place, arrived=arrived, **facts)


def record(*items: services.CheckIn, at: datetime = NOW) -> list[int]:
    return [outcome.status for outcome in services.record_visits(items, by="test", at=at)]


def rule(one: services.CheckIn, at: datetime = NOW) -> tuple[int, str]:
    outcome = services.record_visits([one], by="test", at=at)[0]
    return outcome.status, outcome.field


def stays(visitor: UUID) -> list[tuple[int, datetime, datetime, bool]]:
    rows = Visit.objects.filter(visitor=visitor).order_by("arrived")
    return list(rows.values_list("place_id", "arrived", "left", "is_open"))


def token(*scopes: str, at: datetime | None = None) -> str:
    return access.issue_token("kiosk", list(scopes or ("checkins.record",)), by=None, at=at or datetime.now(UTC))[1]


def hours(count: float) -> timedelta:
    return timedelta(hours=count)
