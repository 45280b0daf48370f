"""Who looked: each read of a person's record, in words that the person understands."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_noop

from epipolis.core import clock
from epipolis.core.models import AuditEntry, User

from .clusters import same_person
from .records import what_is_held

WHY = {
    "person": gettext_noop("opened your record"),
    "search": gettext_noop("searched for you and saw your name among the results"),
    "correction": gettext_noop("opened your record to correct it"),
    "case": gettext_noop("opened a case file that is about you"),
    "cases": gettext_noop("saw your name in a list of cases"),
    "contacts": gettext_noop("saw your name in a list of people to call"),
    "contact": gettext_noop("opened your entry to call you about a possible exposure"),
    "interview": gettext_noop("talked with you about your illness, where you were and whom you met"),
    "tracing": gettext_noop("worked on finding who may have been exposed"),
    "visits": gettext_noop("asked where you had been, to find who may have been exposed"),
    "declarations": gettext_noop("saw your name in a list of people who declared how they are"),
    "laboratory": gettext_noop("opened a laboratory’s message or result about you"),
    "export": gettext_noop("took your data into a file"),
    "match": gettext_noop("compared your record with another that may be yours too"),
    "transfer": gettext_noop("took your case into a document for another health office"),
    "order": gettext_noop("opened your order of isolation or quarantine, or saw your name in a list of orders"),
    "network": gettext_noop("asked your telephone’s network where it is, as it was enrolled for your order"),
    "alarm": gettext_noop("looked after you because your phone was silent or seemed to be elsewhere"),
    "notice": gettext_noop("sent you a message, or opened one that was sent to you"),
    "api": gettext_noop("another system of the city asked for your record"),
}
ROLES = {
    "tracer": gettext_noop("a contact tracer"),
    "epidemiologist": gettext_noop("an epidemiologist"),
    "commander": gettext_noop("the incident command"),
    "registrar": gettext_noop("the registry office"),
    "operator": gettext_noop("a technician"),
    "auditor": gettext_noop("the privacy auditor"),
}
_CHANGES = (
    "people.register",
    "people.correct",
    "people.erase",
    "people.issue_code",
    "people.merge",
    "people.unmerge",
    "people.answer",
)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a record: when, who by role, and why. `reference` lets the privacy office find the very person."""

    at: datetime
    who: str
    why: str
    reference: int


@dataclass(frozen=True, slots=True)
class LooksOfDay:
    """Looks by the same kind of staff for the same reason on one day; `references` as many as there were."""

    first: datetime
    last: datetime
    who: str
    why: str
    references: tuple[int, ...]


def reads_of(person: UUID) -> QuerySet[AuditEntry]:
    """The trail's entries about who saw this person's record, of all its rows, newest first."""
    rows = same_person(person)
    return AuditEntry.objects.filter(person__in=rows, action="people.read").order_by("-at", "-id")


def looks_at(person: UUID, *, most: int = 500) -> list[Look]:
    """The newest looks at a record in the reader's language; merged rows that were opened together are one look."""
    entries = {(one.at, one.actor, str(one.detail.get("why"))): one for one in reversed(reads_of(person)[:most])}
    roles = _roles_of({entry.actor for entry in entries.values()})
    return [
        Look(entry.at, _who(entry.actor, roles), _why(entry.detail), entry.id) for entry in reversed(list(entries.values()))
    ]


def by_day(looks: Iterable[Look]) -> list[LooksOfDay]:
    """The same looks for a page, newest first: who calls three times a day opens a record ten times, which is one line."""
    found: dict[tuple[date, str, str], list[Look]] = {}
    for look in looks:
        found.setdefault((clock.local_day(look.at), look.who, look.why), []).append(look)
    lines = [
        LooksOfDay(
            first=min(one.at for one in same),
            last=max(one.at for one in same),
            who=who,
            why=why,
            references=tuple(sorted(one.reference for one in same)),
        )
        for (_, who, why), same in found.items()
    ]
    return sorted(lines, key=lambda line: line.last, reverse=True)


def everything_about(person: UUID) -> dict[str, Any]:
    """What is held about a person and who looked, as plain values for that person."""
    looks = [
        {"at": look.at.isoformat(), "who": look.who, "why": look.why, "reference": look.reference} for look in looks_at(person)
    ]
    return {"held": what_is_held(person), "looked": looks}


def history_of(person: UUID) -> list[dict[str, Any]]:
    """What was done to a record, newest first: when, by whom, what, and which fields; never a value."""
    rows = same_person(person)
    entries = AuditEntry.objects.filter(person__in=rows, action__in=_CHANGES).order_by("-at", "-id")[:200]
    return [{"at": one.at, "by": one.actor, "action": one.action, "fields": one.detail.get("fields", [])} for one in entries]


def _why(detail: dict[str, Any]) -> str:
    reason = str(detail.get("why", ""))
    return gettext(WHY.get(reason, reason)) if reason else ""


def _who(actor: str, roles: dict[str, list[str]]) -> str:
    if actor.startswith("device:"):
        return gettext("a device or partner system of the city")
    known = [gettext(ROLES[role]) for role in roles.get(actor, []) if role in ROLES]
    return ", ".join(known) or gettext("a member of the city's staff")


def _roles_of(actors: set[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for username, role in User.objects.filter(username__in=actors).values_list("username", "groups__name"):
        found.setdefault(username, []).append(role)
    return found
