"""Many drafts issued together by one officer: each keeps its own days and place, and one that cannot be holds up no other."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import Order, PlaceKind, State
from epipolis.core import clock, rules, work
from epipolis.core.models import TaskRun, User
from epipolis.core.sealing import unseal
from epipolis.sense.people import queries as people

from .issuing import Terms, issue_order
from .storing import OrderError

TOGETHER = "quarantine.issue_together"
MOST_TOGETHER = 200
_CHANGED = gettext_noop("it is no draft any more")
_NO_ADDRESS = gettext_noop("no address is known: open it and say where the person stays")


@dataclass(frozen=True, slots=True)
class Shared:
    """What is the same for all of them; `told_at` as ISO, for it waits in a queue."""

    how: str
    told_at: str
    legal_basis: str
    purpose: str


def start_issuing(order_ids: Sequence[int], shared: Shared, *, by: User, at: datetime) -> TaskRun:
    """Queue the issuing of drafts that an officer chose.

    Raises:
        OrderError: none was chosen, or more than can be looked at in one go.
    """
    chosen = sorted(set(order_ids))
    if not chosen:
        raise OrderError("orders", gettext_noop("choose at least one draft"))
    if len(chosen) > MOST_TOGETHER:
        raise OrderError("orders", gettext_noop("choose at most 200 drafts at once"))
    arguments = {"orders": chosen, "by": by.username, **asdict(shared)}
    return work.start_task(TOGETHER, arguments, by=by, at=at, title=_("Issue %(n)d orders") % {"n": len(chosen)})


def issue_together(progress: work.Progress, orders: list[int], by: str, **shared: str) -> dict[str, Any]:
    """Issue them one by one; returns how many are issued, and which are not and why. Begun again, it goes on with the rest."""
    at, officer, same = clock.now(), User.objects.get(username=by), Shared(**shared)
    rows = [row for _, row in sorted(queries.orders_by_id(orders).items())]
    ways = people.reach([row.person_id for row in rows], by=officer, at=at, why="order")
    issued, refused = 0, []
    with rules.read_once():
        for done, row in enumerate(rows, start=1):
            known = ways.get(row.person_id)
            rule = _issue(row, known.address if known else "", same, by=officer, at=at)
            if rule:
                refused.append({"order": row.id, "rule": rule})
            else:
                issued += 1
            progress(done, len(rows))
    return {"issued": issued, "refused": refused}


def _issue(row: Order, address: str, same: Shared, *, by: User, at: datetime) -> str:
    """Empty, or the rule by which this one cannot be issued with the others."""
    if row.state == State.ISSUED and row.issued_by == by.username:
        return ""  # by this very task, before it was cut off
    if row.state != State.DRAFT:
        return _CHANGED
    address = unseal(row.address) or address
    if not address.strip() and row.place != PlaceKind.FACILITY:
        return _NO_ADDRESS
    terms = Terms(
        how=same.how,
        told_at=datetime.fromisoformat(same.told_at),
        place=row.place,
        facility=row.facility,
        address=address,
        lon=row.lon if row.spot else None,
        lat=row.lat if row.spot else None,
        legal_basis=same.legal_basis,
        purpose=same.purpose,
    )
    try:
        issue_order(row.id, terms, by=by, at=at)
    except OrderError as error:
        return error.rule
    return ""
