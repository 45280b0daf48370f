"""Who met whom as a picture: cases and contacts as points, meetings and known infections as lines; and the days as bars."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from epipolis.core import clock, rules
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.models import Case
from epipolis.sense.checkins import queries as checkins
from epipolis.sense.city import queries as city
from epipolis.understand.tracing.models import Contact, Trace
from epipolis.understand.tracing.settings import settings

from .contacts import contacts_of, current_trace, encounters_of
from .findings import clipped, contacts_between
from .risks import Found
from .windows import window_of_days

GROUPS = {
    "case": gettext_lazy("case"),
    "high": gettext_lazy("contact, high risk"),
    "medium": gettext_lazy("contact, medium risk"),
    "low": gettext_lazy("contact, low risk"),
}
_BARS = 40  # rows of the timeline that stay readable


def pseudonym(visitor: UUID) -> str:
    """How a visitor without a name is shown: short enough to read aloud."""
    text = visitor.hex[:8].upper()
    return f"{text[:4]}-{text[4:]}"


def network(case_id: UUID | None = None, *, at: datetime, limit: int = 0) -> dict[str, Any]:
    """Cases and contacts as a chart of kind "graph"; `left_out` says how many points did not fit.

    Around one case: its contacts, the cases among them and the infections that the reports name. Without a case: the cases
    traced last, how they met or infected each other, and those contacts that met more than one of them.
    """
    limit = limit or settings.graph_nodes
    if case_id:
        shown = _around(case_id)
        contacts = list(_contacts(Q(case__in=[case.id for case in shown])))
        near, ill = {contact.visitor for contact in contacts if contact.case_id == case_id}, {case.person_id for case in shown}
        contacts = [contact for contact in contacts if contact.visitor in near or contact.person_id in ill]
        contacts.sort(key=lambda contact: contact.case_id != case_id)  # its own first, should there be too many
    else:
        recent = Trace.objects.filter(is_current=True, window_from__isnull=False, made__lte=at).order_by("-made", "-id")
        shown = list(cases.cases_by_id(list(recent.values_list("case_id", flat=True)[:limit])).values())
        contacts = list(_contacts(Q(case__in=[case.id for case in shown])))
        met = Counter(contact.visitor for contact in contacts)
        ill = {case.person_id for case in shown}
        contacts = [contact for contact in contacts if met[contact.visitor] > 1 or contact.person_id in ill]
    return _graph(shown, contacts, limit, centre=case_id)


def _contacts(wanted: Q) -> Iterable[Contact]:
    return Contact.objects.filter(wanted, gone=None).order_by("rank", "-last_met", "id")


def _around(case_id: UUID) -> list[Case]:
    """The case, who infected it, whom it infected, and the cases among its contacts."""
    case = cases.case(case_id)
    found = {case.id: case}
    if case.infected_by:
        found |= cases.cases_by_id([case.infected_by])
    found |= {child.id: child for child in cases.infected_by(case_id)}
    people = [person for person in contacts_of(case_id).values_list("person_id", flat=True) if person]
    met_by = Contact.objects.filter(person=case.person_id, gone=None).values_list("case_id", flat=True)
    found |= cases.cases_by_id(list(met_by))
    found |= {other.id: other for other in cases.line_list(classification="confirmed").filter(person__in=people)}  # type: ignore[misc]  # -- without a moment the list is of cases
    return list(found.values())


def _graph(shown: list[Case], contacts: list[Contact], limit: int, *, centre: UUID | None) -> dict[str, Any]:
    ill = {case.person_id: f"case-{case.id}" for case in shown}
    nodes = {
        f"case-{case.id}": {
            "id": f"case-{case.id}",
            "name": case.source_key,
            "group": str(GROUPS["case"]),
            "size": 26 if case.id == centre else 16,
            "url": reverse("tracing:case", args=[case.id]),
        }
        for case in shown
    }
    links: dict[tuple[str, str], dict[str, Any]] = {}
    left_out: set[UUID] = set()
    for contact in contacts:
        key = ill.get(contact.person_id) if contact.person_id else None
        key = key or f"contact-{contact.visitor}"
        if key not in nodes:
            if len(nodes) >= limit:
                left_out.add(contact.visitor)
                continue
            nodes[key] = {"id": key, "name": pseudonym(contact.visitor), "group": str(GROUPS[contact.risk]), "size": 9}
        minutes = _("%(minutes)s minutes") if contact.certain else _("possibly met")
        ends = _ends(f"case-{contact.case_id}", key)
        if ends[0] != ends[1]:
            links[ends] = {
                "source": ends[0],
                "target": ends[1],
                "name": minutes % {"minutes": contact.minutes},
                "value": contact.minutes,
            }
    for case in shown:
        source = f"case-{case.infected_by}"
        if case.infected_by and source in nodes:
            ends = _ends(source, f"case-{case.id}")
            links[ends] = {"source": source, "target": f"case-{case.id}", "name": _("named as the source"), "value": 1}
    return {"kind": "graph", "nodes": list(nodes.values()), "links": list(links.values()), "left_out": len(left_out)}


def _ends(one: str, other: str) -> tuple[str, str]:
    """The two ends of a line, the same whichever is named first."""
    return (one, other) if one <= other else (other, one)


def timeline(case: Case, *, at: datetime) -> dict[str, Any]:
    """Who was where when: the case's stays in its infectious time and those of its first contacts (kind "timeline")."""
    trace = current_trace(case.id)
    if trace is None or trace.window_from is None or trace.window_until is None:
        return {"kind": "timeline", "bars": []}
    own = checkins.visits_of(checkins.visitors_of(case.person_id), since=trace.window_from, until=trace.window_until)
    own = clipped(own, trace.window_from, trace.window_until)
    places = city.places_by_id({stay.place_id for stay in own})
    bars = [
        {
            "row": case.source_key,
            "label": places[stay.place_id].name,
            "start": stay.arrived,
            "end": stay.left,
            "group": str(GROUPS["case"]),
        }
        for stay in own
        if stay.place_id in places
    ]
    first = list(contacts_of(case.id)[:_BARS])
    rank = {contact.id: number for number, contact in enumerate(first)}
    for meeting in sorted(encounters_of(list(rank)), key=lambda meeting: (rank[meeting.contact_id], meeting.starts)):
        bars.append(
            {
                "row": pseudonym(meeting.contact.visitor),
                "label": meeting.place.name,
                "start": meeting.starts,
                "end": meeting.ends,
                "group": _("together") if meeting.certain else _("possibly together"),
            }
        )
    return {
        "kind": "timeline",
        "bars": [bar | {"start": bar["start"].isoformat(), "end": bar["end"].isoformat()} for bar in bars],
    }


def contacts_of_contacts(contact: Contact, *, at: datetime) -> list[Found]:
    """Whom a contact met since the first meeting with the case, as if the contact had become infectious (not stored)."""
    meetings = list(encounters_of([contact.id]))
    if not meetings:
        return []
    day, zone = clock.local_day(at), clock.zone()
    longest = rules.in_force("source_window", day)["longest_incubation_days"]
    first = clock.local_day(meetings[0].starts)
    window = window_of_days(first, min(day, first + timedelta(days=longest)), zone)
    person = contact.person_id
    visitors = checkins.visitors_of(person) if person else [contact.visitor]
    own = clipped(checkins.visits_of(visitors, since=meetings[0].starts, until=window.until), meetings[0].starts, window.until)
    found, _registered = contacts_between(own, window, day=day) if own else ({}, set())
    found.pop(contact.case.person_id, None)
    return sorted(found.values(), key=lambda one: (not one.certain, -one.minutes, str(one.visitor)))
