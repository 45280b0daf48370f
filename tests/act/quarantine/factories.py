"""People under orders."""

from datetime import datetime
from typing import Any

from epipolis.act.quarantine import services
from epipolis.act.quarantine.models import Order
from epipolis.act.quarantine.services import Terms
from epipolis.core import clock
from epipolis.sense.cases.models import Case
from tests.act.followup.factories import NOW, case, exposed, local, person, told

__all__ = ["NOW", "again", "case", "drafted", "exposed", "ill", "issued", "local", "person", "terms", "told"]


def again(row: Order) -> Order:
    row.refresh_from_db()
    return row


def drafted(**facts: Any) -> Order:
    """The draft for somebody who met a case on 15 March 2021: quarantine until the 29th."""
    at = facts.pop("at", NOW)
    found = services.draft_from_follow_up(exposed(at=at, **facts).id, by="test", at=at)
    assert found is not None
    return found


def ill(source: Case | None = None, *, at: datetime = NOW) -> Order:
    """The draft of isolation for a case."""
    found = services.draft_from_case((source or case()).id, by="test", at=at)
    assert found is not None
    return found


def terms(**given: Any) -> Terms:
    values: dict[str, Any] = {
        "how": "written",
        "told_at": clock.now(),
        "address": "1 Heping East Road",
        "lon": 121.53,
        "lat": 25.02,
        "legal_basis": "the law",
        "purpose": "to protect others",
    }
    return Terms(**(values | given))


def issued(row: Order | None = None, *, at: datetime = NOW, by: Any = "otto", **given: Any) -> Order:
    """An order in force."""
    row = row or drafted(at=at)
    return services.issue_order(row.id, terms(**({"told_at": at} | given)), by=by, at=at).row
