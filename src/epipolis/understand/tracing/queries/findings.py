"""Who met one case: its window, its stays, and everyone whom the rules make a contact. Reads only."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop

from epipolis.core import clock, rules
from epipolis.core.rules import Decision
from epipolis.sense.cases.models import Case
from epipolis.sense.checkins import queries as checkins
from epipolis.sense.checkins.queries import Stay
from epipolis.sense.city import queries as city
from epipolis.understand.tracing.models import CaseStay

from .meetings import meetings
from .risks import Found, judge, shortest_piece
from .windows import Window, infectious_window, source_window


@dataclass(frozen=True)
class Findings:
    """What one look at a case gives, before anything is stored."""

    window: Window | None
    decision: Decision
    visits: int = 0
    contacts: dict[UUID, Found] = field(default_factory=dict)
    people: set[UUID] = field(default_factory=set)  # those visitors that are registered people
    stays: dict[tuple[int, date, str], tuple[int, bool]] = field(default_factory=dict)  # place, day, phase → minutes, certain


def findings(case: Case, *, at: datetime) -> Findings:
    """Look at who met a case, by the rules in force on the day of `at`."""
    day, zone = clock.local_day(at), clock.zone()
    window, decision = infectious_window(case, rules.in_force("infectious_window", day), zone, day=day)
    if window is None:
        return Findings(None, decision)
    exposure, _ = source_window(case, rules.in_force("source_window", day), zone, day=day)
    visitors = checkins.visitors_of(case.person_id)
    since = min(window.since, exposure.since) if exposure else window.since
    own = checkins.visits_of(visitors, since=since, until=window.until)
    stays = stays_by_day(own, str(CaseStay.Phase.INFECTIOUS), window, zone)
    if exposure:
        stays |= stays_by_day(own, str(CaseStay.Phase.EXPOSED), exposure, zone)
    infectious = clipped(own, window.since, window.until)
    if not infectious:
        text = gettext_noop(
            "No visits on these days are stored: none were recorded or told, or they were old enough to be erased."
        )
        return Findings(window, replace(decision, reasons=(*decision.reasons, (text, {}))), stays=_known(stays))
    contacts, people = contacts_between(infectious, window, day=day)
    return Findings(window, decision, len(infectious), contacts, people, _known(stays))


def contacts_between(own: Sequence[Stay], window: Window, *, day: date) -> tuple[dict[UUID, Found], set[UUID]]:
    """Everyone who met the person with these stays, as the contact definition in force on a day says.

    A registered person stands for all their pseudonyms, under their own id; the second part says which these are.
    """
    definition = rules.in_force("contact_definition", day)
    others = checkins.visits_near(own)
    people = checkins.person_of({stay.visitor for stay in others})
    met = meetings(own, others, people, since=window.since, until=window.until, least=shortest_piece(definition))
    places = city.places_by_id({piece.place for pieces in met.values() for piece in pieces})
    kinds = {key: place.kind for key, place in places.items()}
    found = {}
    for visitor, pieces in met.items():
        known = [piece for piece in pieces if piece.place in kinds]  # a place that was removed since cannot be shown
        if known and (contact := judge(visitor, known, kinds, definition, day=day)):
            found[visitor] = contact
    registered = set(people.values())
    return found, registered & found.keys()


def clipped(stays: Sequence[Stay], since: datetime, until: datetime) -> list[Stay]:
    """The parts of stays between two moments."""
    parts = (stay._replace(arrived=max(stay.arrived, since), left=min(stay.left, until)) for stay in stays)
    return [part for part in parts if part.arrived < part.left]


def stays_by_day(
    own: Sequence[Stay], phase: str, window: Window, zone: ZoneInfo
) -> dict[tuple[int, date, str], tuple[int, bool]]:
    """How long somebody was at each place on each local day of a window, and whether that is certain."""
    total: dict[tuple[int, date, str], timedelta] = defaultdict(timedelta)
    certain: dict[tuple[int, date, str], bool] = defaultdict(bool)
    for stay in clipped(own, window.since, window.until):
        start = stay.arrived
        while start < stay.left:
            day = start.astimezone(zone).date()
            midnight = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(days=1)
            end = min(stay.left, midnight)
            total[stay.place_id, day, phase] += end - start
            certain[stay.place_id, day, phase] |= stay.exact
            start = end
    return {key: (int(time / timedelta(minutes=1)), certain[key]) for key, time in total.items()}


def _known(
    stays: dict[tuple[int, date, str], tuple[int, bool]],
) -> dict[tuple[int, date, str], tuple[int, bool]]:
    places = city.places_by_id({place for place, _day, _phase in stays})
    return {key: value for key, value in stays.items() if key[0] in places}
