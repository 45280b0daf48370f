"""Two cases that are one illness: asked when people turn out to be one, answered by a person, and undone at any time."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction

from epipolis.core import audit, clock, live
from epipolis.sense.cases import queries
from epipolis.sense.cases.models import Case, Classification, ClassifiedBy, DuplicateQuestion
from epipolis.sense.people.events import PeopleMerged, PeopleUnmerged

from .changes import revise_case
from .revisions import locked

_Answer = DuplicateQuestion.Answer
_RANK = tuple(
    map(str, (Classification.NOT_A_CASE, Classification.SUSPECTED, Classification.PROBABLE, Classification.CONFIRMED))
)


class NotOnePersonError(ValueError):
    """The two cases cannot be one illness: two people, two diseases, or one is a duplicate already."""


def on_people_merged(event: PeopleMerged) -> None:
    """Two rows are one person: ask about cases that may be one illness, and again what was set aside when they were two."""
    ask_about([event.person, event.merged], at=clock.now())


@transaction.atomic
def on_people_unmerged(event: PeopleUnmerged) -> None:
    """They are two people after all: open questions between them are withdrawn, and shared illnesses are two again."""
    at = clock.now()
    persons = {*queries.same_person(event.person), *queries.same_person(event.unmerged)}
    for question in DuplicateQuestion.objects.filter(case__person__in=persons, answer="").select_related("case", "candidate"):
        if not _one_person(question.case, question.candidate):
            _answer(question, str(_Answer.WITHDRAWN), by="people", at=at)
    for case in Case.objects.filter(person__in=persons).exclude(same_as=None):
        main = queries.cases_by_id([case.same_as]).get(case.same_as)
        if main is None or not _one_person(main, case):
            undo_duplicate(case.id, by="people", at=at)


def ask_about(persons: Collection[UUID], *, at: datetime) -> int:
    """Ask about each pair of these people's cases that may be one illness; a pair is asked about once. Returns how many."""
    pairs = queries.same_illness_pairs(persons, clock.local_day(at))
    rows = [DuplicateQuestion(case=one, candidate=other, days_apart=apart, asked=at) for one, other, apart in pairs]
    known = set(DuplicateQuestion.objects.filter(case__in=[row.case_id for row in rows]).values_list("case", "candidate"))
    fresh = [row for row in rows if (row.case_id, row.candidate_id) not in known]
    DuplicateQuestion.objects.bulk_create(fresh, ignore_conflicts=True)
    withdrawn = DuplicateQuestion.objects.filter(answer=_Answer.WITHDRAWN, case__in=[row.case_id for row in rows])
    for question in withdrawn:
        if (question.case_id, question.candidate_id) in {(row.case_id, row.candidate_id) for row in rows}:
            _answer(question, str(_Answer.OPEN), by="", at=None)
    if rows:
        live.tell("cases")
    return len(fresh)


@transaction.atomic
def answer_duplicate(question_id: int, same: bool, *, by: audit.Actor, at: datetime) -> DuplicateQuestion:
    """Say whether two cases are one illness; then only one counts. The answer is not asked for again.

    The earlier known one counts, unless a person or a source classified only the other, or that one higher: what the
    rules concluded is concluded again from both.

    Raises:
        DuplicateQuestion.DoesNotExist: there is no such question.
        NotOnePersonError: as in `mark_duplicate`.
    """
    question = DuplicateQuestion.objects.select_for_update(of=("self",)).select_related("case", "candidate").get(id=question_id)
    if same:
        main, other = sorted((question.case, question.candidate), key=_word, reverse=True)
        mark_duplicate(other.id, main.id, by=by, at=at)
    _answer(question, str(_Answer.SAME if same else _Answer.DIFFERENT), by=audit.actor_name(by), at=at)
    audit.record("cases.answer_duplicate", by=by, at=at, subject=question.case_id, other=str(question.candidate_id), same=same)
    return question


@transaction.atomic
def mark_duplicate(case_id: UUID, main_id: UUID, *, by: audit.Actor, at: datetime) -> Case:
    """Believe that a case is the same illness as another of that person: its facts and tests count with the other's.

    Raises:
        Case.DoesNotExist: there is no such case.
        NotOnePersonError: they are two people or two diseases, or the other is itself a duplicate.
    """
    first, second = sorted((case_id, main_id))
    locked(first)
    locked(second)
    case, main = Case.objects.get(id=case_id), Case.objects.get(id=main_id)
    pack = queries.definition_for(main.disease, clock.local_day(at))
    if case_id == main_id or main.same_as:
        raise NotOnePersonError("a case cannot be the same as itself, nor as one that is a duplicate")
    if not _one_person(case, main):
        raise NotOnePersonError("the two cases are of two people; merge the people first")
    if not queries.same_disease(pack, case.disease, main.disease):
        raise NotOnePersonError("the two cases are of two diseases")
    for other in queries.duplicates_of(case_id):
        revise_case(other.id, {"same_as": main_id}, by=by, at=at, action="cases.mark_duplicate")
    return revise_case(case_id, {"same_as": main_id}, by=by, at=at, action="cases.mark_duplicate")


@transaction.atomic
def undo_duplicate(case_id: UUID, *, by: audit.Actor, at: datetime) -> Case:
    """Believe again that a case is an illness of its own; the question about it is answered so. Twice changes nothing.

    Raises:
        Case.DoesNotExist: there is no such case.
    """
    case = locked(case_id)
    if case.same_as is None:
        return case
    main = case.same_as
    after = revise_case(case_id, {"same_as": None}, by=by, at=at, action="cases.undo_duplicate")
    for question in DuplicateQuestion.objects.filter(case__in=(case_id, main), candidate__in=(case_id, main)):
        together = _one_person(Case.objects.get(id=main), case)
        _answer(question, str(_Answer.DIFFERENT if together else _Answer.WITHDRAWN), by=audit.actor_name(by), at=at)
    return after


def _word(case: Case) -> int:
    """How far a word that no rule can conclude again goes."""
    return 0 if case.classified == ClassifiedBy.AUTOMATIC else _RANK.index(Classification(case.classification)) + 1


def _one_person(one: Case, other: Case) -> bool:
    return one.person_id in queries.same_person(other.person_id)


def _answer(question: DuplicateQuestion, answer: str, *, by: str, at: datetime | None) -> None:
    question.answer, question.by, question.answered = answer, by, at
    question.save(update_fields=["answer", "by", "answered"])
    live.tell("cases")
