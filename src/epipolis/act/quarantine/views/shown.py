"""Orders as the pages show them: with a name where the reader may see it, and each read written down."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import Order
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
    called = people.named_in_list([row.person_id for row in rows], by=request.user, at=at, why="order")
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
