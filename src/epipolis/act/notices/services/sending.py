"""Sending: a message is written into the outbox in the caller's transaction, so it exists exactly when its reason does."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.notices import queries
from epipolis.act.notices.events import NoticeFailed, NoticeQueued
from epipolis.act.notices.models import OPEN, Broadcast, Channel, Notice, Preference, State
from epipolis.act.notices.queries import Way, Wording
from epipolis.core import audit, events, live
from epipolis.core.rules import RulePack
from epipolis.core.sealing import seal, unseal
from epipolis.sense.people import queries as people
from epipolis.sense.people.queries import Reach

from .errors import NoticeError

WHY = "notice"
NO_WAY = gettext_noop("There is no way to reach this person.")
TAKEN_BACK = gettext_noop("It was taken back before it left.")
_LONGEST = 4_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One message that somebody wants to be sent. `channels` are the only ones it may take, in this order; `by_language`
    are values that are words."""

    person: UUID
    template: str
    values: Mapping[str, Any]
    dedupe_key: str
    about: tuple[str, str]
    urgent: bool = False
    channels: tuple[str, ...] = ()
    language: str = ""
    not_before: datetime | None = None
    expires: datetime | None = None
    by_language: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    broadcast: Broadcast | None = None

    def values_in(self, language: str) -> dict[str, Any]:
        return {**self.values, **self.by_language.get(language, {})}


def send(
    person: UUID,
    template: str,
    values: Mapping[str, Any],
    *,
    dedupe_key: str,
    about: tuple[str, str],
    urgent: bool = False,
    by: audit.Actor,
    at: datetime,
    **more: Any,
) -> Notice | None:
    """Queue one message to a person by the ways that they want and that there are; it leaves once the transaction commits.

    The same `dedupe_key` is the same message and is returned as it is. `more` are the other fields of `Asked`.
    None when there is nobody to write to: the person is not known, or was erased.

    Raises:
        NoticeError: a value that the wording needs is missing, or something is too long.
    """
    return send_each([Asked(person, template, values, dedupe_key, about, urgent, **more)], by=by, at=at)[0]


@transaction.atomic
def send_each(asked: Sequence[Asked], *, by: audit.Actor, at: datetime) -> list[Notice | None]:
    """As `send`, for many at once: a few statements, however many people. One that cannot be written refuses all.

    Raises:
        NoticeError: a value that a wording needs is missing, or something is too long.
    """
    for one in asked:
        _check(one.dedupe_key, one.about, one.values)
    known = _known([one.dedupe_key for one in asked])
    fresh = {one.dedupe_key: one for one in asked if one.dedupe_key not in known}
    made = _Writing(list(fresh.values()), by=by, at=at).notices()
    Notice.objects.bulk_create(made, ignore_conflicts=True)
    known |= _known([one.dedupe_key for one in made])
    own = [one for one in made if known[one.dedupe_key].id == one.id]
    if own:
        _tell(own, by=by, at=at)
    return [known.get(one.dedupe_key) for one in asked]


@transaction.atomic
def send_to(
    address: str,
    channel: str,
    template: str,
    values: Mapping[str, Any],
    *,
    dedupe_key: str,
    about: tuple[str, str],
    by: audit.Actor,
    at: datetime,
    language: str = "",
    urgent: bool = False,
    simulated: bool = False,
) -> Notice:
    """Queue one message to a number or address that is nobody's held here: a partner, a laboratory, a duty telephone.

    Raises:
        NoticeError: there is no such channel, no address, or a value that the wording needs is missing.
    """
    _check(dedupe_key, about, values)
    if channel not in Channel.values or channel in (Channel.IN_APP, Channel.PUSH) or not address.strip():
        raise NoticeError(gettext_noop("A message needs an address and a channel that goes there."))
    known = _known([dedupe_key])
    if dedupe_key in known:
        return known[dedupe_key]
    pack = queries.times(at)
    row = Notice(
        template=template, language=queries.language_of(language), values=seal(json.dumps(dict(values), default=str)),
        dedupe_key=dedupe_key, about_kind=about[0], about_id=about[1], urgent=urgent, made=at, not_before=at,
        expires=queries.expires_at(urgent=urgent, at=at, pack=pack), by=audit.actor_name(by), simulated=simulated,
    )  # fmt: skip
    take_way(row, [Way(channel, address.strip())], values, pack=pack, at=at)
    Notice.objects.bulk_create([row], ignore_conflicts=True)
    stored = _known([dedupe_key])[dedupe_key]
    if stored.id == row.id:
        _tell([row], by=by, at=at)
    return stored


@transaction.atomic
def cancel(about: tuple[str, str], *, by: audit.Actor, at: datetime) -> int:
    """Take back everything about something that has not left yet; return how many messages. What is out is out."""
    found = Notice.objects.filter(about_kind=about[0], about_id=about[1], state__in=OPEN)
    count = found.update(state=State.STOPPED, reason=TAKEN_BACK, ended=at)
    if count:
        audit.record("notices.cancel", by=by, at=at, subject=f"{about[0]} {about[1]}", notices=count)
        live.tell("notices")
    return count


