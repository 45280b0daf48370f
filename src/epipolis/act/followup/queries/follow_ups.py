"""Single follow-ups: whom, why, how long, what was tried and found, and what was changed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from epipolis.act.followup.models import (
    Attempt,
    Change,
    DailyCheck,
    DayState,
    Exposure,
    FollowUp,
    Handover,
    SelfReportLink,
    State,
)
from epipolis.core import clock
from epipolis.core.models import User

from .schedules import Span, checks_a_day, rules_of

SEEN = (DayState.SEEN_OK, DayState.SEEN_ILL)


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a follow-up as the page shows it; `state` is empty where nothing is known (yet)."""

    day: date
    number: int
    checks: tuple[DailyCheck, ...]
    is_today: bool
    is_past: bool

    @property
    def state(self) -> str:
        """The worst of the day: ill before well, anything seen before anything missed."""
        states = {check.state for check in self.checks}
        return next((str(one) for one in _WORST if one in states), "")

    @property
    def text(self) -> str:
        return str(DayState(self.state).label) if self.state else ""


_WORST = (DayState.SEEN_ILL, DayState.SEEN_OK, DayState.NOT_SEEN, DayState.MISSED, DayState.NOT_ATTEMPTED)


def follow_up(follow_up_id: int) -> FollowUp | None:
    """One follow-up, with what its page shows."""
    if not 0 < follow_up_id < 2**63:
        return None
    return _with_names(FollowUp.objects.all()).filter(id=follow_up_id).first()


def current_check(row: FollowUp, day: date, part: int) -> DailyCheck | None:
    """The answer that holds for a part of a day."""
    return DailyCheck.objects.filter(follow_up=row, day=day, part=part, is_current=True).first()


def follow_ups_of(people: Collection[UUID]) -> QuerySet[FollowUp]:
    """Every follow-up of these rows of people, the newest first."""
    return _with_names(FollowUp.objects.filter(person__in=list(people))).order_by("-known_at", "-id")


def follow_ups_by_id(ids: Collection[int]) -> dict[int, FollowUp]:
    return _with_names(FollowUp.objects.all()).in_bulk(list(ids)) if ids else {}


def open_of_same(row: FollowUp) -> bool:
    """Whether somebody has another open follow-up of the same disease."""
    same = Q(person=row.person_id) if row.person_id else Q(person=None, visitor=row.visitor)
    return FollowUp.objects.filter(same, state=State.OPEN, part_of=None, disease=row.disease).exclude(id=row.id).exists()


def exposures_of(row: FollowUp) -> QuerySet[Exposure]:
    """Whom somebody met, the one that ends last first; those that no longer count at the end."""
    found = Exposure.objects.filter(follow_up__in=_with_parts([row.id])).select_related("case")
    return found.order_by("gone", "-until", "id")


def standing_exposures(follow_ups: Collection[int]) -> dict[int, list[Exposure]]:
    """Of each follow-up, its parts included, the exposures that count, in the order in which they became known."""
    found: dict[int, list[Exposure]] = {key: [] for key in follow_ups}
    parts = parts_of(follow_ups)
    for one in Exposure.objects.filter(follow_up__in=[*follow_ups, *parts], gone=None).order_by("id"):
        found[parts.get(one.follow_up_id, one.follow_up_id)].append(one)
    return found


def parts_of(follow_ups: Collection[int]) -> dict[int, int]:
    """Those that joined one of these, each with the one that it joined."""
    joined = FollowUp.objects.filter(part_of__in=list(follow_ups), part_of__isnull=False)
    return {part: whole for part, whole in joined.values_list("id", "part_of") if whole is not None}


def _with_parts(follow_ups: Collection[int]) -> QuerySet[FollowUp, Any]:
    """These and what joined them, asked for by itself: over the join the database would read every exposure there is."""
    wanted = list(follow_ups)
    return FollowUp.objects.filter(Q(id__in=wanted) | Q(part_of__in=wanted)).values("id")


def exposures_from(case_id: UUID) -> QuerySet[Exposure]:
    """Known people who met a case, as far as it still counts, in the order in which they became known."""
    found = Exposure.objects.filter(case=case_id, gone=None, follow_up__person__isnull=False)
    return found.order_by("known_at", "id")


