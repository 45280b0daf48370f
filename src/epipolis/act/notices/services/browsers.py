"""Browsers that somebody allowed to show messages."""

import json
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.notices.models import Channel, PushSubscription
from epipolis.act.notices.queries import address_hash
from epipolis.act.notices.settings import settings
from epipolis.core import audit
from epipolis.core.sealing import seal

from .channels import encrypted, may_be_asked
from .errors import NoticeError

_MOST = 5


@transaction.atomic
def add_browser(person: UUID, told: Mapping[str, str], *, by: audit.Actor, at: datetime) -> PushSubscription:
    """Let a browser show somebody's messages; the same browser twice is one. The oldest of many goes.

    Raises:
        NoticeError: it is none, or its push service is not one that the city asks.
    """
    address = {name: str(told.get(name, ""))[:500] for name in ("endpoint", "p256dh", "auth")}
    hosts = [one.strip() for one in settings.push_hosts.split(",")]
    try:
        encrypted(b"x", address["p256dh"], address["auth"])
        is_known = may_be_asked(address["endpoint"], hosts)
    except ValueError:
        is_known = False
    if not is_known:
        raise NoticeError(gettext_noop("This browser’s push service is not one that the city asks."))
    text = json.dumps(address, sort_keys=True)
    made, _is_new = PushSubscription.objects.update_or_create(
        endpoint_hash=address_hash(str(Channel.PUSH), text),
        defaults={"person_id": person, "endpoint": seal(text), "made": at, "gone": None},
    )
    for old in PushSubscription.objects.filter(person=person, gone=None).order_by("-made", "-id")[_MOST:]:
        PushSubscription.objects.filter(id=old.id).update(gone=at)
    audit.record("notices.add_browser", by=by, at=at, subject=made.id, person=person)
    return made
