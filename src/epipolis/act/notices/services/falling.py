"""When a way fails: the next one is tried, in its own words; when none is left, whoever asked hears of it."""

import json
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_noop

from epipolis.act.notices import queries
from epipolis.act.notices.events import NoticeDelivered, NoticeFailed
from epipolis.act.notices.models import DeliveryEvent, Notice, PushSubscription, State
from epipolis.core.events import publish, publish_many
from epipolis.core.sealing import unseal

from .channels import GONE
from .errors import NoticeError
from .sending import rest_of, take_way

FELL_BACK = "next way"
NONE_LEFT = gettext_noop("Every way has failed.")


def values_of(row: Notice) -> dict[str, str]:
    """The values that the wording is filled with."""
    found: dict[str, str] = json.loads(unseal(row.values) or "{}")
    return found


def fall_back(row: Notice, why: str, *, at: datetime, told: bool = False) -> None:
    """Give up the present way of a message, which is held for this, and take the next; saved with what happened.

    `told`: the provider's report says so already.
    """
    if not told:
        note(row, "failed", why, at=at)
    if why == GONE:
        PushSubscription.objects.filter(endpoint_hash=row.to_hash, gone=None).update(gone=at)
    left = rest_of(row)
    stopped = queries.stopped_among({(way.channel, way.to_hash) for way in left})
    ways = [way for way in left if (way.channel, way.to_hash) not in stopped]
    row.step, row.claim, row.unsure_since, row.not_before, row.provider_ref = row.step + 1, None, None, at, ""
    if row.expires is not None and row.expires <= at:
        end(row, str(State.EXPIRED), TOO_LATE, at=at)
        return
    try:
        found = take_way(row, ways, values_of(row), pack=queries.times(at), at=at) if ways else False
    except NoticeError as error:
        end(row, str(State.FAILED), str(error)[:300], at=at)
        return
    if not found:
        end(row, str(State.FAILED), why or NONE_LEFT, at=at)
        return
    row.save()
    note(row, FELL_BACK, "", at=at)


TOO_LATE = gettext_noop("It could not leave before its time was over.")


def end(row: Notice, state: str, why: str, *, at: datetime) -> None:
    """A message that reaches nobody: saved, written down, and told to whoever asked for it."""
    row.state, row.reason, row.ended, row.claim = state, why[:300], at, None
    row.save()
    note(row, state, why, at=at)
    publish(NoticeFailed(row.id, row.person_id, row.about_kind, row.about_id, why[:200]))


def arrive(row: Notice, state: str, *, at: datetime) -> None:
    """A message that has arrived, or was read; told once."""
    arrive_all([row], state, at=at)


def arrive_all(rows: Sequence[Notice], state: str, *, at: datetime) -> None:
    """The same for many, in one statement."""
    news = [row for row in rows if row.state not in (State.DELIVERED, State.READ)]
    for row in rows:
        row.state, row.reason, row.claim, row.unsure_since = state, "", None, None
        row.ended, row.sent = row.ended or at, row.sent or at
    Notice.objects.filter(id__in=[row.id for row in rows]).update(
        state=state,
        reason="",
        claim=None,
        unsure_since=None,
        ended=Coalesce("ended", Value(at)),
        sent=Coalesce("sent", Value(at)),
    )
    publish_many(NoticeDelivered(row.id, row.person_id, row.about_kind, row.about_id, row.channel) for row in news)


def note(row: Notice, state: str, text: str, *, at: datetime, by: str = "") -> None:
    """One thing that we did with a message."""
    DeliveryEvent.objects.create(notice=row, channel=row.channel, state=state, at=at, text=text[:300], by=by)
