"""The outbox: every message, what it is about, what became of it, and what it cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Avg, Count, F, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils.translation import gettext, gettext_noop

from epipolis.act.notices.models import OPEN, Channel, DeliveryEvent, Inbound, Notice, SimulatedMessage, State
from epipolis.core import clock
from epipolis.sense.people import queries as people

EVENTS = {
    "accepted": gettext_noop("The provider took it."),
    "sent": gettext_noop("The provider sent it on."),
    "delayed": gettext_noop("It is delayed on its way; the mail server goes on trying."),
    "delivered": gettext_noop("It arrived."),
    "read": gettext_noop("It was read."),
    "failed": gettext_noop("This way failed."),
    "later": gettext_noop("It did not work and is tried again."),
    "next way": gettext_noop("The next way is tried."),
    "stopped": gettext_noop("It was taken back."),
    "expired": gettext_noop("Its time was over."),
    "called": gettext_noop("Somebody read it out in a call."),
    "not reached": gettext_noop("Nobody answered the call."),
    "printed": gettext_noop("The letter was printed."),
    "posted": gettext_noop("The letter is in the post."),
    "asked again": gettext_noop("Somebody asked for another try."),
    "unknown": gettext_noop("The provider said something that is not understood."),
}
EXPORTED = (
    "made",
    "template",
    "channel",
    "state",
    "urgent",
    "language",
    "about",
    "tries",
    "cost",
    "sent",
    "ended",
    "simulated",
)
LISTS = {
    "open": Q(state__in=(*OPEN, State.SENDING)),
    "failed": Q(state__in=(State.FAILED, State.EXPIRED)),
    "sent": Q(state__in=(State.SENT, State.DELIVERED, State.READ)),
    "desk": Q(state=State.SENT, channel__in=(Channel.VOICE, Channel.LETTER)),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages; empty parts choose all."""

    state: str = ""  # a state, or one of LISTS
    channel: str = ""
    template: str = ""
    about_kind: str = ""
    about_id: str = ""
    urgent: bool = False
    day: date | None = None
    person: UUID | None = None


def notice(number: UUID) -> Notice | None:
    return Notice.objects.select_related("broadcast").filter(id=number).first()


def notices(wanted: Wanted | None = None) -> QuerySet[Notice]:
    """Messages without what they say, the newest first."""
    wanted = wanted or Wanted()
    found = Notice.objects.defer("to", "rest", "values", "subject", "body").order_by("-made", "id")
    if wanted.state:
        found = found.filter(LISTS.get(wanted.state) or Q(state=wanted.state))
    plain = {"channel": wanted.channel, "template": wanted.template, "about_kind": wanted.about_kind}
    found = found.filter(**{name: value for name, value in (plain | {"about_id": wanted.about_id}).items() if value})
    if wanted.urgent:
        found = found.filter(urgent=True)
    if wanted.person:
        found = found.filter(person__in=people.same_person(wanted.person))
    if wanted.day:
        found = found.filter(made__gte=clock.start_of(wanted.day), made__lt=clock.start_of(wanted.day + timedelta(days=1)))
    return found


def notices_about(about: tuple[str, str]) -> QuerySet[Notice]:
    """Every message about one thing, the newest first."""
    return Notice.objects.filter(about_kind=about[0], about_id=str(about[1])).order_by("-made", "id")


def notices_of(person: UUID) -> QuerySet[Notice]:
    """Every message to a person, of all rows that are this person, the newest first."""
    return Notice.objects.filter(person__in=people.same_person(person)).order_by("-made", "id")


def events_of(row: Notice) -> list[DeliveryEvent]:
    """What happened to a message, the oldest first."""
    return list(row.events.order_by("at", "id")[:200])


def event_text(event: DeliveryEvent) -> str:
    return gettext(EVENTS.get(event.state, event.state))


def answers(*, unread_since: datetime | None = None) -> QuerySet[Inbound]:
    """What people wrote back, the newest first."""
    found = Inbound.objects.select_related("notice").order_by("-at", "-id")
    return found.filter(at__gte=unread_since) if unread_since else found


def desk(channel: str) -> QuerySet[Notice]:
    """Calls to make, or letters to print: what is urgent first, then the oldest."""
    return Notice.objects.filter(channel=channel, state=State.SENT).order_by("-urgent", "sent", "id")


