"""Rows as the pages show them: with a name where the reader may see it, and each read written down."""

import time
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest

from epipolis.act.followup import queries
from epipolis.act.followup.models import FollowUp
from epipolis.core import clock
from epipolis.sense.people import queries as people
from epipolis.understand.tracing import queries as tracing

_SAME_LOOK = 120.0  # seconds in which seeing a name again in a list that stays open is no new read
_MOST_READ = 5_000
_read: dict[tuple[str, UUID], tuple[float, people.Name]] = {}


def shown(request: HttpRequest, listed: list[queries.Listed], *, why: str = "contacts") -> list[dict[str, Any]]:
    """Rows of the list with names, numbers to call, reasons and questions."""
    at = clock.now()
    exposures = queries.leading_exposures([one.row.id for one in listed])
    named = names(request, [one.row.person_id for one in listed if one.row.person_id], why=why)
    return [
        {
            "row": one.row,
            "lane": one.lane,
            "lane_text": queries.LANE_NAMES[one.lane](),
            "name": named.get(one.row.person_id) if one.row.person_id else None,
            "pseudonym": pseudonym(one.row),
            "exposure": exposures.get(one.row.id),
            "told": queries.told(one.row, one.lane, exposures.get(one.row.id), at),
        }
        for one in listed
    ]


def pseudonym(row: FollowUp) -> str:
    """What stands for somebody whose name is not shown."""
    who = row.person_id or row.visitor
    return tracing.pseudonym(who) if who else ""


def names(request: HttpRequest, wanted: list[UUID], *, why: str) -> dict[UUID, people.Name]:
    """Names, each read written down; a list that only fetched itself again while it stays open is the same read."""
    if not request.user.has_perm("people.view_names"):
        return {}
    now, reader = time.monotonic(), f"{request.user.pk} {why}"
    found = {person: seen[1] for person in wanted if (seen := _read.get((reader, person))) and now - seen[0] < _SAME_LOOK}
    if missing := [person for person in wanted if person not in found]:
        fresh = people.named(missing, by=request.user, at=clock.now(), why=why)
        if len(_read) > _MOST_READ:
            _read.clear()
        _read.update({(reader, person): (now, name) for person, name in fresh.items()})
        found |= fresh
    return found


def follow_up(number: int) -> FollowUp:
    """The follow-up with this number.

    Raises:
        Http404: there is none.
    """
    found = queries.follow_up(number)
    if found is None:
        raise Http404
    return found
