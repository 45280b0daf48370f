"""Receiving: every message is stored before it is acknowledged, once, whatever is in it; understanding it comes after."""

from collections.abc import Sequence
from datetime import datetime
from json import dumps
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils.translation import gettext_noop

from epipolis.core import audit, live
from epipolis.core.intake import DUPLICATE, STORED, Outcome, rejected
from epipolis.core.sealing import seal
from epipolis.sense.labs.models import LabMessage

from .envelopes import Envelope, Incoming, envelopes
from .positives import looks_positive
from .processing import announce
from .reasons import IDENTITY, UNREADABLE, broken, no_reason, told
from .senders import Senders

_COLUMNS = ("laboratory_id", "sender", "message_id", "format", "raw", "digest", "road", "state", "problem", "is_waiting")
_TYPES = ("bigint", "text", "text", "text", "bytea", "text", "text", "text", "text", "boolean")
_ADD = f"""
INSERT INTO labs_labmessage ({", ".join(_COLUMNS)}, simulated, reason, by, received, processed, attempts)
SELECT {", ".join(_COLUMNS)}, simulated, reason::jsonb, %s, %s, CASE WHEN state = 'received' THEN NULL ELSE %s END, 0
FROM unnest({", ".join(f"%s::{kind}[]" for kind in _TYPES)}, %s::boolean[], %s::text[])
  AS one({", ".join(_COLUMNS)}, simulated, reason)
ON CONFLICT (sender, message_id, digest) DO NOTHING
RETURNING id, sender, message_id, digest, state
"""  # noqa: S608 -- the names are the constants above
_OTHER = gettext_noop("The message says that it is from %(sender)s, and did not come as that laboratory proves itself.")
Key = tuple[str, str, str]
RECEIVED = str(LabMessage.State.RECEIVED)


class Receipt(NamedTuple):
    """What became of one message of a transmission: `is_new` False for a repeat; `rule` why it cannot be read."""

    sender: str
    message_id: str
    is_new: bool
    where: str = ""
    rule: str = ""


def receive(
    raw: bytes, format: str, sender: str = "", *, by: audit.Actor, at: datetime, road: str = "http", **known: Any
) -> LabMessage:
    """Store one message and announce it; the same message again changes nothing and is the same row.

    A transmission of several messages gives the first.
    """
    [first, *_more] = receive_all([Incoming(raw, format, road, sender, **known)], by=by, at=at)[0]
    return LabMessage.objects.filter(sender=first.sender, message_id=first.message_id).order_by("-id")[0]


def receive_batch(items: Sequence[Incoming], *, by: audit.Actor, at: datetime) -> list[Outcome]:
    """What a lane calls: one transaction, and an outcome for each transmission.

    201 stored, 200 known already, 422 stored but unreadable: the sender must not send the same bytes again.
    """
    return [_outcome(receipts) for receipts in receive_all(items, by=by, at=at)]


@transaction.atomic
def receive_all(items: Sequence[Incoming], *, by: audit.Actor, at: datetime) -> list[list[Receipt]]:
    """Store what arrived, in one transaction; the receipts of each transmission's messages, in their order."""
    opened = [envelopes(item) for item in items]
    unique: dict[Key, Envelope] = {}
    for one in (envelope for group in opened for envelope in group):
        unique.setdefault(_key(one), one)
    new = _store([unique[key] for key in sorted(unique)], by=by, at=at)
    answers = []
    for group in opened:
        receipts = []
        for one in group:
            where, rule = (one.broken.where, one.broken.rule) if one.broken else ("", "")
            is_new = _key(one) in new
            new.discard(_key(one))  # a second of the same batch is a repeat
            receipts.append(Receipt(one.sender, one.message_id, is_new, where, rule))
        answers.append(receipts)
    return answers


def _store(found: Sequence[Envelope], *, by: audit.Actor, at: datetime) -> set[Key]:
    senders = Senders.of(found)
    rows = [_row(one, senders) for one in found]
    columns = [list(column) for column in zip(*rows, strict=True)]
    actor = audit.actor_name(by)
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [actor, at, at, *columns])
        added = cursor.fetchall()
    if added:
        waiting = {(sender, number, digest): row for row, sender, number, digest, state in added if state == RECEIVED}
        positive = [waiting[_key(one)] for one in found if _key(one) in waiting and looks_positive(one.incoming)]
        announce(waiting.values(), positive)
        audit.record("labs.receive", by=by, at=at, rows=len(added))
        live.tell("labs")
    return {(sender, number, digest) for _, sender, number, digest, _ in added}


def _row(one: Envelope, senders: Senders) -> tuple[Any, ...]:
    laboratory = senders.laboratory(one)
    state, problem, reason = LabMessage.State.RECEIVED, "", no_reason()
    if one.broken is not None:
        state, problem, reason = LabMessage.State.REJECTED, UNREADABLE, broken(one.broken)
    elif senders.is_contradicted(one):
        state, problem, reason = LabMessage.State.UNCLEAR, IDENTITY, told(_OTHER, sender=one.sender)
    raw = seal(one.incoming.raw.decode("latin-1"))
    head = (laboratory.id if laboratory else None, one.sender, one.message_id, one.incoming.format, raw, one.digest)
    is_simulated = one.incoming.simulated or (laboratory is not None and laboratory.simulated)
    return (*head, one.incoming.road, str(state), problem, bool(problem), is_simulated, dumps(reason))


def _outcome(receipts: Sequence[Receipt]) -> Outcome:
    unreadable = next((one for one in receipts if one.rule), None)
    if unreadable is not None:
        return rejected(unreadable.where, unreadable.rule)
    return STORED if any(one.is_new for one in receipts) else DUPLICATE


def _key(one: Envelope) -> Key:
    return one.sender, one.message_id, one.digest
