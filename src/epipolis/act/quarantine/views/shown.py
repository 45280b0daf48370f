"""Orders as the pages show them: with a name where the reader may see it, and each read written down."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.http import Http404, HttpRequest

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import Order
from epipolis.act.quarantine.queries import Proposed
from epipolis.core.sealing import unseal
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


def shown_errands(row: Order, at: datetime) -> list[dict[str, Any]]:
    """The errands of an order, the latest first: why, when, and whether they hold, are over, or were taken back."""
    return [
        {
            "errand": one,
            "span": queries.span_text(one.begins, one.until),
            "text": unseal(one.text),
            "state": "ended" if one.ended else "over" if one.until <= at else "now" if one.begins <= at else "next",
        }
        for one in queries.errands_of(row)[:50]
    ]


def needs_initial(proposed: list[Proposed]) -> dict[str, Any]:
    """What a form about needs holds before anybody has answered it."""
    kinds = sorted({one.kind for one in proposed})
    return {"client_id": uuid4(), "kinds": kinds, "text": queries.words_proposed(proposed)}


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
