"""Drafts of quarantine from contacts: of one, or of many at once, for a case in a crowd has thousands and a file has more."""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, TypeAlias
from uuid import UUID

from django.db import transaction

from epipolis.act.followup import queries as followup
from epipolis.act.followup.models import FollowUp
from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import OPEN, Kind, Order, OrderChange, State
from epipolis.act.quarantine.queries import Planned
from epipolis.core import audit, clock, live
from epipolis.core.rows import update_rows

from .drafting import DAYS, NEWS, follow, hold_each, is_decided, loses, new_draft, take_over, why_not
from .storing import TOPIC, values

_Line: TypeAlias = tuple[Order, dict[str, Any], dict[str, Any]]  # an order, its days before, and after


def draft_from_follow_up(follow_up: int, *, by: audit.Actor, at: datetime) -> Order | None:
    """The same for one contact: the order that is open afterwards, if any."""
    return next(iter(draft_from_follow_ups([follow_up], by=by, at=at)), None)


@transaction.atomic
def draft_from_follow_ups(follow_ups: Collection[int], *, by: audit.Actor, at: datetime) -> list[Order]:
    """Draft the quarantines of contacts, or let their orders follow what is known of the contacts now.

    What is known is read in a few statements for all of them. Returns the orders that are open afterwards.
    """
    rows, day = _rows(follow_ups), clock.local_day(at)
    pack = queries.rules_of(str(Kind.QUARANTINE), day)
    clusters = _hold(rows)
    orders = _open_orders(clusters)
    for row in rows:
        known, lost = orders.get(clusters[row.id][0]), why_not(row, pack.reference, pack["risks"])
        if lost is not None and known is not None and known.follow_up_id == row.id:
            loses(known, *lost, by=by, at=at)
    orders = {top: one for top, one in orders.items() if one.state in (State.DRAFT, State.ISSUED)}
    wanted = [row for row in rows if why_not(row, pack.reference, pack["risks"]) is None]
    exposures, former = followup.standing_exposures([row.id for row in wanted]), _former(wanted)
    ill = queries.isolated([member for cluster in clusters.values() for member in cluster])
    fresh: dict[UUID, Order] = {}
    follows: list[tuple[UUID, FollowUp, Planned]] = []
    for row in wanted:
        cluster = clusters[row.id]
        planned = queries.plan_quarantine(queries.contacts_in(exposures[row.id]), day=day, pack=pack)
        if cluster[0] in orders or cluster[0] in fresh:
            follows.append((cluster[0], row, planned))
        elif not any((one, row.disease) in ill for one in cluster):
            decided = [one for one in former.get(row.id, ()) if one.person_id in cluster]
            if not is_decided(decided, planned, at):
                fresh[cluster[0]] = _new(row, planned, queries.household_in(exposures[row.id]), at=at)
    _store(list(fresh.values()), by=by, at=at)
    orders |= fresh
    redrafted: list[_Line] = []
    for top, row, planned in follows:
        order = orders[top]
        if order.follow_up_id is None:
            order.follow_up = row
        if order.state != State.DRAFT:
            follow(order, planned, by=by, at=at)
        elif (before := take_over(order, planned)) is not None:
            redrafted.append((order, before, values(order, DAYS)))
    _update(redrafted, by=by, at=at)
    return list(orders.values())


def _rows(follow_ups: Collection[int]) -> list[FollowUp]:
    """The follow-ups that these belong to, of people who are known."""
    found = followup.follow_ups_by_id(follow_ups)
    wholes = followup.follow_ups_by_id({row.part_of_id for row in found.values() if row.part_of_id} - found.keys())
    every = {row.id: row for row in (*found.values(), *wholes.values()) if row.part_of_id is None and row.person_id}
    return [every[key] for key in sorted(every)]


def _hold(rows: Iterable[FollowUp]) -> dict[int, tuple[UUID, ...]]:
    """Of each follow-up every row of its person; whoever else drafts for them waits until this transaction ends."""
    persons = {row.id: row.person_id for row in rows if row.person_id}
    clusters = hold_each(set(persons.values()))
    return {row: clusters[person] for row, person in persons.items()}


def _open_orders(clusters: dict[int, tuple[UUID, ...]]) -> dict[UUID, Order]:
    """The open quarantine of each person; of two (merged people have them) the issued one, then the one that ends last."""
    tops = {member: cluster[0] for cluster in clusters.values() for member in cluster}
    found = Order.objects.select_for_update().filter(OPEN, kind=Kind.QUARANTINE)
    rows = list(found.filter(person__in=list(tops)).order_by("id"))
    rows.sort(key=lambda one: (one.state != State.ISSUED, -(one.until or date.max).toordinal(), one.id))
    orders: dict[UUID, Order] = {}
    for one in rows:
        if one.person_id:
            orders.setdefault(tops[one.person_id], one)
    return orders


def _former(rows: Iterable[FollowUp]) -> dict[int | None, list[Order]]:
    """The orders of each follow-up that ended."""
    found: dict[int | None, list[Order]] = {}
    for one in Order.objects.filter(follow_up__in=[row.id for row in rows]).exclude(OPEN).order_by("id"):
        found.setdefault(one.follow_up_id, []).append(one)
    return found


def _new(row: FollowUp, planned: Planned, household: UUID | None, *, at: datetime) -> Order:
    order = new_draft(row.person_id, str(Kind.QUARANTINE), row.disease, planned, at=at)
    order.follow_up, order.household, order.simulated = row, household, row.simulated
    return order


def _store(drafts: list[Order], *, by: audit.Actor, at: datetime) -> None:
    """Store orders of people who had none."""
    if not drafts:
        return
    lives = followup.lives({one.person_id for one in drafts if one.person_id})
    for one in drafts:
        one.language, one.district_id = lives.get(one.person_id, ("", None)) if one.person_id else ("", None)
    Order.objects.bulk_create(drafts, batch_size=500)
    _note("drafted", [(one, {}, values(one, DAYS)) for one in drafts], by=by, at=at)


def _update(redrafted: list[_Line], *, by: audit.Actor, at: datetime) -> None:
    """Store drafts that took other days over."""
    if not redrafted:
        return
    rows = {one.id: one for one, _, _ in redrafted}
    for one in rows.values():
        one.revision += 1
    update_rows(list(rows.values()), ("follow_up_id", "decision", "revision", *DAYS))
    _note("redrafted", redrafted, by=by, at=at, reason=NEWS)


def _note(kind: str, lines: list[_Line], *, by: audit.Actor, at: datetime, reason: str = "") -> None:
    """A line in the history of each, and one in the trail for all of them."""
    actor = audit.actor_name(by)
    OrderChange.objects.bulk_create(
        [
            OrderChange(order=one, kind=kind, before=before, after=after, reason=reason, by=actor, at=at)
            for one, before, after in lines
        ],
        batch_size=500,
    )
    first = lines[0][0]
    whose: dict[str, Any] = {"subject": first.id, "person": first.person_id} if len(lines) == 1 else {}
    audit.record(f"quarantine.{kind}", by=by, at=at, orders=len(lines), rule=first.decision["rule"], **whose)
    live.tell(TOPIC)
