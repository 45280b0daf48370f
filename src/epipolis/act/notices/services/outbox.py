"""The outbox: what waits leaves in batches, each message once, whichever process is killed and when.

A batch is claimed in one short transaction under a number that its worker holds as a lock of its session; then it is
handed to the providers, each message with its own key; then what became of it is stored in a second transaction. A worker
that dies lets go of its lock, and the next one takes its messages over: a provider that knows keys takes none of them
twice; one that does not is given time to report what it has before it is asked again.
"""

import time
from collections import Counter
from datetime import datetime, timedelta
from random import SystemRandom

from django.db import connection, transaction
from django.db.models import Count, F, Q
from django.utils.translation import gettext_noop

from epipolis.act.notices import queries
from epipolis.act.notices.events import NoticeQueued
from epipolis.act.notices.models import Channel, Notice, State
from epipolis.act.notices.settings import settings
from epipolis.core import clock, live
from epipolis.core.sealing import unseal

from .channels import WITHOUT_KEYS, Message, Outcome, provider_of
from .falling import TOO_LATE, end, fall_back, values_of
from .handing import finish
from .sending import HELD

LIMITED = gettext_noop("This number has got as many messages as the rule allows; it waits.")
STOPPED = gettext_noop("This number does not want messages by this channel.")
TRIED = gettext_noop("It was tried as often as the rule allows.")
_CLAIM = """
UPDATE notices_notice SET state = 'sending', claim = %s, reason = '' WHERE id IN (
    SELECT id FROM notices_notice WHERE state IN ('waiting', 'held') AND not_before <= %s
    ORDER BY urgent DESC, not_before, id LIMIT %s FOR UPDATE SKIP LOCKED)"""
_random = SystemRandom()


def on_notice_queued(event: NoticeQueued) -> None:
    """Something urgent waits: it leaves now, and what else is due with it."""
    send_waiting()


def send_waiting(at: datetime | None = None) -> int:
    """Hand over everything that is due; return how many messages were taken up. Any number of workers may do this at once."""
    until, count = time.monotonic() + settings.round_seconds, 0
    take_over(at=at or clock.now())
    while (done := send_batch(at=at or clock.now())) and (count := count + done):
        if time.monotonic() > until:
            break
    return count


def send_batch(*, at: datetime) -> int:
    """Claim some messages, hand them over, store what became of them."""
    claim = _random.getrandbits(62)
    _lock(claim)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_CLAIM, [claim, at, settings.at_once])
            count = cursor.rowcount
        if not count:
            return 0
        rows = list(Notice.objects.filter(claim=claim, state=State.SENDING).order_by("-urgent", "not_before", "made", "id"))
        ready = _Batch(rows, at=at).ready()
        finish(hand_over(ready), claim=claim, at=at)
        live.tell("notices")
        return count
    finally:
        _unlock(claim)


def take_over(*, at: datetime) -> int:
    """Take up what a worker was sending when it died; return how many messages."""
    count = 0
    for claim in set(Notice.objects.filter(state=State.SENDING).exclude(claim=None).values_list("claim", flat=True)):
        if not _try_lock(claim):
            continue  # its worker lives
        try:
            with transaction.atomic():
                left = Notice.objects.filter(claim=claim, state=State.SENDING)
                unsure = left.filter(_unsure_channels())
                wait = at + timedelta(seconds=settings.unsure_seconds)
                once = {"state": State.WAITING, "claim": None, "tries": F("tries") + 1}
                count += unsure.update(unsure_since=at, not_before=wait, **once)
                count += left.update(**once)
        finally:
            _unlock(claim)
    return count


def hand_over(ready: list[tuple[Notice, Message]]) -> list[tuple[Notice, Outcome, str]]:
    """Give messages to their providers; each with what became of it and the provider's name."""
    lots: dict[tuple[str, bool], list[tuple[Notice, Message]]] = {}
    for row, message in ready:
        lots.setdefault((row.channel, row.simulated), []).append((row, message))
    told: list[tuple[Notice, Outcome, str]] = []
    for (channel, simulated), lot in lots.items():
        provider = provider_of(channel, simulated=simulated)
        outcomes = provider.send_many([message for _, message in lot])
        told += [(row, outcome, provider.name) for (row, _), outcome in zip(lot, outcomes, strict=True)]
    return told


