"""The view backwards: from whom a case may have caught the disease, and where cases gather."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Max, Min, Q, Sum

from epipolis.core import clock, rules
from epipolis.core.rules import RulePack
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.models import Case, Classification
from epipolis.sense.checkins import queries as checkins
from epipolis.sense.city import queries as city
from epipolis.sense.city.models import Place
from epipolis.understand.tracing.models import CaseStay

from .meetings import meetings
from .risks import Piece, shared, shortest_piece
from .windows import Window, infectious_window, source_window, start_day


@dataclass(frozen=True)
class Source:
    """An earlier case that may be the source of another. `likelihood` is a share of 1 among those that were found."""

    case: Case
    pieces: tuple[Piece, ...]
    minutes: int
    certain: bool
    likelihood: float
    is_named: bool  # the report itself names this case as the source
    places: tuple[str, ...]

    @property
    def last_met(self) -> datetime | None:
        return max((piece.ends for piece in self.pieces), default=None)


@dataclass(frozen=True)
class Cluster:
    """A place where several cases were within the days that the rules set."""

    place: Place
    cases: int
    certain: int  # of them with exact times
    exposed: int  # of them in the time when they were infected
    infectious: int  # of them while infectious
    first: date
    last: date
    hours: int  # of all cases together, while infectious and with exact times


def sources_of(case: Case, *, at: datetime) -> list[Source]:
    """Earlier cases whose infectious stays overlapped this case's stays when it was infected, the likeliest first.

    Each shared stretch counts its minutes, times the infectiousness of the source on that day (from the source's onset;
    He et al. 2020), times a lower share where only the day is known. A source that the report names is always listed.
    """
    day, zone = clock.local_day(at), clock.zone()
    pack = rules.in_force("source_window", day)
    exposure, _ = source_window(case, pack, zone, day=day)
    found = _met(case, exposure, day, zone) if exposure else {}
    if case.infected_by and case.infected_by not in {earlier.id for earlier, _ in found.values()}:
        named = cases.cases_by_id([case.infected_by])
        found |= {key: (named_case, []) for key, named_case in named.items()}
    scores = {key: score(pieces, earlier, pack, zone) for key, (earlier, pieces) in found.items()}
    places = city.places_by_id({piece.place for _, pieces in found.values() for piece in pieces})
    total = sum(scores.values()) or 1.0
    sources = [_source(*found[key], scores[key] / total, case, places) for key in found]
    return sorted(sources, key=lambda source: (-source.likelihood, not source.is_named, str(source.case.id)))


def score(pieces: Sequence[Piece], earlier: Case, pack: RulePack, zone: ZoneInfo) -> float:
    """How much these meetings speak for a case as the source; without a unit."""
    start, _ = start_day(earlier)
    if start is None:
        return 0.0
    total = 0.0
    for piece in pieces:
        offset = (piece.starts.astimezone(zone).date() - start).days - pack["infectiousness_from_day"]
        weight = pack["infectiousness"][offset] if 0 <= offset < len(pack["infectiousness"]) else 0.0
        minutes = (piece.ends - piece.starts) / timedelta(minutes=1)
        if not piece.certain:
            minutes = min(minutes, pack["possible_minutes"]) * pack["possible_counts"]
        total += minutes * weight
    return total


def _met(case: Case, exposure: Window, day: date, zone: ZoneInfo) -> dict[UUID, tuple[Case, list[Piece]]]:
    """Earlier cases that shared a stay with this one, by case, with the stretches that count."""
    window_rules, definition = rules.in_force("infectious_window", day), rules.in_force("contact_definition", day)
    least = shortest_piece(definition)
    own = checkins.visits_of(checkins.visitors_of(case.person_id), since=exposure.since, until=exposure.until)
    others = checkins.visits_near(own)
    people = checkins.person_of({stay.visitor for stay in others})
    ill = _cases_of(set(people.values()))
    others = [stay for stay in others if people.get(stay.visitor) in ill]
    met = meetings(own, others, people, since=exposure.since, until=exposure.until, least=least)
    mine, _ = infectious_window(case, window_rules, zone, day=day)
    found: dict[UUID, tuple[Case, list[Piece]]] = {}
    for person, pieces in met.items():
        for earlier in ill[person]:
            window, _ = infectious_window(earlier, window_rules, zone, day=day)
            if window and (mine is None or window.first < mine.first) and (kept := _within(pieces, window, least)):
                found[earlier.id] = (earlier, kept)
    return found


def _cases_of(people: set[UUID]) -> dict[UUID, list[Case]]:
    real = (Classification.CONFIRMED, Classification.PROBABLE)
    found: dict[UUID, list[Case]] = {}
    for case in cases.line_list().filter(person__in=people, classification__in=real):
        found.setdefault(case.person_id, []).append(case)  # type: ignore[union-attr, arg-type]  # -- without a moment the list is of cases
    return found


def _within(pieces: Sequence[Piece], window: Window, least: timedelta) -> list[Piece]:
    parts = (
        Piece(piece.place, max(piece.starts, window.since), min(piece.ends, window.until), piece.certain) for piece in pieces
    )
    return [part for part in parts if part.ends - part.starts >= least]


def _source(earlier: Case, pieces: list[Piece], likelihood: float, case: Case, places: Mapping[int, Place]) -> Source:
    certain = [piece for piece in pieces if piece.certain]
    names = dict.fromkeys(places[piece.place].name for piece in pieces if piece.place in places)
    minutes = int(shared(certain or pieces) / timedelta(minutes=1))
    return Source(earlier, tuple(pieces), minutes, bool(certain), likelihood, earlier.id == case.infected_by, tuple(names))


def clusters(at: datetime, *, limit: int = 100, district: int | None = None, days: int | None = None) -> list[Cluster]:
    """Places where at least as many cases as the rules say were within the days that they set, most cases first."""
    day = clock.local_day(at)
    pack = rules.in_force("cluster_definition", day)
    first = day - timedelta(days=(days or pack["days"]) - 1)
    rows: Any = CaseStay.objects.filter(day__gte=first, day__lte=day)
    if district:
        rows = rows.filter(place__district=district)
    many = Count("case", distinct=True)
    rows = rows.values("place").annotate(cases=many).filter(cases__gte=pack["cases"]).order_by("-cases", "place")
    numbers = [row["place"] for row in rows[:limit]]
    details = (
        CaseStay.objects.filter(day__gte=first, day__lte=day, place__in=numbers)
        .values("place")
        .annotate(
            cases=many,
            sure=Count("case", distinct=True, filter=Q(certain=True)),
            exposed=Count("case", distinct=True, filter=Q(phase=CaseStay.Phase.EXPOSED)),
            infectious=Count("case", distinct=True, filter=Q(phase=CaseStay.Phase.INFECTIOUS)),
            first=Min("day"),
            last=Max("day"),
            hours=Sum("minutes", filter=Q(certain=True, phase=CaseStay.Phase.INFECTIOUS), default=0) / 60,
        )
    )
    places = city.places_by_id(numbers)
    found = [Cluster(place=places[row.pop("place")], certain=row.pop("sure"), **row) for row in details]
    return sorted(found, key=lambda cluster: (-cluster.cases, cluster.place.name))


def cases_at(place_id: int, at: datetime, *, days: int | None = None) -> list[dict[str, Any]]:
    """The cases that were at a place within the days of the cluster definition, with the days of each."""
    day = clock.local_day(at)
    first = day - timedelta(days=(days or rules.in_force("cluster_definition", day)["days"]) - 1)
    rows = CaseStay.objects.filter(place=place_id, day__gte=first, day__lte=day).select_related("case").order_by("day", "case")
    return [
        {"case": row.case, "day": row.day, "phase": row.get_phase_display(), "minutes": row.minutes, "certain": row.certain}
        for row in rows
    ]