def leading_exposures(ids: Collection[int]) -> dict[int, Exposure]:
    """Of each follow-up the exposure that ends last."""
    rows = Exposure.objects.filter(follow_up__in=list(ids), gone=None).select_related("case").order_by("until", "-id")
    return {row.follow_up_id: row for row in rows}


def span(exposure: Exposure) -> Span:
    """An exposure as the plan sees it."""
    return Span(
        exposure.counted_from,
        exposure.counted_by,
        exposure.starts,
        exposure.until,
        exposure.rule,
        exposure.days,
        exposure.moved_at,
    )


def days_of(row: FollowUp, at: datetime) -> list[Day]:
    """Every day of a follow-up with what is known of it."""
    checks: dict[date, list[DailyCheck]] = {}
    for check in DailyCheck.objects.filter(follow_up=row.id, is_current=True).order_by("day", "part"):
        checks.setdefault(check.day, []).append(check)
    today, days = clock.local_day(at), row.days
    extra = sorted(checks.keys() - set(days))
    return [
        Day(day, (day - row.starts).days + 1 if row.starts else 0, tuple(checks.get(day, ())), day == today, day < today)
        for day in sorted({*days, *extra})
    ]


def checks_of(row: FollowUp) -> QuerySet[DailyCheck]:
    """Every answer, the newest first; those that a later one replaced too."""
    return DailyCheck.objects.filter(follow_up=row.id).order_by("-day", "-part", "-received", "-id")


def attempts_of(row: FollowUp) -> QuerySet[Attempt]:
    return Attempt.objects.filter(follow_up=row.id).order_by("-at", "-id")


def changes_of(row: FollowUp) -> QuerySet[Change]:
    return Change.objects.filter(follow_up=row.id).order_by("-at", "-id")


def links_of(row: FollowUp) -> QuerySet[SelfReportLink]:
    return SelfReportLink.objects.filter(follow_up=row.id).order_by("-made", "-id")


def handovers(user: User, *, team: int | None, since: datetime) -> QuerySet[Handover]:
    """What was handed to or by somebody, or to their team, and is open or young."""
    mine = Q(taker=user) | Q(giver=user)
    if team:
        mine |= Q(taker=None, team=team)
    found = Handover.objects.filter(mine).filter(Q(accepted=None) | Q(at__gte=since))
    return found.select_related("giver", "taker", "team", "accepted_by").order_by("-at", "-id")


def handover(number: int) -> Handover | None:
    found = Handover.objects.select_related("giver", "taker", "team")
    return found.filter(id=number).first() if 0 < number < 2**63 else None


def offers(row: FollowUp, at: datetime) -> list[dict[str, Any]]:
    """What a person may decide about the days, and never happens by itself: an earlier end, the order of quarantine."""
    pack, found = rules_of(clock.local_day(at)), []
    if row.is_extended and row.chosen_until is None and row.extended_until is None:
        found.append({"kind": "shorten", "until": row.standard_until, "days": 0, "test_from": None})
    if row.state == State.OPEN and row.starts and row.until:
        first, tests = row.starts - timedelta(days=1), negative_tests(row)
        for rule in pack["earlier"]:
            until = first + timedelta(days=rule["days"])
            test_from = first + timedelta(days=rule["test_from_day"]) if rule["test_from_day"] else None
            if until < row.until:
                tested = next((day for day in tests if test_from and day >= test_from), None)
                offer = {"kind": "earlier", "until": until, "days": rule["days"], "test_from": test_from, "tested": tested}
                found.append(offer)
        rule = pack["quarantine"]
        if row.quarantine_until is None and row.risk in rule["risks"]:
            found.append(
                {"kind": "quarantine", "until": first + timedelta(days=rule["days"]), "days": rule["days"], "test_from": None}
            )
    return found


def negative_tests(row: FollowUp) -> list[date]:
    """The days on which samples were taken that turned out negative."""
    lines = Change.objects.filter(follow_up=row.id, kind="test", after__is_negative=True).values_list(
        "after__sampled", flat=True
    )
    return sorted(date.fromisoformat(day) for day in lines)


def times_a_day(row: FollowUp, at: datetime) -> int:
    return checks_a_day(row.risk, rules_of(clock.local_day(at)))


def _with_names(found: QuerySet[FollowUp]) -> QuerySet[FollowUp]:
    return found.select_related("district", "team", "assigned_to", "case", "part_of").defer("district__border")
