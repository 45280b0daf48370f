"""Which illness a report belongs to, and two cases that turn out to be one."""

from datetime import date, timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection

from epipolis.core.models import RulePackRow
from epipolis.sense.cases import queries, services
from epipolis.sense.cases.models import Case, DuplicateQuestion
from epipolis.sense.people.events import PeopleMerged, PeopleUnmerged

from .factories import AT, LATER, case, finding, merged, open_case, somebody, unmerged

FIRST = date(2026, 3, 1)


def report(person, day, *, at=LATER, disease="covid", **facts):
    return services.find_or_report_case(
        person.id, disease, day, {"reported": day} | facts, source="laboratory", by="test", at=at
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("days", "kind"), [(0, "existing"), (-5, "existing"), (90, "existing"), (91, "new"), (-91, "new"), (400, "new")]
)
def test_a_report_within_ninety_days_is_the_same_illness_and_later_another(days, kind):
    person = somebody()
    known = open_case(person=person, onset=FIRST)

    found, told = report(person, FIRST + timedelta(days=days), at=AT + timedelta(days=500))

    assert (told, found.id == known.id) == (kind, kind == "existing")
    assert found.classified == "automatic"


@pytest.mark.django_db
def test_the_nearest_of_two_illnesses_is_meant():
    person = somebody()
    open_case(person=person, onset=FIRST - timedelta(days=85))
    near = open_case(person=person, onset=FIRST)

    assert report(person, FIRST + timedelta(days=2))[0].id == near.id


@pytest.mark.django_db
def test_another_disease_is_another_case_and_another_name_of_the_disease_is_not():
    person = somebody()
    known = open_case(person=person, onset=FIRST)

    assert report(person, FIRST, disease="measles")[1] == "new"
    assert report(person, FIRST, disease="SARS-CoV-2") == (known, "existing")


@pytest.mark.django_db
def test_nobody_falls_ill_again_after_a_death_and_after_an_illness_that_was_none_soon_again():
    dead, well = somebody(), somebody()
    died = open_case(person=dead, onset=FIRST, outcome="died")
    case_ = open_case(person=well, onset=FIRST)
    services.override_classification(case_.id, "not_a_case", reason="negative", by="x", at=LATER)

    later = AT + timedelta(days=500)
    assert report(dead, FIRST + timedelta(days=400), at=later) == (died, "existing")
    assert report(well, FIRST + timedelta(days=14), at=later)[0].id == case_.id
    assert report(well, FIRST + timedelta(days=15), at=later)[1] == "new"


@pytest.mark.django_db
def test_the_interval_is_a_dated_rule_of_the_city():
    content = {"days": 30, "ruled_out_days": 7, "diseases": {"Measles": {"days": 365}}}
    RulePackRow.objects.create(
        name="episode", version="9", jurisdiction="WHO", valid_from=date(2026, 1, 1), source="", content=content, known_at=AT
    )
    person = somebody()
    open_case(person=person, onset=FIRST)
    open_case(person=person, onset=FIRST, disease="measles")

    later = AT + timedelta(days=500)
    assert report(person, FIRST + timedelta(days=31), at=later)[1] == "new"
    assert report(person, FIRST + timedelta(days=300), at=later, disease="measles")[1] == "existing"


@pytest.mark.django_db
def test_the_cases_of_all_rows_of_a_person_count():
    one, other = somebody(), somebody()
    known = open_case(person=other, onset=FIRST)
    merged(one, other)

    assert report(one, FIRST) == (known, "existing")
    assert [found.id for found in queries.cases_of(one.id)] == [known.id] == [found.id for found in queries.cases_of(other.id)]


