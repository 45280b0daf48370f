"""What may be asked about venues and visits."""

import time
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import numpy as np
import pyarrow as pa
from django.db import connection
from django.db.models import Count, QuerySet, Sum

from epipolis.core import clock, rules
from epipolis.sense.people import queries as people

from .models import Venue, VenueKind, Visit, VisitorLink
from .settings import settings

LONGEST = timedelta(hours=25)  # the longest row: a day known by its date only, on the night when clocks go back
_HEADS = {"visits": Count("*"), "more": Sum("companions")}
_HEAD_FIELDS = ("place_id", "visits", "more")
_packs: dict[tuple[str, date], tuple[float, rules.RulePack]] = {}


class Stay(NamedTuple):
    """One stay: who, where, from when until when; `exact` is false where only the day is known."""

    visitor: UUID
    place_id: int
    arrived: datetime
    left: datetime
    exact: bool = True
    companions: int = 0
    source: int = 0


class AnyStay(Protocol):
    """Anything that says who was where from when until when."""

    @property
    def visitor(self) -> UUID: ...
    @property
    def place_id(self) -> int: ...
    @property
    def arrived(self) -> datetime: ...
    @property
    def left(self) -> datetime: ...


def pack(name: str, day: date) -> rules.RulePack:
    """A rule pack in force on a day; read again every few seconds, because every check-in asks."""
    found = _packs.get((name, day))
    if found and found[0] > time.monotonic():
        return found[1]
    _packs[name, day] = time.monotonic() + settings.cache_seconds, rules.in_force(name, day)
    return _packs[name, day][1]


def times(at: datetime) -> rules.RulePack:
    """The rules about times, limits and keeping that are in force at a moment."""
    return pack("checkin_times", clock.local_day(at))


def usual_stays(day: date) -> dict[str, int]:
    """Each kind of venue with its usual stay in minutes (R42)."""
    content = pack("venue_kinds", day)
    return {**content["permanent"], **content["temporary"]}


def is_temporary(kind: str, day: date) -> bool:
    return kind in pack("venue_kinds", day)["temporary"]


def venues() -> QuerySet[Venue]:
    """Every venue with its place, by name."""
    return Venue.objects.select_related("place", "place__district").order_by("place__name", "place_id")


def venue(place_id: int) -> Venue | None:
    return Venue.objects.select_related("place").filter(place_id=place_id).first()


def venues_coded(codes: Collection[str]) -> dict[str, Venue]:
    """The venues of these place codes."""
    return {v.place.code: v for v in Venue.objects.select_related("place").filter(place__code__in=codes)}


class VenueFacts(NamedTuple):
    """What a check-in must know of a venue."""

    place_id: int
    default_stay: int
    opens: datetime | None
    closes: datetime | None
    closed: datetime | None
    key_number: int


def venue_facts() -> dict[int, VenueFacts]:
    """Facts of every venue by its place; fast for tens of thousands."""
    rows = Venue.objects.values_list(*VenueFacts._fields)
    return {row[0]: VenueFacts(*row) for row in rows}


def kind_label(kind: str) -> str:
    return str(VenueKind(kind).label)


def visitors_of(person_id: UUID) -> list[UUID]:
    """Every pseudonym of a person: their own id and the phones that were linked to them."""
    linked = VisitorLink.objects.filter(person_id=person_id).order_by("linked", "visitor")
    return [person_id, *linked.values_list("visitor", flat=True)]


