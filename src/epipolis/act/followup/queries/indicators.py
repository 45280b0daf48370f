"""How well the response works (Resolve to Save Lives, COVID-19 performance measures): counted from the stored hops.

Each indicator is a share: of those for whom something should have happened, for how many it did, in time. It counts by
the local day on which the clock began to run, by district and by team, and only days of which the time is over.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from statistics import median
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Q, QuerySet
from django.utils.translation import gettext_lazy

from epipolis.act.followup.models import Exposure, FollowUp, State
from epipolis.core import clock
from epipolis.sense.cases import queries as cases
from epipolis.sense.people import queries as people
from epipolis.understand.chains import queries as chains

from .interviews import interviewed_at

_IN_TIME = timedelta(hours=24)
_MOST = 200_000  # follow-ups that are looked at; a longer period of a larger city is refused
Span = tuple[date | None, date | None, datetime]  # first day, last day, known since


@dataclass(frozen=True, slots=True)
class Indicator:
    """What is measured, in words, the share to reach, and whether more is better."""

    name: str
    title: Any
    definition: Any
    target: float
    more_is_better: bool = True


INDICATORS = {
    one.name: one
    for one in (
        Indicator(
            "reported_in_time",
            gettext_lazy("Cases known within 24 hours of the sample"),
            gettext_lazy("Of confirmed cases with a sample: those of which the result was known here within 24 hours."),
            0.8,
        ),
        Indicator(
            "interviewed_in_time",
            gettext_lazy("Cases interviewed within 24 hours"),
            gettext_lazy(
                "Of confirmed cases: those who named their contacts within 24 hours after the case became known here."
            ),
            0.8,
        ),
        Indicator(
            "isolated_in_time",
            gettext_lazy("Cases isolated within a day"),
            gettext_lazy("Of confirmed cases: those isolated by the day after the report."),
            0.8,
        ),
        Indicator(
            "quarantined_in_time",
            gettext_lazy("Contacts quarantined within a day"),
            gettext_lazy("Of contacts who are known by name: those whose quarantine began by the day after they were named."),
            0.8,
        ),
        Indicator(
            "reached",
            gettext_lazy("Contacts reached"),
            gettext_lazy("Of contacts who are known by name: those with whom somebody spoke, at any time since."),
            0.9,
        ),
        Indicator(
            "reached_in_time",
            gettext_lazy("Contacts reached within 24 hours"),
            gettext_lazy("Of contacts who are known by name: those with whom somebody spoke within 24 hours."),
            0.8,
        ),
        Indicator(
            "monitored",
            gettext_lazy("Contacts monitored each day"),
            gettext_lazy("Of people under follow-up on a day: those who were seen or told how they are on that day."),
            0.8,
        ),
        Indicator(
            "without_contacts",
            gettext_lazy("Cases without contacts"),
            gettext_lazy("Of confirmed cases: those for whom no contact is known, neither named nor found by tracing."),
            0.2,
            more_is_better=False,
        ),
        Indicator(
            "quarantined_before",
            gettext_lazy("New cases who were in quarantine already"),
            gettext_lazy("Of confirmed cases with an onset: those who were under follow-up or in quarantine on that day."),
            0.8,
        ),
        Indicator(
            "unlinked",
            gettext_lazy("Cases without a known source"),
            gettext_lazy("Of confirmed cases: those with no probable infector and who were nobody's contact."),
            0.2,
            more_is_better=False,
        ),
        Indicator(
            "completed",
            gettext_lazy("Follow-ups completed"),
            gettext_lazy("Of follow-ups that came to their end: those not lost. Those who became cases do not count."),
            0.9,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Counted:
    """One indicator for one day, district and team: how many it held for, of how many."""

    name: str
    day: date
    district: int | None
    team: int | None
    met: int
    of: int


@dataclass(frozen=True, slots=True)
class Share:
    """An indicator over some days, districts or teams."""

    indicator: Indicator
    met: int
    of: int

    @property
    def share(self) -> float | None:
        return self.met / self.of if self.of else None

    @property
    def is_reached(self) -> bool | None:
        if self.share is None:
            return None
        return self.share >= self.indicator.target if self.indicator.more_is_better else self.share <= self.indicator.target


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of the chain from the sample to the call: how many cases or contacts took it, and the hours at the median."""

    title: Any
    count: int
    hours: float | None


def counted(since: date, until: date, at: datetime) -> list[Counted]:
    """Every indicator for the days from `since` to `until`, both included, as known at a moment.

    Raises:
        ValueError: the days are out of order or hold too many follow-ups.
    """
    if since > until:
        raise ValueError("the first day lies after the last")
    named = FollowUp.objects.filter(person__isnull=False, part_of=None, known_at__lte=at)
    begun = named.filter(known_at__gte=clock.start_of(since), known_at__lt=clock.start_of(until + timedelta(days=1)))
    if begun.count() > _MOST:
        raise ValueError("too many follow-ups in this period; choose fewer days")
    known = _Cases(since, until, at)
    rows = [*known.rows(), *_of_contacts(begun, at), *_of_days(since, until, at), *_of_ends(named, since, until, at)]
    return _summed(rows)


