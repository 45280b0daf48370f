"""The days of follow-ups that stand already: planned again when something changed, and when the next check is due."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_noop

from epipolis.act.followup import queries
from epipolis.act.followup.events import FollowUpsMoved
from epipolis.act.followup.models import Attempt, Change, Exposure, FollowUp, State
from epipolis.core import audit, clock, events
from epipolis.core.rules import Decision, RulePack
from epipolis.understand.tracing.queries import RANKS

from .storing import update_plans

NEW_EXPOSURE = gettext_noop("A new exposure, or news about one.")
_NO_EXPOSURE = gettext_noop("The contact no longer counts: what made it one was corrected.")
_PLANNED = ("starts", "standard_until", "until", "extended_until")
_PLANNED_FROM = (
    "follow_up", "gone", "risk", "certain", "moved_at", "until", "starts", "counted_from", "counted_by", "rule", "days",
)  # fmt: skip
_REOPENED = (State.COMPLETED, State.LOST, State.NOT_NEEDED, State.CANCELLED)


def replan_all(ids: Collection[int], *, by: audit.Actor, at: datetime, reason: str = NEW_EXPOSURE) -> None:
    """Plan follow-ups again after their exposures changed; each changed end stands in the history."""
    rows = list(FollowUp.objects.select_for_update().filter(id__in=list(ids)).order_by("id"))
    facts, changes, moved = Facts(rows, at=at), [], []
    for row in rows:
        former, former_risk = days_of(row), row.risk
        facts.apply(row)
        if row.person_id and (days_of(row), row.risk) != (former, former_risk):
            moved.append(row.id)
        if days_of(row) != former:
            row.revision += 1
            changes.append(changed(row, "dates", former, days_of(row), reason=reason, by=by, at=at))
    update_plans(rows)
    Change.objects.bulk_create(changes)
    events.publish_many(FollowUpsMoved.of(moved))


def changed(
    row: FollowUp, kind: str, before: dict[str, Any], after: dict[str, Any], *, reason: str, by: audit.Actor, at: datetime
) -> Change:
    """One line of a follow-up's history, not stored yet."""
    return Change(follow_up=row, kind=kind, before=before, after=after, reason=reason, by=audit.actor_name(by), at=at)


def days_of(row: FollowUp) -> dict[str, Any]:
    """The days of a follow-up, as the history keeps them."""
    return {
        "state": str(row.state),
        "until": row.until.isoformat() if row.until else None,
        "standard_until": row.standard_until.isoformat() if row.standard_until else None,
    }


class Facts:
    """What the plan of some follow-ups rests on, asked for at once: their exposures and the tries to reach them."""

    def __init__(self, rows: Collection[FollowUp], *, at: datetime) -> None:
        self.at, self.day = at, clock.local_day(at)
        self.pack: RulePack = queries.rules_of(self.day)
        self.parts = queries.parts_of([row.id for row in rows])
        ids = [*(row.id for row in rows), *self.parts]
        self.exposures: dict[int, list[Exposure]] = defaultdict(list)
        for one in Exposure.objects.filter(follow_up__in=ids).only(*_PLANNED_FROM).order_by("id"):
            self.exposures[self.parts.get(one.follow_up_id, one.follow_up_id)].append(one)
        self.tries: dict[int, datetime] = {}
        tries = Attempt.objects.filter(follow_up__in=ids).exclude(outcome=Attempt.Outcome.REACHED).order_by("at")
        for follow_up, moment in tries.values_list("follow_up", "at"):
            self.tries[self.parts.get(follow_up, follow_up)] = moment

    def apply(self, row: FollowUp, *, may_shorten: bool = False) -> None:
        """Plan one follow-up again, in memory: its days, its risk, its state where new days open it again."""
        holding = [one for one in self.exposures[row.id] if one.gone is None]
        former_until, former_standard = row.until, row.standard_until
        self.plan(row, holding, may_shorten=may_shorten)
        if holding:
            best = min(holding, key=lambda one: RANKS[one.risk])  # type: ignore[index]  # -- risks are words and so are the keys
            row.risk, row.rank = best.risk, RANKS[best.risk]  # type: ignore[index]  # -- as above
            row.certain = any(one.certain for one in holding)
        newest = max((one.moved_at for one in holding), default=row.restarted_at)
        is_later = bool(row.standard_until and (former_standard is None or row.standard_until > former_standard))
        if newest > row.restarted_at and is_later and row.until and (former_until is None or row.until > former_until):
            row.restarted_at, row.is_told = newest, False
        self._open_or_close(row, holding)
        self.set_due(row)

    def plan(self, row: FollowUp, holding: list[Exposure], *, may_shorten: bool) -> None:
        chosen = (row.chosen_until, row.chosen_at, self._why_chosen(row)) if row.chosen_until and row.chosen_at else None
        tried = self.tries.get(row.id)
        found = queries.plan(
            [queries.span(one) for one in holding],
            day=self.day,
            pack=self.pack,
            chosen=chosen,
            former_until=row.until,
            last_seen=row.last_seen,
            last_try=clock.local_day(tried) if tried else None,
            may_shorten=may_shorten,
        )
        for name in _PLANNED:
            setattr(row, name, getattr(found, name))
        row.decision = found.decision.to_json()

    def _why_chosen(self, row: FollowUp) -> str:
        found = Change.objects.filter(follow_up=row.id, kind="end", undone_at=None).order_by("-at", "-id").first()
        return found.reason if found else ""

    def _open_or_close(self, row: FollowUp, holding: list[Exposure]) -> None:
        if row.state == State.OPEN and not holding and row.first_reached is None and row.chosen_until is None:
            row.state, row.ended = State.CANCELLED, self.at
            row.end_reason = Decision("cancelled", self.pack.reference, self.day, {}, ((_NO_EXPOSURE, {}),)).to_json()
        elif self._begins_again(row, holding):
            row.state, row.ended, row.end_reason, row.is_told = State.OPEN, None, {}, False

    def _begins_again(self, row: FollowUp, holding: list[Exposure]) -> bool:
        """An ended follow-up is opened by news of a contact that ends later than all that was known when it ended."""
        if row.state not in _REOPENED or row.case_id or row.ended is None:
            return False
        fresh = any(one.moved_at > row.ended and one.until and one.until >= self.day for one in holding)
        return fresh and not queries.open_of_same(row)

    def set_due(self, row: FollowUp) -> None:
        """When the next check may be done and when it is overdue; nobody asks where there is nobody to ask."""
        row.due_from = row.overdue_from = None
        if row.state == State.OPEN and row.person_id and row.part_of_id is None:
            row.due_from, row.overdue_from = queries.next_check(
                pack=self.pack,
                risk=row.risk,
                at=self.at,
                known_at=row.restarted_at,
                is_told=row.is_told,
                starts=row.starts,
                until=row.until,
                last_seen=row.last_seen,
                seen_part=row.seen_part,
                reports=row.reports,
                failed_at=self._failed_at(row),
            )

    def _failed_at(self, row: FollowUp) -> datetime | None:
        tried = self.tries.get(row.id)
        return tried if tried and (row.last_seen is None or clock.local_day(tried) > row.last_seen) else None


def replan(row: FollowUp, *, at: datetime, may_shorten: bool = False) -> None:
    """The same for one that the caller has locked and saves."""
    Facts([row], at=at).apply(row, may_shorten=may_shorten)
