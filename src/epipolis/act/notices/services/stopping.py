"""Stopping: whoever does not want to be written to by a channel is not, from this moment; and how somebody wants to be told."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.notices import queries
from epipolis.act.notices.models import Channel, Preference, StoppedAddress
from epipolis.core import audit
from epipolis.sense.people import queries as people

from .errors import NoticeError

THE_PERSON = "the person"  # who said it on their own page
_STOPPABLE = tuple(one for one in Channel.values if one != Channel.IN_APP)


@transaction.atomic
def stop_address(channel: str, address_hash: str, *, by: audit.Actor, at: datetime) -> bool:
    """Write to a number or address by this channel no more; False when that was so already. What waits goes another way."""
    _row, is_new = StoppedAddress.objects.get_or_create(
        channel=channel, address_hash=address_hash, defaults={"at": at, "by": audit.actor_name(by)}
    )
    if is_new:
        audit.record("notices.stop", by=by, at=at, subject=channel)
    return is_new


@transaction.atomic
def start_address(channel: str, address_hash: str, *, by: audit.Actor, at: datetime) -> bool:
    """Write there again; False when it was never stopped."""
    count, _kinds = StoppedAddress.objects.filter(channel=channel, address_hash=address_hash).delete()
    if count:
        audit.record("notices.start", by=by, at=at, subject=channel)
    return bool(count)


@transaction.atomic
def prefer(
    person: UUID,
    *,
    channels: Sequence[str] = (),
    language: str = "",
    stopped: Sequence[str] = (),
    by: audit.Actor,
    at: datetime,
) -> Preference:
    """Note by which channels, in which order and language somebody wants to be told, and which never.

    Raises:
        LookupError: there is no such person.
        NoticeError: there is no such channel or language, or it cannot be stopped.
    """
    found = people.person(person)
    if found is None or found.erased:
        raise LookupError("there is no such person")
    if unknown := [one for one in (*channels, *stopped) if one not in Channel.values]:
        raise NoticeError(gettext_noop("There is no channel %(name)s."), name=unknown[0])
    if Channel.IN_APP in stopped:
        raise NoticeError(gettext_noop("The own page shows every message and cannot be stopped."))
    if language and language not in queries.languages():
        raise NoticeError(gettext_noop("There is no language %(name)s here."), name=language)
    both = set(channels) & set(stopped)
    made, _is_new = Preference.objects.update_or_create(
        person_id=person,
        defaults={
            "channels": [one for one in dict.fromkeys(channels) if one not in both],
            "language": language,
            "stopped": [one for one in _STOPPABLE if one in stopped],
            "changed": at,
            "changed_by": audit.actor_name(by),
        },
    )
    audit.record("notices.prefer", by=by, at=at, subject=person, person=person, channels=made.channels, stopped=made.stopped)
    return made
