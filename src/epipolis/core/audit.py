"""The audit trail: every write and every read of a named person, in a chain that shows any later change.

`record` joins the caller's transaction, so a change and its entry exist together or not at all. `seal` chains the
entries whose transactions have ended: each digest covers the entry and the digest before it (SHA-256).
"""

import json
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any, TypeAlias
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.db.models import QuerySet

from epipolis.core.models import AuditEntry, DeviceToken, User
from epipolis.core.rows import update_rows

Actor: TypeAlias = User | DeviceToken | AnonymousUser | str | None
_SEAL_LOCK = 7_201
_BATCH = 5_000


def record(action: str, *, by: Actor, at: datetime, subject: object = "", person: UUID | None = None, **detail: Any) -> None:
    """Write one entry in the caller's transaction. `detail` holds identifiers and field names, never names of people."""
    AuditEntry.objects.create(at=at, actor=actor_name(by), action=action, subject=str(subject), person=person, detail=detail)


def record_each(action: str, about: Iterable[tuple[object, UUID | None]], *, by: Actor, at: datetime, **detail: Any) -> None:
    """The same for many subjects, each with its person: an entry for each, in one statement."""
    actor = actor_name(by)
    AuditEntry.objects.bulk_create(
        AuditEntry(at=at, actor=actor, action=action, subject=str(subject), person=person, detail=detail)
        for subject, person in about
    )


def record_statement(action: str, *, by: Actor, at: datetime, **detail: Any) -> tuple[str, list[Any]]:
    """The same entry as SQL and its values, for a service that sends several statements in one exchange."""
    sql = (
        "INSERT INTO core_auditentry (at, actor, action, subject, person, detail, digest)"
        " VALUES (%s, %s, %s, '', NULL, %s::jsonb, '')"
    )
    return sql, [at, actor_name(by), action, json.dumps(detail)]


def record_read(person: UUID, *, by: Actor, at: datetime, why: str) -> None:
    """Note that somebody saw a named person's record; the person can see this entry."""
    record("people.read", by=by, at=at, person=person, subject=person, why=why)


def record_reads(people: list[UUID], *, by: Actor, at: datetime, why: str) -> None:
    """The same for a list of people shown together."""
    AuditEntry.objects.bulk_create(
        AuditEntry(at=at, actor=actor_name(by), action="people.read", person=p, subject=str(p), detail={"why": why})
        for p in people
    )


def reads_of(person: UUID) -> QuerySet[AuditEntry]:
    """Who saw this person's record, newest first."""
    return AuditEntry.objects.filter(person=person, action="people.read").order_by("-at", "-id")


def entries(
    *,
    actor: str = "",
    action: str = "",
    area: str = "",
    subject: str = "",
    person: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[AuditEntry]:
    """The trail, newest first; `area` is the part of an action before its dot."""
    found = AuditEntry.objects.order_by("-id")
    wanted = {
        "actor__iexact": actor,
        "action__startswith": action,
        "subject": subject,
        "person": person,
        "at__gte": since,
        "at__lt": until,
    }
    found = found.filter(**{key: value for key, value in wanted.items() if value})
    return found.filter(action__startswith=f"{area}.") if area else found


def head() -> tuple[int, str]:
    """The newest sealed position and its digest: written down elsewhere, it proves later that no end was cut off."""
    last = AuditEntry.objects.exclude(position=None).order_by("-position").first()
    return (last.position or 0, last.digest) if last else (0, "")


def has_link(position: int, digest: str) -> bool:
    """Whether an entry that was written down earlier still stands where it stood."""
    return AuditEntry.objects.filter(position=position, digest=digest).exists()


def actor_name(by: Actor) -> str:
    """How the trail names an actor: an account, a device, or the part of the platform that acted by itself."""
    if isinstance(by, User):
        return by.username
    if isinstance(by, DeviceToken):
        return f"device:{by.name}"
    return by if isinstance(by, str) else "public"


def seal() -> int:
    """Chain the entries that are not yet chained; return how many. Safe to run at the same time twice."""
    sealed = 0
    while count := _seal_batch():
        sealed += count
    return sealed


@transaction.atomic
def _seal_batch() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_SEAL_LOCK])
    last = AuditEntry.objects.exclude(position=None).order_by("-position").first()
    position, digest = (last.position or 0, last.digest) if last else (0, "")
    entries = list(AuditEntry.objects.filter(position=None).order_by("id")[:_BATCH])
    for entry in entries:
        position += 1
        entry.position, entry.digest = position, _digest(digest, position, entry)
        digest = entry.digest
    update_rows(entries, ("position", "digest"))
    return len(entries)


def broken_link() -> int | None:
    """The position of the first entry that does not fit the chain; None when the chain is whole."""
    digest, expected = "", 1
    for entry in AuditEntry.objects.exclude(position=None).order_by("position").iterator(2_000):
        if entry.position != expected or entry.digest != _digest(digest, expected, entry):
            return expected
        digest, expected = entry.digest, expected + 1
    return None


def _digest(before: str, position: int, entry: AuditEntry) -> str:
    content = [
        before,
        position,
        entry.id,
        entry.at.isoformat(),
        entry.actor,
        entry.action,
        entry.subject,
        str(entry.person or ""),
        entry.detail,
    ]
    return sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
