"""People under orders whose simulated phones are watched: the desk of a living city has something to look at.

The city of the demonstration is said to have a law for it. Drafts of the day become orders, each of them and each phone
marked as simulated; phones are played by the fence's own simulator, with its noise, jumps, dead batteries and excursions.
"""

import json
from datetime import date, datetime
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.models import Order
from epipolis.act.quarantine.services import OrderError, Terms
from epipolis.core import access, clock, rules
from epipolis.core.models import RulePackRow
from epipolis.engines import twin
from epipolis.engines.fence import SOURCES, FenceRule, Fences, draw_excursions, phone_positions

MOST = 60
"""People who are watched at the same time."""
_BY = "demonstration"
_LAW = {
    "legal_basis": {
        "en": "Law of the demonstration (invented), article 1",
        "zh-hant": "示範用法律（虛構）第一條",
        "es": "Ley de la demostración (inventada), artículo 1",
    },
    "purpose": {
        "en": "to find who needs help and to stop infections",
        "zh-hant": "為找出需要協助的人並阻止感染",
        "es": "encontrar a quien necesita ayuda y frenar los contagios",
    },
}


class Watched:
    """The watched people of a living city; `begin` each day, `send` now and then."""

    def __init__(self, city: twin.City, visitors: list[UUID], *, seed: int, at: datetime) -> None:
        self.homes = dict(zip(visitors, _places(city), strict=True))
        self.seed = seed
        self.phones: dict[int, str] = {}
        self.waiting = pa.table({"arrived": pa.array([], pa.int64())})
        _device, self.token = access.issue_token(
            "simulated telephones", ["quarantine.position"], by=None, at=at, days=60, simulated=True
        )
        _allow(at)

    def begin(self, day: date, at: datetime) -> int:
        """Issue and watch orders until enough people are watched, and play their phones for this day; returns how many."""
        for row in list(queries.watched_orders()):
            if row.id not in self.phones and row.person_id in self.homes:
                self._enrol(row, at=at)
        for row in list(queries.orders(at, queries.Wanted(view="drafts"))[: 4 * MOST]):
            if len(self.phones) >= MOST:
                break
            self._issue(row, at=at)
        rows = [one for one in queries.watched_orders() if one.id in self.phones]
        self.phones = {one.id: self.phones[one.id] for one in rows}
        if not rows:
            return 0
        fences = Fences.of([one.lon for one in rows], [one.lat for one in rows], [float(one.radius) for one in rows])
        start, seed = int(clock.start_of(day).timestamp()), self.seed + day.toordinal()
        excursions = draw_excursions(seed, fences, start, 1, a_day=0.15, forged=0.02, margin=FenceRule().buffer)
        played = phone_positions(seed, fences, excursions, start, 1)
        names = pa.array([self.phones[one.id] for one in rows])
        played = played.append_column("phone", names.take(played.column("person")))
        self.waiting = played.filter(pc.greater(played.column("arrived"), int(at.timestamp())))
        return len(rows)

    def due(self, now: datetime) -> bytes:
        """What the phones have to send by now, as NDJSON, until `sent` says that it was taken."""
        come = self.waiting.filter(pc.less_equal(self.waiting.column("arrived"), int(now.timestamp())))
        return b"\n".join(json.dumps(_said(row)).encode() for row in come.to_pylist())

    def sent(self, now: datetime) -> None:
        self.waiting = self.waiting.filter(pc.greater(self.waiting.column("arrived"), int(now.timestamp())))

    def _issue(self, row: Order, *, at: datetime) -> None:
        home = self.homes.get(row.person_id)
        if home is None or row.until is None or row.until < clock.local_day(at):
            return
        lon, lat, address = home
        texts = queries.default_grounds(clock.local_day(at))
        try:
            terms = Terms(
                how="verbal", told_at=at, address=address, lon=lon, lat=lat, legal_basis=texts["legal_basis"],
                purpose=texts["purpose"],
            )  # fmt: skip
            services.issue_order(row.id, terms, by=_BY, at=at)
            services.watch_order(row.id, basis="law", reason="demonstration", by=_BY, at=at)
            self._enrol(row, at=at)
        except OrderError:  # it changed meanwhile, or its days are over
            return

    def _enrol(self, row: Order, *, at: datetime) -> None:
        self.phones[row.id] = services.enrol_phone(row.id, kind="operator", by=_BY, at=at, simulated=True)[1]


def _places(city: twin.City) -> list[tuple[float, float, str]]:
    columns = [city.people.column(name).to_pylist() for name in ("lon", "lat", "address")]
    return list(zip(*columns, strict=True))


def _allow(at: datetime) -> None:
    """The demonstration's city has a law; a real one brings its own, or watches nobody."""
    if all(queries.watch_grounds(clock.local_day(at))):
        return
    pack = rules.in_force("orders", clock.local_day(at))
    RulePackRow.objects.get_or_create(
        name="orders", version="demonstration", jurisdiction=pack.jurisdiction,
        defaults={"valid_from": pack.valid_from, "source": "Invented", "content": dict(pack.content) | {"watch": _LAW},
                  "known_at": at},
    )  # fmt: skip


def _said(row: dict[str, Any]) -> dict[str, Any]:
    told = {"phone": row["phone"], "time": row["time"], "source": SOURCES[row["source"]], "charging": row["charging"]}
    for name in ("lon", "lat", "accuracy", "battery"):
        if row[name] is not None and np.isfinite(row[name]):
            told[name] = float(row[name])
    return told
