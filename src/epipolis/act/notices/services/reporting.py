"""Reports of providers: signed, in any order, more than once, sometimes earlier than our own note; and answers of people."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from epipolis.act.notices import queries
from epipolis.act.notices.events import AnswerReceived
from epipolis.act.notices.models import DeliveryEvent, Inbound, Notice, State
from epipolis.core import audit, clock, live
from epipolis.core.events import publish
from epipolis.core.sealing import seal

from .channels import Answer, Report, reporter_of
from .falling import arrive_all, fall_back
from .stopping import start_address, stop_address

_STATES = ("delayed", "sent", "delivered", "read", "failed")
_ON_ITS_WAY = ("delayed", State.SENT)
_LATE, _AT_ONCE, _LONGEST = timedelta(days=2), 500, 2_000
_BY = "the person"
_RANK: dict[str, int] = {"sent": 1, "delivered": 2, "read": 3}


@transaction.atomic
def take_reports(provider: str, headers: Mapping[str, str], body: bytes, *, at: datetime) -> int:
    """Take what a provider tells; return how much of it was news. The same again changes nothing.

    Raises:
        LookupError: there is no such provider.
        SignatureError: the provider has not signed this.
        ValueError: it cannot be read.
    """
    reports, answers = reporter_of(provider).read_reports(headers, body)
    for number in (*(one.event_id for one in reports), *(one.event_id for one in answers)):
        if not 1 <= len(number) <= 200:
            raise ValueError("Each report has a number of 1 to 200 characters.")
    return take_told(provider, reports, answers, at=at)


def take_told(provider: str, reports: Sequence[Report], answers: Sequence[Answer], *, at: datetime) -> int:
    """The same for what is known to come from the provider, within the caller's transaction."""
    fresh = _file(provider, reports, at=at)
    _apply(fresh, at=at)
    heard = sum(_hear(provider, one, at=at) for one in answers)
    if fresh or heard:
        live.tell("notices")
    return len(fresh) + heard


def match_reports(at: datetime | None = None) -> int:
    """Give reports that came before our own note of their number to their messages; return how many."""
    at = at or clock.now()
    waiting = DeliveryEvent.objects.filter(notice=None, at__gt=at - _LATE)
    known = Notice.objects.filter(provider=OuterRef("provider"), provider_ref=OuterRef("provider_ref"))
    count = 0
    for number in list(waiting.filter(Exists(known)).order_by("id").values_list("id", flat=True)[:_AT_ONCE]):
        with transaction.atomic():
            event = DeliveryEvent.objects.select_for_update().filter(id=number, notice=None).first()
            if event is None:
                continue
            row = Notice.objects.filter(provider=event.provider, provider_ref=event.provider_ref).first()
            if row is not None:
                event.notice, event.channel, event.step = row, row.channel, row.step
                event.save(update_fields=["notice", "channel", "step"])
                _apply([event], at=at)
                count += 1
    return count


def _file(provider: str, reports: Sequence[Report], *, at: datetime) -> list[DeliveryEvent]:
    """Keep those that are not known yet, each with its message where that can be told."""
    told = {one.event_id: one for one in reports}
    known = DeliveryEvent.objects.filter(provider=provider, event_id__in=told)
    fresh = [told[number] for number in told.keys() - set(known.values_list("event_id", flat=True))]
    keys = {one.event_id: found for one in fresh if (found := message_of(one.key))}
    by_id = Notice.objects.in_bulk({number for number, _ in keys.values()})
    refs = [one.ref for one in fresh if one.ref and one.event_id not in keys]
    by_ref = {row.provider_ref: row for row in Notice.objects.filter(provider=provider, provider_ref__in=refs)}
    rows = []
    for one in sorted(fresh, key=lambda report: _STATES.index(report.state) if report.state in _STATES else -1):
        number, step = keys.get(one.event_id, (None, None))
        row = by_id.get(number) if number else by_ref.get(one.ref)
        rows.append(
            DeliveryEvent(
                notice=row, step=row.step if row and step is None else step, provider=provider, provider_ref=one.ref,
                channel=row.channel if row and step in (None, row.step) else "", event_id=one.event_id,
                state=one.state if one.state in _STATES else "unknown", at=at, told_at=one.told_at, text=one.text,
            )
        )  # fmt: skip
    DeliveryEvent.objects.bulk_create(rows, ignore_conflicts=True)
    return rows


def _apply(events: Sequence[DeliveryEvent], *, at: datetime) -> None:
    """Move messages on by what is told of them. None goes back: what was read stays read, whatever comes late."""
    ids = {event.notice_id for event in events if event.notice_id}
    rows = {row.id: row for row in Notice.objects.select_for_update(of=("self",)).filter(id__in=ids).order_by("id")}
    arrived: dict[UUID, str] = {}
    for event in events:
        row = rows.get(event.notice_id) if event.notice_id else None
        if row is None:
            continue
        is_now = event.step == row.step
        rank = max(_RANK.get(row.state, 0), _RANK.get(arrived.get(row.id, ""), 0))
        is_open = row.state == State.SENDING or row.unsure_since is not None
        if event.state in (State.DELIVERED, State.READ):
            # By whichever way it came in the end: the person has it, and no further way is tried.
            if rank < _RANK[event.state]:
                arrived[row.id] = event.state
        elif event.state in _ON_ITS_WAY and is_now and is_open and row.id not in arrived:
            _taken(row, event, at=at)
        elif event.state == State.FAILED and is_now and row.id not in arrived and (is_open or row.state == State.SENT):
            fall_back(row, event.text, at=at, told=True)
    for state in (str(State.DELIVERED), str(State.READ)):
        if found := [rows[number] for number, own in arrived.items() if own == state]:
            arrive_all(found, state, at=at)


def _taken(row: Notice, event: DeliveryEvent, *, at: datetime) -> None:
    """The provider has it, and we did not know."""
    row.state, row.claim, row.unsure_since, row.reason = str(State.SENT), None, None, ""
    row.sent, row.provider, row.provider_ref = row.sent or at, event.provider, event.provider_ref
    row.save()


def _hear(provider: str, told: Answer, *, at: datetime) -> int:
    """Keep what somebody wrote, and do what it asks for; 0 when it was heard before."""
    hashed = queries.address_hash(told.channel, told.sender)
    last = Notice.objects.filter(to_hash=hashed, sent__isnull=False).order_by("-sent", "-id").first()
    made, is_new = Inbound.objects.get_or_create(
        provider=provider,
        event_id=told.event_id,
        defaults={
            "channel": told.channel,
            "address_hash": hashed,
            "text": seal(told.text[:_LONGEST].replace("\0", "")),
            "meaning": queries.meaning_of(told.text, at),
            "person_id": last.person_id if last else None,
            "notice": last,
            "at": at,
        },
    )
    if not is_new:
        return 0
    if made.meaning == "stop":
        stop_address(told.channel, hashed, by=_BY, at=at)
    elif made.meaning == "start":
        start_address(told.channel, hashed, by=_BY, at=at)
    audit.record("notices.answer", by=_BY, at=at, subject=made.id, person=made.person_id, meaning=made.meaning)
    publish(AnswerReceived(made.id, made.person_id, last.id if last else None))
    return 1


def message_of(key: str) -> tuple[UUID, int] | None:
    """The message and its step, from the key under which it was handed over."""
    number, _, step = key.rpartition("-")
    try:
        return (UUID(number), int(step)) if step.isascii() and step.isdigit() else None
    except ValueError:
        return None
