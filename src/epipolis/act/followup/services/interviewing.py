"""The talk with a case: what they told is written down once, and everything that follows from it follows by itself."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.followup import queries
from epipolis.act.followup.events import CaseInterviewed
from epipolis.act.followup.models import Exposure, FollowUp, Interview, Origin, State
from epipolis.core import audit, clock, events, live
from epipolis.core.models import User
from epipolis.core.sealing import seal
from epipolis.sense.cases import services as cases
from epipolis.sense.cases.models import Case
from epipolis.sense.checkins import services as checkins
from epipolis.sense.people import services as people
from epipolis.sense.people.services import PersonError, PersonRow

from .ending import open_again
from .opening import NewExposure, add_exposures
from .timing import replan_all

_KINDS = ("symptoms", "circumstances")
_UNDONE = gettext_noop("The contact was named by mistake.")
_REDONE = gettext_noop("The contact was named after all.")


class InterviewError(ValueError):
    """Something told that cannot be: the part (`contacts`, `route`, `answers`), which of them, the field and the rule."""

    def __init__(self, part: str, number: int, field: str, rule: str) -> None:
        super().__init__(f"{part} {number + 1}: {field}: {rule}")
        self.part, self.number, self.field, self.rule = part, number, field, rule


class StaleAnswersError(ValueError):
    """Somebody else answered the same questions otherwise meanwhile: `theirs` by kind and name, `case` as it is now."""

    def __init__(self, case: Case, theirs: Mapping[str, Mapping[str, str]]) -> None:
        super().__init__("the case was changed meanwhile")
        self.case, self.theirs = case, theirs


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody whom the case named. `key` tells the line apart: sent twice, it is the same contact."""

    key: str
    given_name: str = ""
    family_name: str = ""
    phone: str = ""
    relation: str = ""
    household: bool = False
    risk: str = "medium"
    last_contact: date | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Been:
    """Where the case was on a day; without both times the stay is possible, never certain. `place` is null where the
    register of the city does not know it: then the words stay, and no meeting can be computed."""

    day: date
    words: str
    place: int | None = None
    starts: time | None = None
    ends: time | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that was told in one interview."""

    revision: int  # of the case, as the interviewer had read it
    language: str = ""
    symptoms: Mapping[str, str] = field(default_factory=dict)
    circumstances: Mapping[str, str] = field(default_factory=dict)
    contacts: Sequence[Named] = ()
    route: Sequence[Been] = ()
    needs: Sequence[str] = ()
    days: Mapping[date, str] = field(default_factory=dict)  # in their own words
    note: str = ""


@transaction.atomic
def start_interview(case_id: UUID, *, by: User, at: datetime) -> Interview:
    """Take the interview of a case; one that somebody had begun goes on, in the hands of who asks now.

    Raises:
        Case.DoesNotExist: there is no such case.
    """
    case = queries.case_to_interview(case_id)
    if case is None:
        raise Case.DoesNotExist
    found = Interview.objects.select_for_update().filter(case=case_id, finished=None).order_by("-started").first()
    if found is None:
        found = Interview.objects.create(case=case, client_id=uuid4(), started=at, user=by, by=audit.actor_name(by))
    elif found.user_id == by.pk:
        return found
    else:
        found.user, found.by = by, audit.actor_name(by)
        found.save(update_fields=["user", "by"])
    audit.record("followup.interview", by=by, at=at, subject=case_id, person=case.person_id)
    live.tell("followup", case=str(case_id))
    return found


@transaction.atomic
def finish_interview(client_id: UUID, told: Told, *, by: audit.Actor, at: datetime) -> Interview:
    """Write down what was told: answers about the illness, the route, and everybody who was named. The same interview again
    changes nothing.

    Raises:
        Interview.DoesNotExist: there is none.
        StaleAnswersError: the case says otherwise by now, and the interviewer had not read it.
        InterviewError: something told breaks a rule; nothing is stored.
    """
    row = Interview.objects.select_for_update().get(client_id=client_id)
    if row.finished:
        return row
    case = queries.case_to_interview(row.case_id)
    if case is None:
        raise Interview.DoesNotExist
    _revise(case, told, by=by, at=at)
    lost = _tell_route(case, told, by=by, at=at)
    row.answers = {
        "contacts": _follow(row, case, told, by=by, at=at),
        "needs": list(told.needs),
        "symptoms": dict(told.symptoms),
        "circumstances": dict(told.circumstances),
        "stops": len(told.route) - len(lost),
        "unplaced": len(lost),
    }
    words = {"note": told.note, "days": {str(day): text for day, text in told.days.items()}, "unplaced": lost}
    row.note = seal(json.dumps(words, ensure_ascii=False))
    row.language, row.finished, row.by = told.language, at, audit.actor_name(by)
    row.save()
    audit.record("followup.interviewed", by=by, at=at, subject=case.id, person=case.person_id, contacts=len(told.contacts))
    events.publish(CaseInterviewed(interview=row.id, case=case.id))
    live.tell("followup", case=str(case.id))
    return row


@transaction.atomic
def set_named(client_id: UUID, key: str, *, is_contact: bool, by: audit.Actor, at: datetime) -> bool:
    """Take back one contact that was named by mistake, or name them after all; false where nothing changed."""
    row = Interview.objects.get(client_id=client_id)
    known = {line["key"]: line["reference"] for line in row.answers.get("contacts", ())}
    one = Exposure.objects.select_for_update().filter(reference=known.get(key, "")).first()
    if one is None or (one.gone is None) == is_contact:
        return False
    one.gone, one.moved_at = None if is_contact else at, at
    one.save(update_fields=["gone", "moved_at"])
    replan_all([one.follow_up_id], by=by, at=at, reason=_REDONE if is_contact else _UNDONE)
    home = FollowUp.objects.select_for_update().get(id=one.follow_up_id)
    if is_contact and home.state == State.CANCELLED and not queries.open_of_same(home):
        open_again(home, reason=_REDONE, by=by, at=at)  # what ended only because nobody counted
    audit.record("followup.named", by=by, at=at, subject=one.follow_up_id, is_contact=is_contact)
    live.tell("followup", follow_up=one.follow_up_id)
    return True


def _revise(case: Case, told: Told, *, by: audit.Actor, at: datetime) -> None:
    """Answers about the illness. What the interviewer left as it was read is no answer; what others changed stays."""
    if told.revision != case.revision and (theirs := _contradicted(case, told)):
        raise StaleAnswersError(case, theirs)
    before = queries.answers_at(case, told.revision)
    changes: dict[str, Any] = {}
    for kind in _KINDS:
        said, read, now = getattr(told, kind), before[kind], getattr(case, kind)
        mine = {name: said.get(name, "") for name in said | read if said.get(name, "") != read.get(name, "")}
        changes[kind] = {name: state for name, state in (now | mine).items() if state}
    if "yes" in changes["symptoms"].values():
        changes["has_symptoms"] = True
    try:
        cases.revise_case(case.id, changes, by=by, at=at)
    except cases.FactsError as error:
        raise InterviewError("answers", 0, error.broken[0].field, error.broken[0].rule) from error


def _contradicted(case: Case, told: Told) -> dict[str, dict[str, str]]:
    before = queries.answers_at(case, told.revision)
    found: dict[str, dict[str, str]] = {}
    for kind in _KINDS:
        said, read, now = getattr(told, kind), before[kind], getattr(case, kind)
        for name in said | read | now:
            mine, was, theirs = (one.get(name, "") for one in (said, read, now))
            if theirs not in (was, mine) and mine != was:
                found.setdefault(kind, {})[name] = theirs
    return found


def _tell_route(case: Case, told: Told, *, by: audit.Actor, at: datetime) -> list[str]:
    """Keep the stops at known places; return the others in words."""
    placed = [(number, one) for number, one in enumerate(told.route) if one.place is not None]
    result = checkins.tell_route(
        case.person_id, [_stop(one) for _, one in placed], by=by, at=at, simulated=case.simulated
    ) if placed else None  # fmt: skip
    if result and result.rejected:
        position, name, rule = result.rejected[0]
        raise InterviewError("route", placed[position][0], name, rule)
    return [f"{one.day} {one.words}" for one in told.route if one.place is None]


def _stop(one: Been) -> checkins.Stop:
    assert one.place is not None  # noqa: S101 -- the caller has left the others out
    if one.starts is None or one.ends is None:
        return checkins.Stop(one.place, day=one.day)
    return checkins.Stop(one.place, *clock_span(one.day, one.starts, one.ends))


def clock_span(day: date, starts: time, ends: time) -> tuple[datetime, datetime]:
    """Local times as moments; an end before the start lies on the next day."""
    first = datetime.combine(day, starts, clock.zone())
    last = datetime.combine(day, ends, clock.zone())
    return (
        (first, last) if last > first else (first, datetime.combine(date.fromordinal(day.toordinal() + 1), ends, clock.zone()))
    )


def _follow(row: Interview, case: Case, told: Told, *, by: audit.Actor, at: datetime) -> list[dict[str, Any]]:
    """Find or register everybody named, and follow them; the lines by which each can be taken back."""
    exposures = []
    for number, one in enumerate(told.contacts):
        if one.last_contact and one.last_contact > clock.local_day(at):
            raise InterviewError("contacts", number, "last_contact", gettext_noop("must not lie in the future"))
        person = PersonRow(
            given_name=one.given_name,
            family_name=one.family_name,
            phones=[one.phone] if one.phone else (),
            simulated=case.simulated,
        )
        try:
            match = people.match_person(person, by=by, at=at)
        except PersonError as error:
            raise InterviewError("contacts", number, error.field, error.rule) from error
        exposures.append(
            NewExposure(
                reference=f"interview:{row.client_id}:{one.key}",
                case=case.id,
                disease=case.disease,
                origin=str(Origin.HOUSEHOLD if one.household else Origin.INTERVIEW),
                person=match.person,
                risk=one.risk,
                relation=one.relation,
                last_contact=one.last_contact,
                reported=clock.local_day(at),
                note=one.place,
                simulated=case.simulated,
            )
        )
    ids = add_exposures(exposures, by=by, at=at)
    return [
        {"key": one.key, "reference": made.reference, "follow_up": number, "person": str(made.person)}
        for one, made, number in zip(told.contacts, exposures, ids, strict=True)
    ]
