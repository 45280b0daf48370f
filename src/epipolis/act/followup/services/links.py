"""Links by which people tell how they are, without an account: made for one person, ended with the follow-up."""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from epipolis.act.followup import queries
from epipolis.act.followup.models import FollowUp, How, SelfReportLink, State
from epipolis.core import audit, clock

from .checks import Answer, FollowUpError, Noted, record_check
from .timing import replan

_PERSON = "the person"
_WITHOUT_END = timedelta(days=30)


@transaction.atomic
def open_link(follow_up_id: int, *, by: audit.Actor, at: datetime) -> str:
    """Make a link's secret for one follow-up; it is shown this once. Earlier links of it end.

    Raises:
        FollowUp.DoesNotExist: there is none.
        FollowUpError: nobody is followed.
    """
    row = FollowUp.objects.select_for_update().get(id=follow_up_id)
    if row.state != State.OPEN or row.person_id is None:
        raise FollowUpError("state", gettext_noop("only somebody known under follow-up can report"))
    revoke_links(row, at=at)
    token = secrets.token_urlsafe(18)
    ends = clock.start_of(row.until + timedelta(days=2)) if row.until else at + _WITHOUT_END
    SelfReportLink.objects.create(
        follow_up=row,
        token_hash=_hash(token),
        made=at,
        made_by=audit.actor_name(by),
        expires=max(ends, at + timedelta(days=1)),
    )
    row.reports = True
    replan(row, at=at)
    row.revision += 1
    row.save()
    audit.record("followup.link", by=by, at=at, subject=row.id, person=row.person_id)
    return token


@transaction.atomic
def close_links(follow_up_id: int, *, by: audit.Actor, at: datetime) -> None:
    """Let no link of a follow-up open anything any more; from now on a tracer asks."""
    row = FollowUp.objects.select_for_update().get(id=follow_up_id)
    revoke_links(row, at=at)
    row.reports = False
    replan(row, at=at)
    row.save()
    audit.record("followup.link_closed", by=by, at=at, subject=row.id, person=row.person_id)


def revoke_links(row: FollowUp, *, at: datetime) -> None:
    SelfReportLink.objects.filter(follow_up=row, revoked=None).update(revoked=at)


def find_link(token: str, *, at: datetime) -> tuple[SelfReportLink, FollowUp] | None:
    """The link and the follow-up behind a secret; None when it opens nothing (any more)."""
    if not 10 <= len(token) <= 100:
        return None
    live_ones = SelfReportLink.objects.filter(Q(revoked=None), token_hash=_hash(token), expires__gt=at)
    link = live_ones.select_related("follow_up").first()
    if link is None:
        return None
    row = queries.follow_up(link.follow_up.part_of_id or link.follow_up_id)
    # An end moves with new exposures; the link goes on until the follow-up itself is over.
    return (link, row) if row else None


@transaction.atomic
def self_report(token: str, answer: Answer, *, at: datetime) -> Noted | None:
    """Note what somebody tells by their link; None when the link opens nothing or the follow-up is over.

    Raises:
        FollowUpError: a value breaks a rule.
    """
    found = find_link(token, at=at)
    if found is None or found[1].state != State.OPEN:
        return None
    link, row = found
    noted = record_check(row.id, replace(answer, how=str(How.LINK)), by=_PERSON, at=at)
    SelfReportLink.objects.filter(id=link.id).update(last_used=at)
    return noted


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
