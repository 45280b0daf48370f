"""Drafts for many contacts at once: a case in a crowd has thousands, and a file has more."""

from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction

from epipolis.act.followup import queries as followup
from epipolis.act.followup.models import FollowUp
from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import Kind, Order, OrderChange
from epipolis.core import audit, clock, live
from epipolis.sense.people import queries as people

from .drafting import DAYS, LOCK, draft_from_follow_up, new_draft, why_not
from .storing import TOPIC, values

_HOLD = (
    "SELECT pg_advisory_xact_lock(%s, key) FROM (SELECT DISTINCT hashtext(who) AS key FROM unnest(%s::text[]) who ORDER BY 1) _"
)


@transaction.atomic
def draft_from_follow_ups(follow_ups: Collection[int], *, by: audit.Actor, at: datetime) -> None:
    """Draft the quarantines of contacts, or let their orders follow what is known of the contacts now.

    Those who never had an order are drafted in a few statements for all of them, the others one by one.
    """
    rows = _rows(follow_ups)
    clusters = people.same_people({row.person_id for row in rows if row.person_id})
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [LOCK, sorted({str(cluster[0]) for cluster in clusters.values()})])
    members = {member for cluster in clusters.values() for member in cluster}
    ordered = set(Order.objects.filter(person__in=list(members)).values_list("person_id", flat=True))
    fresh: dict[object, FollowUp] = {}
    others = []
    for row in rows:
        cluster = clusters[row.person_id]
        if cluster[0] in fresh or ordered & set(cluster):
            others.append(row)
        else:
            fresh[cluster[0]] = row
    _draft_all(list(fresh.values()), by=by, at=at)
    for row in others:
        draft_from_follow_up(row.id, by=by, at=at)


def _rows(follow_ups: Collection[int]) -> list[FollowUp]:
    """The follow-ups that these belong to, of people who are known."""
    found = followup.follow_ups_by_id(follow_ups)
    wholes = followup.follow_ups_by_id({row.part_of_id for row in found.values() if row.part_of_id} - found.keys())
    every = {row.id: row for row in (*found.values(), *wholes.values()) if row.part_of_id is None and row.person_id}
    return [every[key] for key in sorted(every)]


def _draft_all(rows: list[FollowUp], *, by: audit.Actor, at: datetime) -> None:
    """Draft orders of people who have none."""
    day = clock.local_day(at)
    pack = queries.rules_of(str(Kind.QUARANTINE), day)
    rows = [row for row in rows if why_not(row, pack.reference, pack["risks"]) is None]
    exposures = followup.standing_exposures([row.id for row in rows])
    lives = followup.lives({row.person_id for row in rows if row.person_id})
    made = []
    for row in rows:
        planned = queries.plan_quarantine(queries.contacts_in(exposures[row.id]), day=day, pack=pack)
        if planned.until and planned.until < day:
            continue
        language, district = lives.get(row.person_id, ("", None)) if row.person_id else ("", None)
        order = new_draft(row.person_id, str(Kind.QUARANTINE), row.disease, planned, language, district, at=at)
        order.follow_up, order.household, order.simulated = row, queries.household_in(exposures[row.id]), row.simulated
        made.append(order)
    Order.objects.bulk_create(made, batch_size=500)
    actor = audit.actor_name(by)
    lines = [OrderChange(order=one, kind="drafted", after=values(one, DAYS), by=actor, at=at) for one in made]
    OrderChange.objects.bulk_create(lines, batch_size=500)
    if made:
        audit.record("quarantine.drafted", by=by, at=at, drafts=len(made), rule=pack.reference)
        live.tell(TOPIC)