def visitors_of_many(person_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """The same for many people at once."""
    found = {person: [person] for person in person_ids}
    for visitor, person in VisitorLink.objects.filter(person_id__in=list(found)).values_list("visitor", "person_id"):
        found[person].append(visitor)
    return found


def person_of(visitors: Collection[UUID]) -> dict[UUID, UUID]:
    """The registered person behind each visitor, where one is known: linked, or checked in under their own id."""
    wanted = list(visitors)
    own = {person: person for person in people.registered(wanted)}
    with connection.cursor() as cursor:
        # One text: a list of thousands of values takes longer to write than to answer.
        cursor.execute(_LINKED, [f"{{{','.join(map(str, wanted))}}}"])
        return own | dict(cursor.fetchall())


_LINKED = "SELECT visitor, person_id FROM checkins_visitorlink WHERE visitor = ANY(%s::uuid[])"


def visits_of(visitors: Collection[UUID], *, since: datetime, until: datetime) -> list[Stay]:
    """Every stay of these visitors that overlaps the time from `since` to `until`, in order."""
    rows = Visit.objects.filter(visitor__in=list(visitors), arrived__gt=since - LONGEST, arrived__lt=until, left__gt=since)
    fields = ("visitor", "place_id", "arrived", "left", "exact", "companions", "source")
    return [Stay(*row) for row in rows.order_by("arrived", "place_id", "visitor").values_list(*fields)]


def visits_near(stays: Iterable[AnyStay], *, lingering: timedelta = timedelta()) -> list[Stay]:
    """Every stay of other visitors that overlaps any of these, each once; one indexed query for all.

    `lingering` lets each given stay last longer, for what stays in the air (R43). Visitors of the given stays are left
    out, so pass the stays of all pseudonyms of a person together.
    """
    given = list(stays)
    if not given:
        return []
    columns = (
        [s.place_id for s in given],
        [s.arrived for s in given],
        [s.left + lingering for s in given],
        list({s.visitor for s in given}),
    )
    with connection.cursor() as cursor:
        cursor.execute(_NEAR, [*columns[:3], LONGEST, columns[3]])
        second = timedelta(microseconds=1)
        return [
            Stay(visitor, place, _START + arrived * second, _START + left * second, *rest)
            for visitor, place, arrived, left, *rest in cursor.fetchall()
        ]


_START = datetime(1970, 1, 1, tzinfo=UTC)
# Moments as microseconds: whole numbers are read ten times as fast as times with a zone.
_NEAR = """
SELECT visitor, place_id, (extract(epoch FROM arrived) * 1000000)::bigint, (extract(epoch FROM "left") * 1000000)::bigint,
  exact, companions, source
FROM (SELECT DISTINCT v.visitor, v.place_id, v.arrived, v."left", v.exact, v.companions, v.source
FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS s(place_id, arrived, "left")
JOIN checkins_visit v
  ON v.place_id = s.place_id AND v.arrived < s."left" AND v.arrived > s.arrived - %s::interval AND v."left" > s.arrived
WHERE v.visitor <> ALL(%s::uuid[])) near
ORDER BY near.arrived, near.place_id, near.visitor
"""


def arrow_visits(since: datetime, until: datetime) -> pa.Table:
    """All stays that overlap a period, for runs over the whole city.

    Columns: `visitor` (whole number), `place`, `arrived`, `left` (whole seconds since 1970), `exact`, and `visitor_id`, a
    dictionary of 16 bytes whose codes are the numbers in `visitor`. A phone that was linked counts as its person.
    """
    with connection.cursor() as cursor, cursor.copy(_COPY_OUT, [since - LONGEST, until, since]) as copy:
        raw = b"".join(bytes(piece) for piece in copy)
    rows = np.frombuffer(raw, _COPIED, count=(len(raw) - 21) // _COPIED.itemsize, offset=19)
    whole = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(16), len(rows), [None, pa.py_buffer(np.ascontiguousarray(rows["visitor"]).tobytes())]
    )
    visitors = _merged(whole.dictionary_encode())
    columns = {name: pa.array(rows[name].astype(np.int64)) for name in ("place", "arrived", "left")}
    exact = pa.array(rows["exact"].astype(bool))
    return pa.table({"visitor": visitors.indices.cast(pa.int64()), **columns, "exact": exact, "visitor_id": visitors})


_COPY_OUT = """
COPY (SELECT visitor, place_id, floor(extract(epoch FROM arrived))::bigint, ceil(extract(epoch FROM "left"))::bigint, exact
FROM checkins_visit WHERE arrived > %s AND arrived < %s AND "left" > %s) TO STDOUT (FORMAT BINARY)
"""
_COPIED = np.dtype(
    [("fields", ">i2")]
    + [
        part
        for name, kind in (("visitor", "V16"), ("place", ">i8"), ("arrived", ">i8"), ("left", ">i8"), ("exact", "u1"))
        for part in ((f"{name}_size", ">i4"), (name, kind))
    ]
)


def _merged(visitors: pa.DictionaryArray) -> pa.DictionaryArray:
    """Give linked pseudonyms the code of their person."""
    links = {visitor.bytes: person.bytes for visitor, person in VisitorLink.objects.values_list("visitor", "person_id")}
    known = visitors.dictionary.to_pylist() if links else []
    if not any(value in links for value in known):
        return visitors
    names = pa.array([links.get(value, value) for value in known], pa.binary(16)).dictionary_encode()
    codes = names.indices.to_numpy()[visitors.indices.to_numpy()]
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), names.dictionary)


