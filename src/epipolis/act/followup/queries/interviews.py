"""Interviews of cases: who waits for one, what is known already to help their memory, and when each was held."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Min, QuerySet
from django.utils.translation import gettext_lazy

from epipolis.act.followup.models import Exposure, Interview, Origin
from epipolis.core import clock
from epipolis.core.sealing import unseal
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.models import Case
from epipolis.sense.checkins import queries as checkins
from epipolis.sense.city import queries as city
from epipolis.sense.people import queries as people

NEEDS = {
    "food": gettext_lazy("Food and shopping"),
    "medicine": gettext_lazy("Medicines"),
    "care": gettext_lazy("Care of children or relatives"),
    "pay": gettext_lazy("Pay for days without work"),
    "room": gettext_lazy("A room of their own"),
    "doctor": gettext_lazy("A doctor today"),
    "talk": gettext_lazy("Somebody to talk to"),
}
_WORTH = timedelta(days=21)  # an older case remembers too little, and its contacts are over
_BEFORE_ONSET = timedelta(days=2)
_MOST_DAYS = 14


def interviewed_at(case_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Of each case that was interviewed, when: the end of the talk, else when contacts were first named."""
    wanted = list(case_ids)
    told = Exposure.objects.filter(case__in=wanted, origin__in=(Origin.INTERVIEW, Origin.HOUSEHOLD))
    named = {row["case"]: row["first"] for row in told.values("case").annotate(first=Min("known_at"))}
    held = Interview.objects.filter(case__in=wanted, finished__isnull=False).values("case").annotate(first=Min("finished"))
    return named | {row["case"]: row["first"] for row in held}


@dataclass(frozen=True, slots=True)
class RememberedDay:
    """One day to ask about: the places where the person is known to have been help them to remember the rest."""

    day: date
    places: tuple[str, ...]
    is_onset: bool


def to_interview(at: datetime) -> QuerySet[Case]:
    """Confirmed cases of the last three weeks that nobody has interviewed, the oldest first."""
    done = Interview.objects.filter(finished__isnull=False).values("case")
    found = cases.confirmed_cases().filter(known_at__gt=at - _WORTH, owner="").exclude(id__in=done)
    return found.order_by("known_at", "id")


def case_to_interview(case_id: UUID) -> Case | None:
    """The case as it is believed now."""
    return cases.cases_by_id([case_id]).get(case_id)


def interview(client_id: UUID) -> Interview | None:
    return Interview.objects.filter(client_id=client_id).select_related("case", "user").first()


def interviews_of(case_ids: Collection[UUID]) -> dict[UUID, Interview]:
    """The interview of each case that is going on or was held, the newest."""
    found = Interview.objects.filter(case__in=list(case_ids)).select_related("user").order_by("started", "id")
    return {row.case_id: row for row in found}


def answers_at(case: Case, revision: int) -> Mapping[str, Mapping[str, str]]:
    """What was known of the illness at a revision of the case; of an unknown one nothing, so that nothing is taken away."""
    rows = [case, *cases.revisions(case.id)]
    read = next((row for row in rows if row.revision == revision), None)
    if read is None:
        return {"symptoms": {}, "circumstances": {}}
    return {"symptoms": read.symptoms, "circumstances": read.circumstances}


def days_to_remember(case: Case, at: datetime) -> list[RememberedDay]:
    """Each day on which the case may have met others, the newest first, with the places known from check-ins."""
    today = clock.local_day(at)
    began = case.onset or case.sampled or case.reported or today
    last = min(today, case.isolated or today)
    first = max(began - _BEFORE_ONSET, last - timedelta(days=_MOST_DAYS - 1))
    days = [last - timedelta(days=n) for n in range((last - first).days + 1)] if first <= last else [last]
    visitors = [one for row in people.same_person(case.person_id) for one in checkins.visitors_of(row)]
    since, until = clock.start_of(days[-1]), clock.start_of(days[0] + timedelta(days=1))
    stays = checkins.visits_of(visitors, since=since, until=until)
    names = city.places_by_id({stay.place_id for stay in stays})
    told: dict[date, list[str]] = {}
    for stay in stays:
        if stay.place_id in names:
            told.setdefault(clock.local_day(stay.arrived), []).append(_where(stay, names[stay.place_id].name))
    return [RememberedDay(day, tuple(told.get(day, ())), day == case.onset) for day in days]


def _where(stay: checkins.Stay, name: str) -> str:
    if not stay.exact:
        return name
    starts, ends = (moment.astimezone(clock.zone()).strftime("%H:%M") for moment in (stay.arrived, stay.left))
    return f"{starts}–{ends} {name}"


def named_in(row: Interview) -> list[dict[str, Any]]:
    """Whom a case named, line by line, with what became of it."""
    lines = row.answers.get("contacts", ())
    found = {
        one.reference: one
        for one in Exposure.objects.filter(reference__in=[line["reference"] for line in lines]).select_related("follow_up")
    }
    return [
        {"key": line["key"], "exposure": one, "person": UUID(line["person"])}
        for line in lines
        if (one := found.get(line["reference"]))
    ]


def words_of(row: Interview) -> dict[str, Any]:
    """What the case told in their own words: a note, each day, and the places that are in no register."""
    empty: dict[str, Any] = {"note": "", "days": {}, "unplaced": []}
    return empty | json.loads(unseal(row.note) or "{}")


def count_to_interview(at: datetime) -> int:
    return to_interview(at).count()


def place_told(text: str) -> int | None:
    """The place that is meant: by its code in brackets, else by its name where only one place has it."""
    head, bracket, code = text.strip().removesuffix("]").rpartition("[")
    if bracket and (found := city.place_coded(code.strip())):
        return int(found.pk)
    name = (head or text).strip()
    same = [one for one in city.matching_places(name)[:20] if one.name.casefold() == name.casefold()]
    return int(same[0].pk) if len(same) == 1 else None
