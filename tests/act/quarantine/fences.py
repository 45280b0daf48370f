"""People who are watched, and phones that speak for them."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.models import Order
from epipolis.act.quarantine.services import Position
from epipolis.core.models import RulePackRow

from .factories import NOW, issued

HOME = (121.53, 25.02)
AWAY = (121.55, 25.02)  # two kilometres
STEP = 300


def grounds() -> None:
    """The city may watch phones."""
    pack = queries.paper_rules(NOW.date())
    content = dict(pack.content) | {"watch": {"legal_basis": "Article 1", "purpose": "to find who needs help"}}
    RulePackRow.objects.create(
        name="orders", version="city", jurisdiction="WHO", valid_from=date(2020, 1, 1), source="city", content=content,
        known_at=NOW,
    )  # fmt: skip


def watched(row: Order | None = None, *, at: datetime = NOW, **given: Any) -> Order:
    """Somebody whose phone is watched; no phone speaks for them yet."""
    if not RulePackRow.objects.filter(name="orders").exists():
        grounds()
    row = row or issued(at=at, **given)
    row = services.watch_order(row.id, basis="law", reason="high risk", by="mira", at=at)
    services.sync_watch(row.id, at=at)
    return row


def enrolled(row: Order | None = None, *, at: datetime = NOW) -> tuple[Order, str]:
    """Somebody who is watched, and the secret of their phone."""
    row = row or watched(at=at)
    return row, services.enrol_phone(row.id, kind="app", by="mira", at=at)[1]


def fix(phone: str, minutes: float, place: tuple[float, float] | None = HOME, **facts: Any) -> Position:
    """What a phone says so many minutes after noon."""
    lon, lat = place or (None, None)
    values: dict[str, Any] = {"accuracy": 10.0, "source": "gps", "battery": 0.8}
    return Position(phone=phone, time=int(NOW.timestamp() + minutes * 60), lon=lon, lat=lat, **(values | facts))


def walk(phone: str, minutes: Iterable[float], place: tuple[float, float] = HOME) -> list[Position]:
    return [fix(phone, one, place) for one in minutes]