def here_now(at: datetime, place_ids: Collection[int] | None = None) -> dict[int, int]:
    """How many people are at each place at this moment, companions included (R46)."""
    rows = _present(at)
    if place_ids is not None:
        rows = rows.filter(place_id__in=list(place_ids))
    return {
        place: visits + more for place, visits, more in rows.values("place_id").annotate(**_HEADS).values_list(*_HEAD_FIELDS)
    }


def count_here(at: datetime) -> int:
    """How many people are checked in anywhere at this moment, companions included."""
    found: dict[str, Any] = _present(at).aggregate(**_HEADS)
    return found["visits"] + (found["more"] or 0)


def _present(at: datetime) -> QuerySet[Visit]:
    return Visit.objects.filter(arrived__lte=at, arrived__gt=at - timedelta(hours=24), left__gt=at, exact=True)


def arrivals(since: datetime, until: datetime, place_ids: Collection[int]) -> dict[int, int]:
    """How many people arrived at these places in a period, companions included."""
    rows = Visit.objects.filter(place_id__in=list(place_ids), arrived__gte=since, arrived__lt=until, exact=True)
    return {
        place: visits + more for place, visits, more in rows.values("place_id").annotate(**_HEADS).values_list(*_HEAD_FIELDS)
    }


def arrivals_by_hour(place_id: int, since: datetime, until: datetime) -> list[int]:
    """Arrivals at a place in each hour from `since`, companions included."""
    counts = [0] * max(1, -(-int((until - since).total_seconds()) // 3600))
    rows = Visit.objects.filter(place_id=place_id, arrived__gte=since, arrived__lt=until, exact=True)
    for arrived, companions in rows.values_list("arrived", "companions"):
        counts[int((arrived - since).total_seconds() // 3600)] += 1 + companions
    return counts


def is_empty(place_id: int, at: datetime) -> bool:
    """Nobody is checked in there (R45 asks it before a new poster)."""
    return not _present(at).filter(place_id=place_id).exists()


def open_visit(visitor: UUID, at: datetime) -> Visit | None:
    """Where the visitor is checked in at this moment."""
    return Visit.objects.filter(visitor=visitor, is_open=True, arrived__lte=at, left__gt=at).order_by("-arrived").first()


def check_ins_today(visitor: UUID, at: datetime) -> int:
    """How often a pseudonym checked in on the current local day (R44)."""
    return Visit.objects.filter(visitor=visitor, arrived__gte=clock.start_of(clock.local_day(at)), arrived__lte=at).count()


def count_visits() -> int:
    return Visit.objects.count()


def links_of(person_id: UUID) -> QuerySet[VisitorLink]:
    """The phones linked to a person, newest first."""
    return VisitorLink.objects.filter(person_id=person_id).order_by("-linked")


def old_visits(before: datetime, sources: Collection[int]) -> QuerySet[Visit]:
    """Visits of these sources that ended before a moment."""
    return Visit.objects.filter(arrived__lt=before, left__lt=before, source__in=list(sources))


def venue_points(at: datetime) -> dict[str, Any]:
    """Venues that have a position, as GeoJSON points with how many people are there now."""
    here = here_now(at)
    rows = venues().filter(closed=None, place__lon__isnull=False, place__lat__isnull=False)
    fields = ("place_id", "place__name", "kind", "place__lon", "place__lat")
    features = [
        {
            "type": "Feature",
            "id": place_id,
            "geometry": {"type": "Point", "coordinates": [lon, lat]},
            "properties": {"name": name, "kind": kind_label(kind), "here": here.get(place_id, 0)},
        }
        for place_id, name, kind, lon, lat in rows.values_list(*fields)
    ]
    return {"type": "FeatureCollection", "features": features}