class _Batch:
    """What is asked once for all messages of a batch, before any of them leaves."""

    def __init__(self, rows: list[Notice], *, at: datetime) -> None:
        self.rows, self.at, self.pack = rows, at, queries.times(at)
        self.stopped = queries.stopped_among({(row.channel, row.to_hash) for row in rows})
        limited = self.pack["limits"]["channels"]
        self.hour, self.day = _counts({row.to_hash for row in rows if row.channel in limited}, limited, at)
        wanted = {row.to_hash for row in rows if row.channel == Channel.WHATSAPP}
        self.windows = queries.open_windows(wanted, at=at, pack=self.pack)

    def ready(self) -> list[tuple[Notice, Message]]:
        """Those that leave now; the others are put back or go another way."""
        return [(row, self._message(row)) for row in self.rows if self._may_leave(row)]

    def _may_leave(self, row: Notice) -> bool:
        if row.expires is not None and row.expires <= self.at:
            with transaction.atomic():
                end(row, str(State.EXPIRED), TOO_LATE, at=self.at)
            return False
        if (row.channel, row.to_hash) in self.stopped:
            with transaction.atomic():
                fall_back(row, STOPPED, at=self.at)
            return False
        if row.tries >= settings.most_tries:
            with transaction.atomic():
                fall_back(row, TRIED, at=self.at)
            return False
        leaves = queries.leaves_at(row.channel, urgent=row.urgent, at=self.at, pack=self.pack)
        if leaves > self.at:
            return self._hold(row, leaves, HELD)
        wait = self._limit(row)
        return self._hold(row, self.at + wait, LIMITED) if wait else True

    def _limit(self, row: Notice) -> timedelta | None:
        if row.channel not in self.pack["limits"]["channels"] or not row.to_hash:
            return None
        found = queries.limits(urgent=row.urgent, pack=self.pack)
        if self.day[row.to_hash] >= found.per_day:
            return timedelta(hours=2)
        if self.hour[row.to_hash] >= found.per_hour:
            return timedelta(minutes=15)
        self.hour[row.to_hash] += 1
        self.day[row.to_hash] += 1
        return None

    def _hold(self, row: Notice, until: datetime, why: str) -> bool:
        Notice.objects.filter(id=row.id, claim=row.claim).update(state=State.HELD, not_before=until, reason=why, claim=None)
        return False

    def _message(self, row: Notice) -> Message:
        to = unseal(row.to)
        name, values = self._approved(row)
        is_number = row.channel in (Channel.SMS, Channel.WHATSAPP)
        return Message(
            key=f"{row.id}-{row.step}",
            channel=row.channel,
            to=_plus(row.channel) + queries.dialled(to) if is_number and not row.simulated else to,
            subject=unseal(row.subject),
            body=unseal(row.body),
            language=row.language,
            urgent=row.urgent,
            at=self.at,
            expires=row.expires,
            provider_name=name,
            values=values,
            may_be_free=row.to_hash in self.windows,
        )

    def _approved(self, row: Notice) -> tuple[str, tuple[str, ...]]:
        """The name under which WhatsApp has approved the wording, and its values; asked for that channel alone."""
        if row.channel != Channel.WHATSAPP:
            return "", ()
        text = queries.wording(row.template, row.channel, row.language, self.at)
        return text.provider_name, queries.parameters(text, values_of(row)) if text.provider_name else ()


def _plus(channel: str) -> str:
    return "+" if channel == Channel.SMS else ""


def _counts(hashes: set[str], channels: list[str], at: datetime) -> tuple[Counter[str], Counter[str]]:
    """How many messages left to each number in the last hour and the last day."""
    sent = Notice.objects.filter(to_hash__in=hashes, channel__in=channels, sent__gt=at - timedelta(days=1))
    last_hour = Count("id", filter=Q(sent__gt=at - timedelta(hours=1)))
    rows = sent.values_list("to_hash").annotate(hour=last_hour, day=Count("id")) if hashes else []
    hour, day = Counter[str](), Counter[str]()
    for to_hash, in_hour, in_day in rows:
        hour[to_hash], day[to_hash] = in_hour, in_day
    return hour, day


def _unsure_channels() -> Q:
    """Messages whose provider would take the same one twice."""
    return Q(channel__in=WITHOUT_KEYS, simulated=False)


def _lock(claim: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [claim])


def _try_lock(claim: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [claim])
        return bool(cursor.fetchone()[0])


def _unlock(claim: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [claim])
