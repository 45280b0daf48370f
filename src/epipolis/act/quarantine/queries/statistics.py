"""How orders go: how many, how fast, how long, how often changed, appealed and helped. Shares carry what they count."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from django.db.models import Count, Min, Q
from django.db.models.functions import TruncDate
from django.utils.translation import gettext_lazy as _

from epipolis.act.quarantine.models import Appeal, Need, Order, OrderChange, State
from epipolis.core import clock

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Share:
    """Of how many it held for how many; `share` is None where there is nothing to count."""

    name: str
    title: str
    definition: str
    met: int
    of: int

    @property
    def share(self) -> float | None:
        return self.met / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of some lengths of time, and the one that nine of ten do not exceed, in hours."""

    name: str
    title: str
    count: int
    middle: float | None
    most: float | None


def by_day(since: date, until: date) -> list[dict[str, Any]]:
    """Of each local day how many orders were issued, ended and lifted."""
    days = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    zone = clock.zone()

    def counted(field: str, condition: Q) -> dict[date, int]:
        span = {f"{field}__gte": clock.start_of(since), f"{field}__lt": clock.start_of(until + timedelta(days=1))}
        found = Order.objects.filter(condition, **span).annotate(day=TruncDate(field, tzinfo=zone)).order_by()
        return dict(found.values_list("day").annotate(n=Count("id")))

    issued = counted("issued_at", Q())
    ended, lifted = counted("ended", Q(state=State.ENDED)), counted("ended", Q(state=State.LIFTED))
    return [
        {"day": day, "issued": issued.get(day, 0), "ended": ended.get(day, 0), "lifted": lifted.get(day, 0)} for day in days
    ]


def shares(since: date, until: date) -> list[Share]:
    """Of the orders issued in these days."""
    rows = list(_issued(since, until))
    numbers = [row.id for row in rows]
    changed: dict[str, set[int]] = {}
    lines = OrderChange.objects.filter(order__in=numbers, kind__in=("extended", "shortened", "lifted"), undone_at=None)
    for kind, order in lines.values_list("kind", "order"):
        changed.setdefault(kind, set()).add(order)
    appeals = Appeal.objects.filter(order__in=numbers)
    appealed = appeals.values("order").distinct().count()
    answered = appeals.exclude(answered_at=None)
    own = _own(rows)
    in_a_day = [row for row in own if row.issued_at and row.issued_at - row.known_at <= timedelta(days=1)]
    asked = [row for row in rows if row.needs_asked and row.issued_at and row.needs_asked - row.issued_at <= timedelta(days=1)]
    spoken = [row for row in rows if row.verbal_at]
    texts = _share_texts()
    made = {
        "issued_in_a_day": (len(in_a_day), len(own)),
        "needs_in_a_day": (len(asked), len(rows)),
        "written": (sum(1 for row in spoken if row.written_at), len(spoken)),
        "extended": (len(changed.get("extended", ())), len(rows)),
        "shortened": (len(changed.get("shortened", ())), len(rows)),
        "lifted": (len(changed.get("lifted", ())), len(rows)),
        "appealed": (appealed, len(rows)),
        "appeals_granted": (answered.exclude(answer=Appeal.Answer.UPHELD).count(), answered.count()),
        "needs_met": (Need.objects.filter(order__in=numbers).exclude(met_at=None).count(),
                      Need.objects.filter(order__in=numbers).count()),
    }  # fmt: skip
    return [Share(name, *texts[name], *made[name]) for name in made]


def spreads(since: date, until: date) -> list[Spread]:
    """How long things took, of the orders issued in these days."""
    rows = list(_issued(since, until))
    numbers = [row.id for row in rows]
    first = dict(Need.objects.filter(order__in=numbers).exclude(met_at=None).values_list("id").annotate(met=Min("met_at")))
    asked = dict(Need.objects.filter(id__in=first).values_list("id", "at"))
    answers = Appeal.objects.filter(order__in=numbers).exclude(answered_at=None).values_list("at", "answered_at")
    lengths = {
        "to_issue": (
            _("from the draft to the order"),
            [(row.issued_at - row.known_at) / _HOUR for row in _own(rows) if row.issued_at],
        ),
        "to_writing": (
            _("from word of mouth to writing"),
            [(row.written_at - row.verbal_at) / _HOUR for row in rows if row.written_at and row.verbal_at],
        ),
        "to_help": (_("from a need to its end"), [(first[one] - asked[one]) / _HOUR for one in first]),
        "to_answer": (_("from an appeal to its answer"), [(done - at) / _HOUR for at, done in answers]),
    }
    return [Spread(name, str(title), len(found), *_middle(found)) for name, (title, found) in lengths.items()]


def _middle(hours: Sequence[float]) -> tuple[float | None, float | None]:
    if not hours:
        return None, None
    ordered = sorted(max(one, 0.0) for one in hours)
    return round(median(ordered), 1), round(ordered[min(len(ordered) - 1, int(0.9 * len(ordered)))], 1)


def _own(rows: Iterable[Order]) -> list[Order]:
    """Without those of another list: how long they waited for an officer is not known here."""
    return [row for row in rows if not row.reference]


def _issued(since: date, until: date) -> Any:
    start, end = clock.start_of(since), clock.start_of(until + timedelta(days=1))
    return Order.objects.filter(issued_at__gte=start, issued_at__lt=end).only(
        "id", "known_at", "issued_at", "verbal_at", "written_at", "needs_asked", "reference"
    )


def last_days(at: datetime, days: int = 14) -> tuple[date, date]:
    until = clock.local_day(at)
    return until - timedelta(days=days - 1), until


def _share_texts() -> dict[str, tuple[str, str]]:
    found = {
        "issued_in_a_day": (
            _("Issued within a day"),
            _("Of orders drafted here and issued: those issued within 24 hours after the draft."),
        ),
        "needs_in_a_day": (_("Asked about needs on the first day"), _("Of orders issued: needs asked within 24 hours.")),
        "written": (_("Given in writing"), _("Of orders told by word of mouth: those also given in writing.")),
        "extended": (_("Extended"), _("Of orders issued: those that were made longer.")),
        "shortened": (_("Shortened"), _("Of orders issued: those that were made shorter.")),
        "lifted": (_("Lifted"), _("Of orders issued: those lifted before their last day.")),
        "appealed": (_("Appealed"), _("Of orders issued: those that somebody appealed.")),
        "appeals_granted": (
            _("Appeals that changed something"),
            _("Of appeals answered: those that changed the order."),
        ),
        "needs_met": (_("Needs met"), _("Of needs told: those that somebody took care of.")),
    }
    return {name: (str(title), str(definition)) for name, (title, definition) in found.items()}