def count_desk() -> int:
    return Notice.objects.filter(LISTS["desk"]).count()


def count_by_state(since: datetime) -> dict[str, int]:
    """How many messages of the time since are in which state."""
    return dict(Notice.objects.filter(made__gte=since).order_by().values_list("state").annotate(n=Count("id")))


def waiting(at: datetime) -> dict[str, Any]:
    """How many messages should have left by now, and for how long the oldest of them."""
    due = Notice.objects.filter(state__in=OPEN, not_before__lte=at).aggregate(n=Count("id"), oldest=Min("not_before"))
    held = Notice.objects.filter(state=State.HELD, not_before__gt=at).count()
    return {"due": due["n"], "oldest": due["oldest"], "held": held}


@dataclass(frozen=True, slots=True)
class Spent:
    """Messages of one channel in a time: how many left, arrived and failed, in how many parts, for how much, how fast."""

    channel: str
    sent: int
    arrived: int
    failed: int
    parts: int
    cost: Decimal
    seconds: float | None

    @property
    def name(self) -> str:
        return str(Channel(self.channel).label)

    @property
    def share(self) -> float | None:
        return self.arrived / self.sent if self.sent else None


def spent(since: date, until: date) -> list[Spent]:
    """What was sent from the one local day to the other, both included, by channel, the dearest first."""
    found = Notice.objects.filter(sent__gte=clock.start_of(since), sent__lt=clock.start_of(until + timedelta(days=1)))
    arrived = Q(state__in=(State.DELIVERED, State.READ))
    rows = (
        found.order_by()
        .values("channel")
        .annotate(
            n=Count("id"),
            arrived=Count("id", filter=arrived),
            failed=Count("id", filter=Q(state__in=(State.FAILED, State.EXPIRED))),
            in_parts=Sum("parts"),
            paid=Sum("cost"),
            took=Avg(F("ended") - F("sent"), filter=arrived),
        )
    )
    found_rows = [
        Spent(
            row["channel"], row["n"], row["arrived"], row["failed"], row["in_parts"] or 0, row["paid"] or Decimal(),
            row["took"].total_seconds() if row["took"] is not None else None,
        )
        for row in rows
    ]  # fmt: skip
    return sorted(found_rows, key=lambda one: (-one.cost, one.channel))


def spent_by_day(since: date, until: date) -> list[tuple[date, int, Decimal]]:
    """Messages and money of each local day, both days included; days without any are there too."""
    span = Q(sent__gte=clock.start_of(since), sent__lt=clock.start_of(until + timedelta(days=1)))
    rows = Notice.objects.filter(span).order_by().annotate(day=TruncDate("sent", tzinfo=clock.zone())).values("day")
    found = {row["day"]: (row["n"], row["paid"]) for row in rows.annotate(n=Count("id"), paid=Sum("cost"))}
    days = [since + timedelta(days=number) for number in range((until - since).days + 1)]
    return [(day, *found.get(day, (0, Decimal()))) for day in days]


def export_rows(at: datetime) -> Iterator[dict[str, Any]]:
    """Messages without whom, where to and what."""
    for row in notices().iterator(2_000):
        yield {name: getattr(row, name) for name in EXPORTED if name != "about"} | {"about": row.about_kind}


def simulated_phones() -> list[tuple[SimulatedMessage, int]]:
    """The last message of each simulated telephone and how many it got, the newest first."""
    rows = SimulatedMessage.objects.order_by().values("to_hash").annotate(n=Count("id"), last=Max("id"))
    counts = {row["last"]: row["n"] for row in rows.order_by("-last")[:200]}
    return [(one, counts[one.id]) for one in SimulatedMessage.objects.filter(id__in=counts).order_by("-id")]


def simulated_messages(to_hash: str) -> QuerySet[SimulatedMessage]:
    """What one simulated phone got, the oldest first."""
    return SimulatedMessage.objects.filter(to_hash=to_hash).order_by("at", "id")


def answers_of(to_hash: str) -> QuerySet[Inbound]:
    return Inbound.objects.filter(address_hash=to_hash, provider="simulated").order_by("at", "id")
