"""The days of a follow-up and of a quarantine, changed by a person: with a reason, asked about each other, and undoable."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.followup.models import Change, FollowUp, Order, State
from epipolis.core import audit, live

from .checks import FollowUpError
from .timing import changed, replan

_LONGEST = timedelta(days=366)
_QUARANTINE = (
    "quarantine_from", "quarantine_until", "quarantine_first_until", "order_kind", "ordered_verbally", "ordered_officially",
)  # fmt: skip
_END = ("chosen_until", "chosen_at", "until")
_OWNER = ("assigned_to_id", "team_id")
UNDOABLE = {"end": _END, "quarantine": _QUARANTINE, "owner": _OWNER}


@dataclass(frozen=True, slots=True)
class Dates:
    """What was changed, and what should be asked now: whether the other end goes along."""

    row: FollowUp
    asks: str = ""  # "quarantine" or "follow_up"; empty: the two agree


@transaction.atomic
def set_end(follow_up_id: int, *, until: date, reason: str, by: audit.Actor, at: datetime) -> Dates:
    """Let a follow-up end on another day, later or earlier, for a reason. A later exposure still wins.

    The end of a quarantine stays as it is; where the two differ now, the answer asks about it.

    Raises:
        FollowUp.DoesNotExist: there is none.
        FollowUpError: there is no reason, or the day cannot be.
    """
    row = FollowUp.objects.select_for_update().get(id=follow_up_id)
    if row.state != State.OPEN:
        raise FollowUpError("state", gettext_noop("this follow-up has ended"))
    if not reason.strip():
        raise FollowUpError("reason", gettext_noop("say why"))
    first = row.starts or row.known_at.date()
    if not first <= until <= first + _LONGEST:
        raise FollowUpError("until", gettext_noop("must lie within a year after the first day"))
    before = _values(row, _END)
    row.chosen_until, row.chosen_at = until, at
    # The history first: the plan quotes its reason.
    line = changed(row, "end", before, {"until": until.isoformat()}, reason=reason, by=by, at=at)
    line.save()
    replan(row, at=at, may_shorten=True)
    line.after = _values(row, _END)
    line.save(update_fields=["after"])
    _save(row, "followup.end_set", by=by, at=at)
    return Dates(row, "quarantine" if row.quarantine_differs else "")


@transaction.atomic
def set_quarantine(
    follow_up_id: int,
    *,
    starts: date | None,
    until: date | None,
    order: str,
    ordered_on: date | None,
    reason: str,
    by: audit.Actor,
    at: datetime,
) -> Dates:
    """Order, change or lift a quarantine. The follow-up's own end stays; where the two differ, the answer asks about it.

    Raises:
        FollowUp.DoesNotExist: there is none.
        FollowUpError: there is no reason, or the days cannot be.
    """
    row = FollowUp.objects.select_for_update().get(id=follow_up_id)
    if not reason.strip():
        raise FollowUpError("reason", gettext_noop("say why"))
    if order not in Order.values:
        raise FollowUpError("order_kind", gettext_noop("must be verbal, official or empty"))
    if until is not None and (starts is None or not starts <= until <= starts + _LONGEST):
        raise FollowUpError("quarantine_until", gettext_noop("must lie within a year after its first day"))
    before = _values(row, _QUARANTINE)
    row.quarantine_from, row.quarantine_until = starts, until
    row.quarantine_first_until = until if row.quarantine_first_until is None else row.quarantine_first_until
    row.order_kind = order
    if ordered_on and order == Order.VERBAL:
        row.ordered_verbally = ordered_on
    if ordered_on and order == Order.OFFICIAL:
        row.ordered_officially = ordered_on
    changed(row, "quarantine", before, _values(row, _QUARANTINE), reason=reason, by=by, at=at).save()
    _save(row, "followup.quarantine", by=by, at=at)
    return Dates(row, "follow_up" if row.quarantine_differs else "")


@transaction.atomic
def undo(change_id: int, *, by: audit.Actor, at: datetime) -> FollowUp:
    """Take the newest change of its kind back; the history keeps both.

    Raises:
        Change.DoesNotExist: there is none.
        FollowUpError: it cannot be undone, was undone, or a later change of the same kind stands on it.
    """
    line = Change.objects.select_for_update().get(id=change_id)
    row = FollowUp.objects.select_for_update().get(id=line.follow_up_id)
    fields = UNDOABLE.get(line.kind)
    if fields is None or line.undone_at is not None:
        raise FollowUpError("change", gettext_noop("cannot be undone"))
    later = Change.objects.filter(follow_up=row, kind=line.kind, undone_at=None, id__gt=line.id)
    if later.exists():
        raise FollowUpError("change", gettext_noop("undo the later change first"))
    for name in fields:
        setattr(row, name, _read(name, line.before.get(name)))
    line.undone_at, line.undone_by = at, audit.actor_name(by)
    line.save(update_fields=["undone_at", "undone_by"])
    if line.kind == "end":
        # What came after the change, such as a new exposure, still counts: the plan is made again, not restored.
        row.until = None
        replan(row, at=at, may_shorten=True)
    _save(row, "followup.undo", by=by, at=at)
    return row


def _save(row: FollowUp, action: str, *, by: audit.Actor, at: datetime) -> None:
    row.revision += 1
    row.save()
    audit.record(action, by=by, at=at, subject=row.id, person=row.person_id)
    live.tell("followup", follow_up=row.id)


def _values(row: FollowUp, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names}
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in values.items()}


def _read(name: str, value: Any) -> Any:
    if name in _OWNER:
        return value
    if value in (None, ""):
        return "" if name == "order_kind" else None
    return (
        datetime.fromisoformat(value) if name == "chosen_at" else value if name == "order_kind" else date.fromisoformat(value)
    )