def shares(rows: Iterable[Counted], **only: Any) -> list[Share]:
    """Each indicator over these rows; `only` narrows them by `district`, `team` or `day`."""
    met: dict[str, int] = defaultdict(int)
    of: dict[str, int] = defaultdict(int)
    for row in rows:
        if all(getattr(row, name) == value for name, value in only.items()):
            met[row.name] += row.met
            of[row.name] += row.of
    return [Share(indicator, met[name], of[name]) for name, indicator in INDICATORS.items()]


def shares_by(rows: Iterable[Counted], key: Callable[[Counted], Any], name: str) -> dict[Any, Share]:
    """One indicator by day, district or team."""
    found: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        if row.name == name:
            found[key(row)][0] += row.met
            found[key(row)][1] += row.of
    return {group: Share(INDICATORS[name], met, of) for group, (met, of) in found.items()}


def reached_in_time(since: date, until: date, at: datetime) -> Share:
    """The share of contacts reached within 24 hours, in one question to the database."""
    named = FollowUp.objects.filter(person__isnull=False, part_of=None, known_at__lte=at - _IN_TIME)
    begun = named.filter(known_at__gte=clock.start_of(since), known_at__lt=clock.start_of(until + timedelta(days=1)))
    in_time = Q(first_reached__lte=F("known_at") + _IN_TIME)
    found = begun.exclude(state__in=(State.NOT_NEEDED, State.CANCELLED)).aggregate(
        of=Count("id"), met=Count("id", filter=in_time)
    )
    return Share(INDICATORS["reached_in_time"], found["met"], found["of"])


def hops(since: date, until: date, at: datetime) -> list[Hop]:
    """From the sample to the call of a contact: how long each step takes, at the median."""
    known = _Cases(since, until, at)
    named = FollowUp.objects.filter(person__isnull=False, part_of=None, known_at__lte=at)
    begun = named.filter(known_at__gte=clock.start_of(since), known_at__lt=clock.start_of(until + timedelta(days=1)))
    reached = [
        _hours(called - told) for told, called in begun.exclude(first_reached=None).values_list("known_at", "first_reached")
    ]
    return [
        _hop(gettext_lazy("sample → result known here"), known.sample_to_result),
        _hop(gettext_lazy("case known here → interviewed"), known.known_to_interview),
        _hop(gettext_lazy("case known here → contact known here"), known.known_to_contact),
        _hop(gettext_lazy("contact known here → reached"), reached),
    ]


class _Cases:
    """The confirmed cases of some days with everything that the indicators ask of them."""

    def __init__(self, since: date, until: date, at: datetime) -> None:
        fields = ("id", "person_id", "day", "onset", "reported", "isolated", "infected_by", "district", "known_at", "sampled")
        found = cases.line_list(classification="confirmed", since=since, until=until).filter(known_at__lte=at)
        self._at = at
        self._rows = [dict(zip(fields, row, strict=True)) for row in found.values_list(*fields)]
        self._ids = [row["id"] for row in self._rows]

    def rows(self) -> Iterator[Counted]:
        holders = people.holding({row["person_id"] for row in self._rows})
        spans = _spans_of(set(holders.values()))
        pack = chains.rule_on(clock.local_day(self._at))
        linked = {link.infectee_id for link in chains.links_between(self._ids, shown_from=pack["holds_from"])}
        for row in self._rows:
            person = holders.get(row["person_id"], row["person_id"])
            own = spans.get(person, ())
            is_settled = self._at - row["known_at"] >= _IN_TIME
            place = {"day": row["day"], "district": row["district"], "team": None}
            for name, met in self._judged(row, own, linked, is_settled=is_settled):
                yield Counted(name, **place, met=int(met), of=1)

    def _judged(
        self,
        row: dict[str, Any],
        own: Iterable[tuple[date | None, date | None, datetime]],
        linked: set[UUID],
        *,
        is_settled: bool,
    ) -> Iterator[tuple[str, bool]]:
        if (taken := self._tests.get(row["id"])) is not None:
            yield "reported_in_time", taken[1] - taken[0] <= _IN_TIME
        elif row["sampled"] and row["reported"]:
            yield "reported_in_time", (row["reported"] - row["sampled"]).days <= 1
        was_contact = any(known < row["known_at"] for _first, _last, known in own)
        yield "unlinked", row["id"] not in linked and row["infected_by"] is None and not was_contact
        if row["onset"]:
            in_time = any(
                first and last and first <= row["onset"] <= last and known < row["known_at"] for first, last, known in own
            )
            yield "quarantined_before", in_time
        if is_settled:
            told = self._interviews.get(row["id"])
            yield "interviewed_in_time", told is not None and told - row["known_at"] <= _IN_TIME
            reported = row["reported"] or row["day"]
            yield "isolated_in_time", row["isolated"] is not None and (row["isolated"] - reported).days <= 1
            yield "without_contacts", row["id"] not in self._named

    @cached_property
    def _tests(self) -> dict[UUID, tuple[datetime, datetime]]:
        """The first positive sample of each case: when it was taken, when its result was known here."""
        return cases.first_positive(self._ids, self._at)

    @cached_property
    def _interviews(self) -> dict[UUID, datetime]:
        return {case: moment for case, moment in interviewed_at(self._ids).items() if moment <= self._at}

    @cached_property
    def _named(self) -> dict[UUID, datetime]:
        """Cases with contacts, and when the first of them became known."""
        told = Exposure.objects.filter(case__in=self._ids, gone=None, known_at__lte=self._at).order_by("-known_at")
        return dict(told.values_list("case_id", "known_at"))

    @property
    def sample_to_result(self) -> list[float]:
        return [_hours(known - taken) for taken, known in self._tests.values()]

    @property
    def known_to_interview(self) -> list[float]:
        known = {row["id"]: row["known_at"] for row in self._rows}
        return [_hours(moment - known[case]) for case, moment in self._interviews.items()]

    @property
    def known_to_contact(self) -> list[float]:
        known = {row["id"]: row["known_at"] for row in self._rows}
        return [_hours(moment - known[case]) for case, moment in self._named.items()]


