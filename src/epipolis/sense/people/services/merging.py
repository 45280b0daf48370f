"""Merging: two rows become one person without moving anything, so that undoing it leaves everything as it was."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from epipolis.core import audit, live
from epipolis.core.events import publish
from epipolis.sense.people import queries
from epipolis.sense.people.events import PeopleMerged, PeopleUnmerged
from epipolis.sense.people.models import MatchQuestion, Merge, Person

from .rows import PersonError, check_text

_REASON = 200
_LOCK = 7_302
_SAME, _DIFFERENT = MatchQuestion.Answer.SAME, MatchQuestion.Answer.DIFFERENT


@transaction.atomic
def merge_people(
    loser: UUID,
    winner: UUID,
    *,
    reason: str,
    by: audit.Actor,
    at: datetime,
    score: float | None = None,
    evidence: Sequence[Any] = (),
    rule: str = "",
    automatic: bool = False,
) -> Merge:
    """Make two people one: the row that holds for `winner` holds for both from now on. No fact moves.

    Raises:
        LookupError: one of them is unknown or erased.
        PersonError: they are one person already, or the reason is missing or too long.
    """
    reason = _reason(reason)
    lock_merges()
    holders = queries.holding([loser, winner])
    low, high = holders[loser], holders[winner]
    rows = {row.id: row for row in Person.objects.select_for_update().filter(id__in=[low, high], erased=None).order_by("id")}
    if not {low, high} <= rows.keys():
        raise LookupError("there is no such person, or the person is erased")
    if low == high:
        raise PersonError("winner", "these are one person already")
    Person.objects.filter(id=low).update(merged_into=high)
    merge = Merge.objects.create(
        loser_id=low,
        winner_id=high,
        at=at,
        by=audit.actor_name(by),
        reason=reason,
        score=score,
        evidence=list(evidence),
        rule=rule,
        automatic=automatic,
    )
    _close_questions(high, merge, at=at)
    _written("people.merge", merge, by=by, at=at)
    publish(PeopleMerged(person=high, merged=low))
    return merge


@transaction.atomic
def unmerge_people(merge_id: int, *, reason: str, by: audit.Actor, at: datetime) -> Merge:
    """Undo a merge; that the two are different people is remembered, so that nobody asks again.

    Raises:
        LookupError: there is no such merge.
        PersonError: it was undone before, or the reason is missing or too long.
    """
    reason = _reason(reason)
    lock_merges()
    merge = Merge.objects.select_for_update().filter(id=merge_id).first()
    if merge is None:
        raise LookupError("there is no such merge")
    if merge.undone_at is not None:
        raise PersonError("merge", "this merge was undone before")
    Person.objects.filter(id=merge.loser_id, merged_into=merge.winner_id).update(merged_into=None)
    merge.undone_at, merge.undone_by, merge.undone_reason = at, audit.actor_name(by), reason
    merge.save(update_fields=["undone_at", "undone_by", "undone_reason"])
    merge.closed.update(answered=at, answer=_DIFFERENT, by=audit.actor_name(by), closed_by=None)
    _remember_apart(merge.loser_id, merge.winner_id, by=by, at=at)
    _written("people.unmerge", merge, by=by, at=at)
    publish(PeopleUnmerged(person=queries.holding([merge.winner_id])[merge.winner_id], unmerged=merge.loser_id))
    return merge


@transaction.atomic
def answer_question(question_id: int, same: bool, *, by: audit.Actor, at: datetime) -> MatchQuestion:
    """Say whether two rows are one person. The same answer again changes nothing.

    Raises:
        LookupError: there is no such question, or one of the two is erased.
        PersonError: it was answered otherwise before, or the two were merged meanwhile.
    """
    lock_merges()
    question = MatchQuestion.objects.select_for_update().filter(id=question_id).first()
    if question is None:
        raise LookupError("there is no such question")
    answer = _SAME if same else _DIFFERENT
    if question.answered is not None:
        if question.answer != answer:
            raise PersonError("answer", "this question was answered otherwise before")
        return question
    question.answered, question.answer, question.by = at, answer, audit.actor_name(by)
    question.save(update_fields=["answered", "answer", "by"])
    if same:
        question.closed_by = merge_people(
            question.person_id,
            question.candidate_id,
            reason="answer to a question",
            by=by,
            at=at,
            score=question.score,
            evidence=question.evidence,
            rule=question.rule,
        )
        question.save(update_fields=["closed_by"])
    detail = {"question": question_id, "answer": str(answer)}
    for person in (question.person_id, question.candidate_id):
        audit.record("people.answer", by=by, at=at, subject=person, person=person, **detail)
    live.tell("people")
    return question


@transaction.atomic
def put_off_question(question_id: int, *, by: audit.Actor, at: datetime) -> None:
    """Ask this one after all others.

    Raises:
        LookupError: there is no such open question.
    """
    if not MatchQuestion.objects.filter(id=question_id, answered=None).update(put_off=at):
        raise LookupError("there is no such open question")
    audit.record("people.put_off", by=by, at=at, subject=question_id)


def lock_merges() -> None:
    """Merges are rare and quick: one at a time, so that no two can close a circle."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _close_questions(holder: UUID, merge: Merge, *, at: datetime) -> None:
    """What was open between rows that are one person now; undoing the merge answers it the other way."""
    members = queries.same_person(holder)
    inside = MatchQuestion.objects.filter(person__in=members, candidate__in=members, answered=None)
    inside.update(answered=at, answer=_SAME, by=merge.by, closed_by=merge)


def _remember_apart(one: UUID, other: UUID, *, by: audit.Actor, at: datetime) -> None:
    decided = {"answered": at, "answer": _DIFFERENT, "by": audit.actor_name(by), "closed_by": None}
    pair = MatchQuestion.objects.filter(person__in=(one, other), candidate__in=(one, other))
    if not pair.update(**decided):
        MatchQuestion.objects.create(person_id=one, candidate_id=other, score=0.0, rule="unmerged", asked=at, **decided)


def _reason(reason: str) -> str:
    if not reason.strip():
        raise PersonError("reason", "must say why")
    check_text("reason", reason, _REASON)
    return reason.strip()


def _written(action: str, merge: Merge, *, by: audit.Actor, at: datetime) -> None:
    for person in (merge.winner_id, merge.loser_id):
        audit.record(action, by=by, at=at, subject=person, person=person, merge=merge.id)
    live.tell("people")
