"""Exposures in: each finds the open follow-up of its person or opens one; a new exposure restarts the clock."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from epipolis.act.followup import queries
from epipolis.act.followup.events import FollowUpsOpened
from epipolis.act.followup.models import Exposure, FollowUp, Origin, State
from epipolis.core import audit, clock, events, live
from epipolis.core.rules import Decision, RulePack
from epipolis.understand.tracing.queries import RANKS

from .storing import copy_exposures, copy_follow_ups, next_ids, update_exposures
from .timing import replan_all

_LOCK = 7_401
_OVER = gettext_noop("Its last day, %(until)s, was over before the contact became known.")
_IS_CASE = gettext_noop("This person was a case on %(day)s, before the contact: no follow-up is needed.")
_BECAME_CASE = gettext_noop("This person became a case on %(day)s.")


@dataclass(slots=True)
class NewExposure:
    """What is told of somebody who met a case. `reference` tells it apart: told again, it is the same exposure.

    Exactly one of `person` and `visitor` is given. No day is ever made up: those that are not known stay empty.
    """

    reference: str
    case: UUID | None
    disease: str
    origin: str
    person: UUID | None = None
    visitor: UUID | None = None
    risk: str = "medium"
    certain: bool = True
    relation: str = ""
    category: str = ""
    first_contact: date | None = None
    last_contact: date | None = None
    sampled: date | None = None
    reported: date | None = None
    tracing_contact: int | None = None
    gone: datetime | None = None
    note: str = ""
    simulated: bool = False

    @property
    def who(self) -> UUID:
        found = self.person or self.visitor
        assert found is not None  # noqa: S101 -- the docstring asks for one of them
        return found


@transaction.atomic
def add_exposure(told: NewExposure, *, by: audit.Actor, at: datetime) -> FollowUp:
    """Note that somebody met a case; the follow-up to which it belongs."""
    [found] = add_exposures([told], by=by, at=at)
    return FollowUp.objects.get(id=found)


@transaction.atomic
def add_exposures(told: Sequence[NewExposure], *, by: audit.Actor, at: datetime) -> list[int]:
    """The same for many: the ids of their follow-ups, in the order given. What says nothing new changes nothing."""
    if not told:
        return []
    with connection.cursor() as cursor:  # two that name one person at the same moment must find one follow-up
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    work = _Work(told, by=by, at=at)
    answer = [work.take(one) for one in told]
    work.store()
    return answer


@transaction.atomic
def note_source(case: UUID, *, is_case: bool, by: audit.Actor, at: datetime) -> None:
    """Whether the case whom people met is one at all: exposures to none no longer count. What tracing found it tells itself."""
    told = Exposure.objects.select_for_update().filter(case=case).exclude(origin=Origin.TRACING)
    wrong = told.filter(gone__isnull=False) if is_case else told.filter(gone=None)
    touched = set(wrong.values_list("follow_up", flat=True))
    wrong.update(gone=None if is_case else at, moved_at=at)
    if touched:
        replan_all(touched, by=by, at=at)
        audit.record("followup.source", by=by, at=at, subject=case, is_case=is_case, follow_ups=len(touched))


class _Work:
    """One batch: what is known about its people, and what is to be written."""

    def __init__(self, told: Sequence[NewExposure], *, by: audit.Actor, at: datetime) -> None:
        self.by, self.at, self.day = by, at, clock.local_day(at)
        self.pack: RulePack = queries.rules_of(self.day)
        self.clusters = queries.clusters({one.person for one in told if one.person})
        members = {member for rows in self.clusters.values() for member in rows}
        self.lives = queries.lives(members)
        self.cases = queries.own_cases(members)
        self.known = {one.reference: one for one in _stored([one.reference for one in told])}
        self.homes = _homes(members, {one.visitor for one in told if one.visitor})
        self.candidates = queries.candidates()
        self.ids = iter(next_ids("followup_followup", len(told)))
        self.opened: dict[int, FollowUp] = {}
        self.first: dict[int, list[Exposure]] = defaultdict(list)
        self.added: list[Exposure] = []
        self.changed: dict[int, Exposure] = {}
        self.touched: set[int] = set()

    def take(self, one: NewExposure) -> int:
        stored = self.known.get(one.reference)
        if stored is not None:
            self._change(stored, one)
            return stored.follow_up_id
        home = self._home(one) or self._open(one)
        exposure = self._exposure(one, home.id)
        self.known[one.reference] = exposure
        self.added.append(exposure)
        if home.id in self.opened:
            self.first[home.id].append(exposure)
        else:
            self.touched.add(home.id)
        return home.id

    def _change(self, stored: Exposure, one: NewExposure) -> None:
        fresh = self._exposure(one, stored.follow_up_id)
        fields = [name for name in _TOLD if getattr(stored, name) != getattr(fresh, name)]
        if not fields and (stored.gone is None) == (fresh.gone is None) and stored.who == fresh.who:
            return
        if (stored.until, stored.gone is None) != (fresh.until, fresh.gone is None):
            stored.moved_at = self.at
        for name in (*_TOLD, "who", "gone", "counted_from", "counted_by", "starts", "until", "rule", "days"):
            setattr(stored, name, getattr(fresh, name))
        if stored.id is None:
            return  # told twice in one batch: it is stored as it now is
        home = self._home(one)
        if home is None and one.person and stored.gone is None and self._is_of_another(stored, one):
            home = self._open(one)  # a pseudonym that became known
        if home is not None and home.id != stored.follow_up_id:
            self.touched.add(stored.follow_up_id)
            stored.follow_up_id = home.id
        self.changed[stored.id] = stored
        if stored.follow_up_id in self.opened:
            self.first[stored.follow_up_id].append(stored)
        else:
            self.touched.add(stored.follow_up_id)

    def _is_of_another(self, stored: Exposure, one: NewExposure) -> bool:
        return FollowUp.objects.filter(id=stored.follow_up_id, person=None).exists()

    def _exposure(self, one: NewExposure, home: int) -> Exposure:
        span = queries.span_of(one.last_contact, one.sampled, one.reported, self.pack, at=self.at)
        return Exposure(
            follow_up_id=home,
            case_id=one.case,
            who=one.who,
            counted_from=span.counted_from,
            counted_by=span.counted_by,
            starts=span.starts,
            until=span.until,
            rule=span.rule,
            days=span.days,
            known_at=self.at,
            moved_at=self.at,
            **{name: getattr(one, name) for name in (*_TOLD, "origin", "reference", "gone")},
        )

    def _home(self, one: NewExposure) -> FollowUp | None:
        """The follow-up to which an exposure belongs: the open one of this person, whichever row it was told of."""
        rows = self.clusters[one.person] if one.person else (one.visitor,)
        return next((self.homes[who, one.disease] for who in rows if (who, one.disease) in self.homes), None)

    def _open(self, one: NewExposure) -> FollowUp:
        language, district = self.lives.get(one.person, ("", None)) if one.person else ("", None)
        made = FollowUp(
            id=next(self.ids),
            person_id=one.person,
            visitor=one.visitor,
            disease=one.disease,
            risk=one.risk,
            rank=RANKS[one.risk],  # type: ignore[index]  # -- risks are words, and the keys are equal to them
            certain=one.certain,
            language=language,
            district_id=district,
            known_at=self.at,
            restarted_at=self.at,
            noted_until=self.day - timedelta(days=1),
            simulated=one.simulated,
        )
        self.homes[one.who, one.disease] = made
        self.opened[made.id] = made
        return made

    def store(self) -> None:
        for made in self.opened.values():
            self._begin(made, self.first[made.id])
        copy_follow_ups(list(self.opened.values()))
        copy_exposures([one for one in self.added if one.id is None])
        update_exposures(self.changed.values())
        if self.touched:
            replan_all(self.touched, by=self.by, at=self.at)
        if not (self.opened or self.added or self.changed):
            return
        one = next(iter(self.touched | self.opened.keys())) if len(self.added) == 1 else ""
        counts: dict[str, Any] = {"opened": len(self.opened), "exposures": len(self.added), "changed": len(self.changed)}
        audit.record("followup.exposures", by=self.by, at=self.at, subject=one, **counts)
        live.tell("followup")
        begun = (made.id for made in self.opened.values() if made.person_id and made.state == State.OPEN)
        events.publish_many(FollowUpsOpened.of(begun))

    def _begin(self, made: FollowUp, exposures: list[Exposure]) -> None:
        """Everything that a new follow-up starts with: days, reasons, who follows it, when the first call is due."""
        holding = [one for one in exposures if one.gone is None]
        plan = queries.plan([queries.span(one) for one in holding], day=self.day, pack=self.pack)
        made.starts, made.standard_until, made.until = plan.starts, plan.standard_until, plan.until
        made.decision = plan.decision.to_json()
        best = min(holding or exposures, key=lambda one: RANKS[one.risk])  # type: ignore[index]  # -- as above
        made.risk, made.rank = best.risk, RANKS[best.risk]  # type: ignore[index]  # -- as above
        made.certain = any(one.certain for one in exposures)
        self._end_at_once(made, exposures)
        if made.state != State.OPEN or not made.person_id:
            return
        made.due_from, made.overdue_from = queries.next_check(
            pack=self.pack, risk=made.risk, at=self.at, known_at=self.at, is_told=False, starts=made.starts, until=made.until
        )
        choice = queries.choose(self.candidates, language=made.language, district=made.district_id, day=self.day)
        if choice:
            made.assigned_to_id, made.team_id, made.assignment = choice.user, choice.team, choice.decision

    def _end_at_once(self, made: FollowUp, exposures: list[Exposure]) -> None:
        """Nobody is followed who is a case anyway, or whose time was over before anybody knew."""
        found = self._own_case(made, exposures)
        if found:
            case, day, is_after = found
            made.case_id, made.state = case, State.CONVERTED if is_after else State.NOT_NEEDED
            self._end(made, _BECAME_CASE if is_after else _IS_CASE, {"day": day.isoformat()})
        elif made.until and made.until < self.day:
            made.state = State.NOT_NEEDED
            self._end(made, _OVER, {"until": made.until.isoformat()})

    def _end(self, made: FollowUp, text: str, values: dict[str, Any]) -> None:
        made.ended = self.at
        made.end_reason = Decision(str(made.state), self.pack.reference, self.day, {}, ((text, values),)).to_json()

    def _own_case(self, made: FollowUp, exposures: list[Exposure]) -> tuple[UUID, date, bool] | None:
        if made.person_id is None:
            return None
        first = min((one.first_contact or one.counted_from for one in exposures if one.counted_from), default=self.day)
        oldest = first - timedelta(days=self.pack["case_covers_days"])
        found = [
            (case, day, day > first)
            for row in self.clusters[made.person_id]
            for case, disease, day in self.cases.get(row, ())
            if disease == made.disease and day >= oldest
        ]
        return max(found, key=lambda one: one[1], default=None)


_TOLD = (
    "relation",
    "category",
    "risk",
    "certain",
    "first_contact",
    "last_contact",
    "reported",
    "tracing_contact",
    "note",
)


def _stored(references: list[str]) -> list[Exposure]:
    return list(Exposure.objects.filter(reference__in=references).select_for_update().order_by("id"))


def _homes(members: set[UUID], visitors: set[UUID]) -> dict[tuple[UUID | None, str], FollowUp]:
    """Where exposures of these people belong: open follow-ups, and ended ones of people who are cases."""
    found = FollowUp.objects.filter(Q(state=State.OPEN) | Q(case__isnull=False), part_of=None)
    found = found.only("person", "visitor", "disease", "state", "known_at")
    wanted = found.filter(person__in=list(members)) if members else found.none()
    unknown = found.filter(visitor__in=list(visitors), person=None) if visitors else found.none()
    rows = [*wanted.order_by("state", "known_at"), *unknown.order_by("known_at")]
    rows.sort(key=lambda row: row.state == State.OPEN)  # the open one is written last and holds
    return {(row.person_id or row.visitor, row.disease): row for row in rows}