def _of_contacts(begun: QuerySet[FollowUp], at: datetime) -> Iterator[Counted]:
    fields = ("known_at", "district_id", "team_id", "first_reached", "quarantine_from", "state")
    for known, district, team, reached, quarantined, state in begun.values_list(*fields).iterator(5_000):
        if state in (State.NOT_NEEDED, State.CANCELLED):
            continue
        day = clock.local_day(known)
        place = {"day": day, "district": district, "team": team, "of": 1}
        yield Counted("reached", met=int(reached is not None and reached <= at), **place)
        if at - known >= _IN_TIME:
            in_time = reached is not None and reached - known <= _IN_TIME
            yield Counted("reached_in_time", met=int(in_time), **place)
            is_confined = quarantined is not None and (quarantined - day).days <= 1
            yield Counted("quarantined_in_time", met=int(is_confined), **place)


_DAYS = """
SELECT d.day::date, f.district_id, f.team_id, count(*) FILTER (WHERE s.seen), count(*)
FROM followup_followup f
CROSS JOIN LATERAL generate_series(
    greatest(f.starts, (f.known_at AT TIME ZONE %(zone)s)::date, %(since)s),
    least(f.until, coalesce((f.ended AT TIME ZONE %(zone)s)::date, f.until), %(until)s), interval '1 day') AS d(day)
LEFT JOIN LATERAL (
    SELECT true AS seen FROM followup_dailycheck c
    WHERE c.follow_up_id = f.id AND c.day = d.day::date AND c.is_current AND c.state IN ('seen_ok', 'seen_ill') LIMIT 1
) s ON true
WHERE f.person_id IS NOT NULL AND f.part_of_id IS NULL AND f.state NOT IN ('not_needed', 'cancelled')
    AND f.starts <= %(until)s AND f.until >= %(since)s AND f.known_at <= %(at)s
GROUP BY 1, 2, 3
"""


def _of_days(since: date, until: date, at: datetime) -> Iterator[Counted]:
    last = min(until, clock.local_day(at) - timedelta(days=1))  # today is not over
    if last < since:
        return
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, {"zone": str(clock.zone()), "since": since, "until": last, "at": at})
        for day, district, team, met, of in cursor.fetchall():
            yield Counted("monitored", day, district, team, met, of)


def _of_ends(named: QuerySet[FollowUp], since: date, until: date, at: datetime) -> Iterator[Counted]:
    ended = named.filter(ended__gte=clock.start_of(since), ended__lt=clock.start_of(until + timedelta(days=1)), ended__lte=at)
    ended = ended.filter(state__in=(State.COMPLETED, State.LOST))
    for moment, district, team, state in ended.values_list("ended", "district_id", "team_id", "state").iterator(5_000):
        yield Counted("completed", clock.local_day(moment), district, team, int(state == State.COMPLETED), 1)


def _spans_of(persons: set[UUID]) -> dict[UUID, list[Span]]:
    """The follow-ups and quarantines of each person, whatever row of theirs they are told of."""
    holder = {row: top for top, cluster in people.same_people(persons).items() for row in cluster}
    found: dict[UUID, list[Span]] = defaultdict(list)
    fields = ("person_id", "starts", "until", "quarantine_from", "quarantine_until", "known_at")
    for person, starts, until, since, last, known in FollowUp.objects.filter(person__in=holder).values_list(*fields):
        found[holder[person]] += [(starts, until, known), (since, last, known)]
    return found


def _summed(rows: Iterable[Counted]) -> list[Counted]:
    found: dict[tuple[str, date, int | None, int | None], list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        one = found[row.name, row.day, row.district, row.team]
        one[0] += row.met
        one[1] += row.of
    return [Counted(*key, met, of) for key, (met, of) in sorted(found.items(), key=str)]


def _hop(title: Any, hours: list[float]) -> Hop:
    return Hop(title, len(hours), round(median(hours), 1) if hours else None)


def _hours(delay: timedelta) -> float:
    return max(0.0, delay / timedelta(hours=1))
