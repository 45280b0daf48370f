"""Alarms and the people of the desk: what is open, what was done, and how often it was for nothing."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import TruncDate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from epipolis.act.quarantine.models import (
    Alarm,
    Errand,
    FenceState,
    Order,
    PhoneHolder,
    ShiftNote,
    Step,
    Transition,
    Watch,
)
from epipolis.core import clock
from epipolis.core.sealing import unseal

OPEN_ALARM = ~Q(state=Alarm.State.CLOSED)
_FALSE = (Alarm.Outcome.FALSE, Alarm.Outcome.PHONE, Alarm.Outcome.HEARD)


def open_alarms(*, mine: str = "", kind: str = "") -> QuerySet[Alarm]:
    """Alarms that somebody should look after, in the order in which they are due."""
    found = Alarm.objects.filter(OPEN_ALARM)
    if mine:
        found = found.filter(taken_by=mine)
    if kind:
        found = found.filter(kind=kind)
    return _with_order(found).order_by(F("due").asc(nulls_last=True), "id")


def closed_alarms() -> QuerySet[Alarm]:
    return _with_order(Alarm.objects.filter(state=Alarm.State.CLOSED)).order_by("-known_at", "-id")


def alarm(number: int) -> Alarm | None:
    return _with_order(Alarm.objects.all()).filter(id=number).first() if 0 < number < 2**63 else None


def alarms_of(order: Order) -> QuerySet[Alarm]:
    return Alarm.objects.filter(order=order.id).order_by("-known_at", "-id")


def steps_of(alarms: Iterable[Alarm]) -> dict[int, list[Step]]:
    """What was done about each alarm, in its order."""
    found: dict[int, list[Step]] = {}
    for one in Step.objects.filter(alarm__in=[alarm.id for alarm in alarms]).order_by("at", "id"):
        found.setdefault(one.alarm_id, []).append(one)
    return found


def count_open() -> dict[str, int]:
    """Open alarms by kind."""
    return dict(Alarm.objects.filter(OPEN_ALARM).order_by().values_list("kind").annotate(n=Count("id")))


def count_due(at: datetime) -> dict[str, int]:
    """How many alarms wait, and how many of them longer than they may. The message goes by itself: nobody is late with it."""
    late = Q(due__lt=at) & ~Q(next_step=Alarm.Next.MESSAGE)
    return Alarm.objects.filter(OPEN_ALARM).aggregate(open=Count("id"), late=Count("id", filter=late))


def is_late(one: Alarm, at: datetime) -> bool:
    return one.due is not None and one.due < at and one.next_step != Alarm.Next.MESSAGE


def watches(*, state: str = "") -> QuerySet[Watch]:
    """People who are watched now; those who may need somebody first."""
    found = Watch.objects.filter(ended=None).select_related("order", "order__district").defer("order__district__border")
    found = found.filter(state=state) if state else found
    return found.alias(rank=_rank()).order_by("rank", F("heard").asc(nulls_first=True), "order_id")


def _rank() -> Any:
    order = ("outside", "silent", "off", "uncertain", "unknown", "inside")
    return Case(*(When(state=s, then=Value(n)) for n, s in enumerate(order)), output_field=IntegerField(), default=Value(9))


def watch_of(order: Order) -> Watch | None:
    return Watch.objects.filter(order=order.id).first()


def count_states() -> dict[str, int]:
    """People who are watched now, by state."""
    counted = dict(Watch.objects.filter(ended=None).order_by().values_list("state").annotate(n=Count("order_id")))
    return {state: counted.get(state, 0) for state in FenceState.values}


def without_phone() -> set[int]:
    """Orders that are watched, and no phone speaks for them."""
    held = PhoneHolder.objects.filter(until=None).values("order_id")
    return set(Watch.objects.filter(ended=None).exclude(order__in=held).values_list("order_id", flat=True))


def phone_of(order: Order) -> PhoneHolder | None:
    return PhoneHolder.objects.filter(order=order.id, until=None).select_related("phone").first()


def holders_of_phone(holder: PhoneHolder) -> int:
    return PhoneHolder.objects.filter(phone=holder.phone_id, until=None).count()


def transitions_of(order: Order) -> QuerySet[Transition]:
    return Transition.objects.filter(order=order.id).order_by("-at", "-id")


def evidence_of(one: Alarm) -> list[dict[str, Any]]:
    """The fixes that an alarm stands on, the newest first; none after the time for appeals."""
    found: list[dict[str, Any]] = json.loads(unseal(one.evidence) or "[]")
    return found


def shift_notes() -> QuerySet[ShiftNote]:
    return ShiftNote.objects.order_by("-at", "-id")


def _with_order(found: QuerySet[Alarm]) -> QuerySet[Alarm]:
    return found.select_related("order", "order__district").defer("order__district__border", "evidence")


@dataclass(frozen=True)
class AlarmCount:
    """What alarms of one cause came to, and how often that is for each person and day."""

    title: str
    alarms: int
    false: int
    a_day: float | None


def person_days(since: date, until: date, at: datetime) -> float:
    """For how many people and days phones were watched between two local days, both included; errands do not count."""
    first, last = clock.start_of(since), min(clock.start_of(until + timedelta(days=1)), at)
    total = -_on_errands(first, last)
    for began, ended in Watch.objects.filter(began__lt=last).exclude(ended__lt=first).values_list("began", "ended"):
        total += max(timedelta(), min(ended or last, last) - max(began, first))
    return total / timedelta(days=1)


def _on_errands(first: datetime, last: datetime) -> timedelta:
    """The time of errands that were agreed with people who were watched then: no alarm could rise."""
    total = timedelta()
    until: dict[int, datetime] = {}
    rows = Errand.objects.filter(begins__lt=last, until__gt=first, order__watch__isnull=False).order_by("order", "begins", "id")
    for one in rows.select_related("order__watch"):
        watch = one.order.watch
        start = max(one.begins, watch.began, first, until.get(one.order_id, first))
        end = min(one.stops, watch.ended or last, last)
        total += max(timedelta(), end - start)
        until[one.order_id] = max(end, until.get(one.order_id, first))
    return total


def alarm_counts(since: date, until: date, at: datetime) -> list[AlarmCount]:
    """Alarms by kind, and how many were for nothing, for each person-day."""
    days = person_days(since, until, at)
    rows = {
        kind: (count, false)
        for kind, count, false in _between(since, until)
        .values_list("kind")
        .annotate(n=Count("id"), false=Count("id", filter=Q(outcome__in=_FALSE)))
        .order_by()
    }
    named = [(str(label), *rows.get(value, (0, 0))) for value, label in Alarm.Kind.choices]
    total = (_("all"), sum(one[1] for one in named), sum(one[2] for one in named))
    return [AlarmCount(title, n, false, false / days if days else None) for title, n, false in (*named, total)]


def outcomes(since: date, until: date) -> list[tuple[str, int]]:
    """What alarms turned out to be."""
    counted = dict(_between(since, until).exclude(outcome="").order_by().values_list("outcome").annotate(n=Count("id")))
    return [(str(label), counted.get(value, 0)) for value, label in Alarm.Outcome.choices]


def alarms_by_day(since: date, until: date) -> list[dict[str, Any]]:
    """Alarms of each local day: those for nothing, the others, those still open."""
    days = {since + timedelta(days=n): {"false": 0, "true": 0, "open": 0} for n in range((until - since).days + 1)}
    rows = _between(since, until).annotate(day=TruncDate("known_at", tzinfo=clock.zone())).order_by()
    for day, outcome, count in rows.values_list("day", "outcome").annotate(n=Count("id")):
        if day in days:
            days[day]["open" if not outcome else "false" if outcome in _FALSE else "true"] += count
    return [{"day": day, **counts} for day, counts in days.items()]


def _between(since: date, until: date) -> QuerySet[Alarm]:
    return Alarm.objects.filter(known_at__gte=clock.start_of(since), known_at__lt=clock.start_of(until + timedelta(days=1)))


_STEPS = {
    "raised": gettext_noop("raised by the fence"),
    "message": gettext_noop("a message was sent"),
    "call": gettext_noop("called"),
    "visit_due": gettext_noop("nobody was reached: somebody should go there"),
    "visit": gettext_noop("somebody went there"),
    "taken": gettext_noop("somebody looks after it"),
    "given_back": gettext_noop("given back"),
    "returned": gettext_noop("the phone is at the place again"),
    "heard": gettext_noop("the phone was heard again"),
    "closed": gettext_noop("closed"),
    "referred": gettext_noop("referred to those who decide on consequences"),
    "ended": gettext_noop("the order ended"),
    "errand": gettext_noop("an errand was agreed"),
}
_RESULTS = {
    "no_answer": gettext_noop("nobody answered"),
    "well": gettext_noop("is well, at the place"),
    "needs_help": gettext_noop("needs help"),
    "phone_trouble": gettext_noop("trouble with the phone"),
    "says_away": gettext_noop("says they are elsewhere"),
    "found": gettext_noop("was at the place"),
    "nobody": gettext_noop("nobody was there"),
}


def step_text(step: Step) -> str:
    """What was done and what came of it, in the reader's language."""
    said = _(_RESULTS[step.result]) if step.result in _RESULTS else ""
    if step.kind == "closed" and step.result in Alarm.Outcome.values:
        said = str(Alarm.Outcome(step.result).label)
    name = _(_STEPS.get(step.kind, step.kind))
    return f"{name}: {said}" if said else name
