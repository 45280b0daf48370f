"""Rows as the pages show them: with a name where the reader may see it, and each read written down."""

from typing import Any

from django.http import Http404, HttpRequest

from epipolis.act.followup import queries
from epipolis.act.followup.models import FollowUp
from epipolis.core import clock
from epipolis.sense.people import queries as people
from epipolis.understand.tracing import queries as tracing


def shown(request: HttpRequest, listed: list[queries.Listed], *, why: str = "contacts") -> list[dict[str, Any]]:
    """Rows of the list with names, numbers to call, reasons and questions."""
    at = clock.now()
    exposures = queries.leading_exposures([one.row.id for one in listed])
    named = people.named_in_list([one.row.person_id for one in listed if one.row.person_id], by=request.user, at=at, why=why)
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


def follow_up(number: int) -> FollowUp:
    """The follow-up with this number.

    Raises:
        Http404: there is none.
    """
    found = queries.follow_up(number)
    if found is None:
        raise Http404
    return found