def take_way(
    row: Notice, ways: Sequence[Way], values: Mapping[str, Any], *, pack: RulePack, at: datetime, text: Wording | None = None
) -> bool:
    """Let a message go by the first of these ways, in the words of that channel; False when there is none.

    Raises:
        NoticeError: a value that the wording needs is missing, or there is no such wording.
    """
    if not ways:
        row.state, row.reason, row.ended = State.FAILED, NO_WAY, at
        return False
    way, rest = ways[0], ways[1:]
    try:
        text = text or queries.wording(row.template, way.channel, row.language, at)
        subject, body = queries.filled(text, values)
    except LookupError as error:
        what = str(error.args[0]) if error.args else ""
        raise NoticeError(gettext_noop("The message %(name)s lacks: %(what)s"), name=row.template, what=what) from error
    row.channel, row.to, row.to_hash = way.channel, seal(way.to), way.to_hash
    row.rest = seal(json.dumps([[one.channel, one.to] for one in rest])) if rest else b""
    row.wording, row.subject, row.body = text.version, seal(subject), seal(body)
    row.parts, row.tries, row.claim, row.unsure_since = queries.parts_of(way.channel, body), 0, None, None
    leaves = queries.leaves_at(way.channel, urgent=row.urgent, at=max(at, row.not_before), pack=pack)
    row.not_before, row.state = leaves, State.HELD if leaves > at else State.WAITING
    row.reason = HELD if leaves > at else ""
    return True


def ways_left(row: Notice) -> int:
    """How many other ways there are if this one fails."""
    return len(rest_of(row))


def rest_of(row: Notice) -> list[Way]:
    """The ways that are left when this one fails."""
    return [Way(channel, to) for channel, to in json.loads(unseal(row.rest) or "[]")]


HELD = gettext_noop("It waits for the end of the quiet hours, or for its time.")


class _Writing:
    """Messages to many people, with everything that they share asked once."""

    def __init__(self, asked: Sequence[Asked], *, by: audit.Actor, at: datetime) -> None:
        self.asked, self.by, self.at = asked, by, at
        self.pack = queries.times(at)
        self.wordings: dict[tuple[str, str, str], Wording] = {}
        ids = {one.person for one in asked}
        self.reach = people.reach(ids, by=by, at=at, why=WHY) if ids else {}
        self.chosen = queries.preferences(ids)
        self.pushes = queries.subscriptions(ids)

    def notices(self) -> list[Notice]:
        ways = {one.dedupe_key: self._ways(one, self.reach[one.person]) for one in self.asked if one.person in self.reach}
        stopped = queries.stopped_among({(way.channel, way.to_hash) for found in ways.values() for way in found})
        return [
            self._notice(one, [way for way in ways[one.dedupe_key] if (way.channel, way.to_hash) not in stopped])
            for one in self.asked
            if one.dedupe_key in ways
        ]

    def _ways(self, one: Asked, reach: Reach) -> list[Way]:
        chosen: Preference | None = self.chosen.get(one.person)
        pushes = self.pushes.get(one.person, [])
        kind = queries.kind(one.template)
        return queries.ways(
            one.person, reach, urgent=one.urgent, pack=self.pack, chosen=chosen, pushes=pushes, only=one.channels,
            sensible=kind.channels if kind else (),
        )  # fmt: skip

    def _notice(self, one: Asked, ways: list[Way]) -> Notice:
        reach, chosen = self.reach[one.person], self.chosen.get(one.person)
        language = queries.language_of(one.language or (chosen.language if chosen else "") or reach.language)
        values = one.values_in(language)
        row = Notice(
            person_id=one.person, template=one.template, language=language,
            values=seal(json.dumps(values, default=str)), dedupe_key=one.dedupe_key, about_kind=one.about[0],
            about_id=one.about[1], urgent=one.urgent, made=self.at, not_before=one.not_before or self.at,
            expires=one.expires or queries.expires_at(urgent=one.urgent, at=one.not_before or self.at, pack=self.pack),
            by=audit.actor_name(self.by), simulated=reach.simulated, broadcast=one.broadcast,
        )  # fmt: skip
        text = self._wording(one.template, ways[0].channel, language) if ways else None
        take_way(row, ways, values, pack=self.pack, at=self.at, text=text)
        return row

    def _wording(self, name: str, channel: str, language: str) -> Wording:
        if (name, channel, language) not in self.wordings:
            try:
                self.wordings[name, channel, language] = queries.wording(name, channel, language, self.at)
            except LookupError as error:
                raise NoticeError(gettext_noop("There is no message %(name)s."), name=name) from error
        return self.wordings[name, channel, language]


def _check(dedupe_key: str, about: tuple[str, str], values: Mapping[str, Any]) -> None:
    if not 1 <= len(dedupe_key) <= 200 or not 1 <= len(about[0]) <= 40 or not 1 <= len(str(about[1])) <= 64:
        raise NoticeError(gettext_noop("A message needs a key of its own and says what it is about."))
    for name, value in values.items():
        if len(str(value)) > _LONGEST or "\0" in str(value):
            raise NoticeError(gettext_noop("%(name)s is too long, or holds the NUL character."), name=name)


def _known(keys: Sequence[str]) -> dict[str, Notice]:
    return {one.dedupe_key: one for one in Notice.objects.filter(dedupe_key__in=keys)}


def _tell(rows: Sequence[Notice], *, by: audit.Actor, at: datetime) -> None:
    if len(rows) == 1:
        row = rows[0]
        what = {"template": row.template, "about": row.about_kind}
        audit.record("notices.send", by=by, at=at, subject=row.id, person=row.person_id, **what)
    else:
        audit.record("notices.send_each", by=by, at=at, subject=rows[0].template, notices=len(rows))
    live.tell("notices")
    events.publish_many(
        NoticeFailed(row.id, row.person_id, row.about_kind, row.about_id, row.reason)
        for row in rows
        if row.state == State.FAILED
    )
    if any(row.urgent and row.state == State.WAITING for row in rows):
        events.publish(NoticeQueued(notice=rows[0].id))
