"""Who follows whom: by rule or by hand, given over at the end of a shift, and the teams themselves."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.followup import queries
from epipolis.act.followup.models import LISTED, Change, FollowUp, Handover, Team, TeamMember
from epipolis.core import audit, clock, live
from epipolis.core.models import User
from epipolis.core.rows import update_rows
from epipolis.core.rules import Decision

from .checks import FollowUpError

_BY_HAND = gettext_noop("Given by hand by %(by)s.")
_HANDED_OVER = gettext_noop("Handed over by %(by)s at the end of a shift.")
_GIVEN = ("assigned_to_id", "team_id", "assignment")
_MOST = 2_000  # contacts that are given out at once


@transaction.atomic
def assign(follow_up_id: int, *, to: User | None, by: audit.Actor, at: datetime) -> FollowUp:
    """Give a contact to somebody by hand; None gives it back to everybody.

    Raises:
        FollowUp.DoesNotExist: there is none.
    """
    row = FollowUp.objects.select_for_update().get(id=follow_up_id)
    _give([row], to, _BY_HAND, by=by, at=at)
    return row


@transaction.atomic
def assign_waiting(*, by: audit.Actor, at: datetime, ids: Sequence[int] | None = None) -> int:
    """Give contacts that nobody has (or these) to those who fit best, the most urgent first; return how many found one."""
    found = FollowUp.objects.select_for_update().filter(LISTED)
    found = found.filter(assigned_to=None) if ids is None else found.filter(id__in=list(ids))
    candidates, day = queries.candidates(), clock.local_day(at)
    given, lines = [], []
    for row in found.order_by("rank", "due_from", "id")[:_MOST]:
        choice = queries.choose(candidates, language=row.language, district=row.district_id, day=day)
        if choice is None:
            break
        lines.append(_line(row, choice.user, choice.team, "", by=by, at=at))
        row.assigned_to_id, row.team_id, row.assignment = choice.user, choice.team, choice.decision
        given.append(row)
    update_rows(given, _GIVEN)
    Change.objects.bulk_create(lines)
    if given:
        audit.record("followup.assign_waiting", by=by, at=at, given=len(given))
        live.tell("followup")
    return len(given)


@transaction.atomic
def hand_over(
    *, giver: User, taker: User | None, note: str, by: audit.Actor, at: datetime, ids: Sequence[int] | None = None
) -> Handover:
    """Offer one's open contacts (or some of them) to a colleague, or to whoever of the team takes them.

    An offer of the same contacts that nobody has taken yet is replaced.

    Raises:
        FollowUpError: there is nothing to hand over, or nobody to take it.
    """
    team = queries.team_of(giver.pk)
    if taker is None and team is None:
        raise FollowUpError("taker", gettext_noop("choose who takes over: you are in no team"))
    if taker == giver:
        raise FollowUpError("taker", gettext_noop("must be somebody else"))
    mine = FollowUp.objects.filter(LISTED, assigned_to=giver)
    found = list((mine.filter(id__in=list(ids)) if ids is not None else mine).order_by("id").values_list("id", flat=True))
    if not found:
        raise FollowUpError("follow_ups", gettext_noop("there is no open contact to hand over"))
    _take_back(giver, set(found))
    made = Handover.objects.create(giver=giver, taker=taker, team=team, follow_ups=found, note=note, at=at)
    audit.record("followup.hand_over", by=by, at=at, subject=made.id, contacts=len(found))
    live.tell("followup")
    return made


def _take_back(giver: User, again: set[int]) -> None:
    """What is offered again waits once: an earlier offer that nobody has taken loses it, and ends where nothing is left."""
    for earlier in Handover.objects.select_for_update().filter(giver=giver, accepted=None):
        left = [one for one in earlier.follow_ups if one not in again]
        if not left:
            earlier.delete()
        elif len(left) < len(earlier.follow_ups):
            earlier.follow_ups = left
            earlier.save(update_fields=["follow_ups"])


@transaction.atomic
def accept_handover(number: int, *, by: User, at: datetime) -> int:
    """Take what was handed over: those contacts that are still open and still with the giver; return how many.

    Raises:
        Handover.DoesNotExist: there is none.
        FollowUpError: it is meant for somebody else, or was taken.
    """
    found = Handover.objects.select_for_update().get(id=number)
    if found.accepted:
        raise FollowUpError("handover", gettext_noop("was taken already"))
    team = queries.team_of(by.pk)
    is_for_me = found.taker_id == by.pk if found.taker_id else team is not None and team.id == found.team_id
    if not is_for_me:
        raise FollowUpError("handover", gettext_noop("is meant for somebody else"))
    rows = FollowUp.objects.select_for_update().filter(LISTED, id__in=found.follow_ups, assigned_to=found.giver)
    count = _give(list(rows.order_by("id")), by, _HANDED_OVER, by=found.giver, at=at)
    found.accepted, found.accepted_by = at, by
    found.save(update_fields=["accepted", "accepted_by"])
    audit.record("followup.accept", by=by, at=at, subject=found.id, contacts=count)
    return count


def _give(rows: list[FollowUp], to: User | None, text: str, *, by: audit.Actor, at: datetime) -> int:
    team = queries.team_of(to.pk) if to else None
    reasons = ((text, {"by": audit.actor_name(by)}),)
    name = to.get_username() if to else ""
    decision = Decision(name, "assignment of contacts", clock.local_day(at), {}, reasons).to_json()
    rows = [row for row in rows if row.assigned_to_id != (to.pk if to else None)]
    lines = [_line(row, to.pk if to else None, team.id if team else row.team_id, "", by=by, at=at) for row in rows]
    for row in rows:
        row.assigned_to, row.assignment = to, decision if to else {}
        row.team = team or row.team
    update_rows(rows, _GIVEN)
    Change.objects.bulk_create(lines)
    for row in rows[:1] if len(rows) == 1 else []:
        audit.record("followup.assign", by=by, at=at, subject=row.id, person=row.person_id, to=name)
    live.tell("followup")
    return len(rows)


def _line(row: FollowUp, user: int | None, team: int | None, reason: str, *, by: audit.Actor, at: datetime) -> Change:
    before = {"assigned_to_id": row.assigned_to_id, "team_id": row.team_id}
    after = {"assigned_to_id": user, "team_id": team}
    return Change(follow_up=row, kind="owner", before=before, after=after, reason=reason, by=audit.actor_name(by), at=at)


@transaction.atomic
def save_team(name: str, *, by: audit.Actor, at: datetime, note: str = "", team_id: int | None = None) -> Team:
    """Make a team, or give one another name and note.

    Raises:
        FollowUpError: the name is taken or empty.
        Team.DoesNotExist: there is none with this number.
    """
    name = name.strip()
    if not name or Team.objects.filter(name=name).exclude(id=team_id).exists():
        raise FollowUpError("name", gettext_noop("must be given, and no other team may have it"))
    team = Team.objects.select_for_update().get(id=team_id) if team_id else Team()
    team.name, team.note = name, note
    team.save()
    audit.record("followup.team", by=by, at=at, subject=team.id)
    return team


@transaction.atomic
def save_member(
    user: User,
    team: Team,
    *,
    languages: Sequence[str],
    districts: Sequence[int],
    most: int,
    by: audit.Actor,
    at: datetime,
    is_active: bool = True,
) -> TeamMember:
    """Say in which team somebody works, in which languages and districts, and how many contacts they can have."""
    values = {
        "team": team,
        "languages": sorted(set(languages)),
        "districts": sorted(set(districts)),
        "most": most,
        "is_active": is_active,
    }
    member, _ = TeamMember.objects.update_or_create(user=user, defaults=values)
    audit.record("followup.member", by=by, at=at, subject=user.get_username(), team=team.id, is_active=is_active)
    return member
