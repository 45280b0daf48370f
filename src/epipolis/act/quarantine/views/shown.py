"""Orders as the pages show them: with a name where the reader may see it, and each read written down."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import Order
from epipolis.core import clock
from epipolis.sense.people import queries as people
from epipolis.understand.tracing import queries as tracing


def order_or_404(number: int) -> Order:
    """The order with this number.

    Raises:
        Http404: there is none.
    """
    found = queries.order(number)
    if found is None:
        raise Http404
    return found


def shown(request: HttpRequest, rows: Iterable[Order], at: datetime) -> list[dict[str, Any]]:
    """Rows of a list with names, reasons and what is asked."""
    rows = list(rows)
    called = names(request, [row.person_id for row in rows])
    return [
        {
            "row": row,
            "name": called.get(row.person_id),
            "pseudonym": tracing.pseudonym(row.person_id),
            "day": queries.day_text(row, at),
            "asks": queries.ask_text(row),
        }
        for row in rows
    ]


def names(request: HttpRequest, wanted: list[UUID]) -> dict[UUID, people.Name]:
    """Names for whoever may see them."""
    if not request.user.has_perm("people.view_names"):
        return {}
    return people.named_in_list(wanted, by=request.user, at=clock.now(), why="order")
