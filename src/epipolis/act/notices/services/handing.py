"""What became of handing messages over: most of it is stored in one statement, the rest one by one."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from epipolis.act.notices import queries
from epipolis.act.notices.models import DeliveryEvent, Notice, State
from epipolis.act.notices.settings import settings

from .channels import Outcome, provider_of
from .falling import fall_back

Told = tuple[Notice, Outcome, str]
# A report may have come before: what it said stays, and only where the message is known there is added.
_ACCEPTED = """
UPDATE notices_notice AS n SET
    state = CASE WHEN n.claim = %s THEN 'sent' ELSE n.state END,
    claim = CASE WHEN n.claim = %s THEN NULL ELSE n.claim END,
    reason = CASE WHEN n.claim = %s THEN '' ELSE n.reason END,
    unsure_since = NULL, tries = n.tries + 1, cost = n.cost + told.cost, sent = coalesce(n.sent, %s),
    provider = told.provider, provider_ref = told.ref
FROM jsonb_to_recordset(%s::jsonb) AS told (id uuid, step int, ref text, provider text, cost numeric)
WHERE n.id = told.id AND n.step = told.step"""

_NOTED = """
INSERT INTO notices_deliveryevent (notice_id, step, channel, provider, provider_ref, event_id, state, at, text, by)
SELECT id, step, channel, provider, ref, '', 'accepted', %s, '', ''
FROM jsonb_to_recordset(%s::jsonb) AS told (id uuid, step int, channel text, ref text, provider text)"""


@transaction.atomic
def finish(told: Sequence[Told], *, claim: int, at: datetime) -> None:
    """Store what became of a batch; of messages that a report has moved on meanwhile only what it does not say."""
    prices = queries.costs(at)["part"]
    accepted = [one for one in told if one[1].state == "accepted"]
    rows = [
        {
            "id": str(row.id),
            "step": row.step,
            "channel": row.channel,
            "ref": outcome.ref,
            "provider": name,
            "cost": str(queries.price(row.channel, row.parts, prices)),
        }
        for row, outcome, name in accepted
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_ACCEPTED, [claim, claim, claim, at, text := json.dumps(rows)])
            cursor.execute(_NOTED, [at, text])
    for row, outcome, name in told:
        if outcome.state != "accepted":
            _not_taken(row, outcome, name, claim=claim, at=at)


def _not_taken(row: Notice, outcome: Outcome, provider: str, *, claim: int, at: datetime) -> None:
    held = Notice.objects.select_for_update(of=("self",)).filter(id=row.id, claim=claim).first()
    if held is None:
        return
    held.tries += 1
    held.provider = provider
    if outcome.state == "refused" or held.tries >= settings.most_tries:
        fall_back(held, outcome.text, at=at)
        return
    wait = outcome.wait or min(settings.longest_wait_seconds, settings.first_wait_seconds * 2 ** min(held.tries - 1, 20))
    if outcome.state == "unsure" and not provider_of(held.channel, simulated=held.simulated).is_idempotent:
        held.unsure_since, wait = at, max(wait, settings.unsure_seconds)
    held.state, held.claim, held.reason = State.WAITING, None, outcome.text[:300]
    held.not_before = at + timedelta(seconds=min(wait, settings.longest_wait_seconds))
    held.save()
    DeliveryEvent.objects.create(
        notice=held, channel=held.channel, provider=provider, state="later", at=at, text=outcome.text[:300]
    )