@pytest.mark.django_db(transaction=True)
def test_two_messages_at_the_same_moment_make_one_case():
    person, start, told = somebody(), Barrier(2), []

    def send():
        start.wait()
        told.append(report(person, FIRST))
        connection.close()

    threads = [Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(kind for _, kind in told) == ["existing", "new"]
    assert Case.objects.count() == 1


def two_records(**facts):
    """Two rows that are found to be one person, each with a case."""
    one, other = somebody(), somebody()
    first = open_case(person=one, onset=FIRST, **facts)
    second = open_case(person=other, onset=FIRST + timedelta(days=5), at=LATER)
    merged(one, other)
    return first, second


def hear(first, second):
    services.on_people_merged(PeopleMerged(first.person_id, second.person_id))


@pytest.mark.django_db
def test_when_people_are_merged_their_near_cases_are_asked_about_once():
    first, second = two_records()

    hear(first, second)
    hear(first, second)

    [question] = queries.duplicate_questions()
    assert (question.case_id, question.candidate_id, question.days_apart) == (first.id, second.id, 5)
    assert queries.count_duplicate_questions(LATER + timedelta(days=5_000)) == 1


@pytest.mark.django_db
def test_cases_far_apart_or_of_two_diseases_are_not_asked_about():
    one, other = somebody(), somebody()
    open_case(person=one, onset=date(2025, 3, 1))
    open_case(person=other, onset=FIRST)
    open_case(person=other, onset=FIRST, disease="measles")
    merged(one, other)

    services.on_people_merged(PeopleMerged(one.id, other.id))

    assert DuplicateQuestion.objects.count() == 0


@pytest.mark.django_db
def test_one_illness_counts_once_and_the_findings_of_both_count_together():
    first, second = two_records()
    finding(second)
    hear(first, second)
    question = queries.duplicate_questions().get()

    services.answer_duplicate(question.id, True, by="registrar", at=LATER)

    first = queries.case(first.id)
    assert queries.case(second.id).same_as == first.id
    assert first.classification == "confirmed"
    assert queries.confirmed_cases().count() == 1
    assert queries.count_waiting(LATER) == 0
    assert [row.id for row in queries.cases_of(first.person_id)] == [first.id]
    assert queries.cases_of(first.person_id, duplicates=True).count() == 2
    assert queries.line_list().count() == 1
    assert [row.id for row in queries.line_list(duplicates=True)] == [second.id]
    assert queries.facts_as_known(LATER).count() == 1
    assert queries.facts_as_known(AT).count() == 1
    assert [row["id"] for row in queries.all_rows(LATER)] == [first.id]
    assert {test.case_id for test in queries.tests_of(first.id)} == {second.id}
    assert queries.duplicate_questions().count() == 0


@pytest.mark.django_db
def test_a_duplicate_can_be_undone_and_nobody_is_asked_again():
    first, second = two_records()
    finding(second)
    hear(first, second)
    services.answer_duplicate(queries.duplicate_questions().get().id, True, by="registrar", at=LATER)

    services.undo_duplicate(second.id, by="registrar", at=LATER)
    services.undo_duplicate(second.id, by="registrar", at=LATER)
    hear(first, second)

    assert queries.case(first.id).classification == "suspected"
    assert queries.case(second.id).classification == "confirmed"
    assert queries.line_list().count() == 2
    assert DuplicateQuestion.objects.get().answer == "different"


@pytest.mark.django_db
def test_two_illnesses_are_remembered():
    first, second = two_records()
    hear(first, second)

    services.answer_duplicate(queries.duplicate_questions().get().id, False, by="registrar", at=LATER)
    hear(first, second)

    assert queries.duplicate_questions().count() == 0
    assert queries.line_list().count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("answered", [True, False])
def test_when_people_are_two_again_so_are_their_illnesses(answered):
    first, second = two_records()
    hear(first, second)
    if answered:
        services.answer_duplicate(queries.duplicate_questions().get().id, True, by="registrar", at=LATER)

    unmerged(somebody_of(second))
    for _ in range(2):
        services.on_people_unmerged(PeopleUnmerged(first.person_id, second.person_id))

    assert queries.case(second.id).same_as is None
    assert DuplicateQuestion.objects.get().answer == "withdrawn"
    merged(somebody_of(first), somebody_of(second))
    hear(first, second)
    assert queries.duplicate_questions().count() == 1


def somebody_of(case_):
    return type(case_.person).objects.get(id=case_.person_id)


@pytest.mark.django_db
def test_what_cannot_be_one_illness_is_refused():
    first, second = two_records()
    stranger, measles = open_case(), open_case(person=somebody_of(first), disease="measles")

    for other in (first, stranger, measles):
        with pytest.raises(services.NotOnePersonError):
            services.mark_duplicate(first.id, other.id, by="x", at=LATER)
    services.mark_duplicate(second.id, first.id, by="x", at=LATER)
    with pytest.raises(services.NotOnePersonError):
        services.mark_duplicate(first.id, second.id, by="x", at=LATER)


@pytest.mark.django_db
def test_who_was_infected_by_a_duplicate_was_infected_by_the_illness():
    first, second = two_records()
    child = case(infected_by=second.id)
    services.mark_duplicate(second.id, first.id, by="x", at=LATER)

    assert [row.id for row in queries.infected_by(first.id)] == [child.id]


@pytest.mark.django_db
def test_a_finding_for_a_duplicate_confirms_the_illness():
    first, second = two_records()
    services.mark_duplicate(second.id, first.id, by="x", at=LATER)

    finding(second)

    assert queries.case(first.id).classification == "confirmed"
    assert queries.case(second.id).classification == "suspected"


@pytest.mark.django_db
def test_what_a_source_confirmed_stays_confirmed_when_it_is_the_later_of_two():
    one, other = somebody(), somebody()
    first = open_case(person=one, onset=FIRST)
    second = services.report_case(
        other.id,
        {"classification": "confirmed", "onset": FIRST},
        disease="covid",
        source="list",
        source_key="",
        by="x",
        at=LATER,
    )
    merged(one, other)
    hear(first, second)

    services.answer_duplicate(queries.duplicate_questions().get().id, True, by="registrar", at=LATER)

    assert queries.case(first.id).same_as == second.id
    assert [row.id for row in queries.confirmed_cases()] == [second.id]
