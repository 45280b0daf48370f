"""Everybody who was not compared when they came is compared later, once, by the rules by which a new row is."""

from dataclasses import replace

import pytest
from django.urls import reverse

from epipolis.core.models import TaskRun
from epipolis.core.work import silent
from epipolis.sense.people import queries, services
from epipolis.sense.people.models import MatchQuestion, Merge, Person
from epipolis.sense.people.services.rows import PersonRow

from .factories import AT

pytestmark = pytest.mark.django_db
ANA = PersonRow(
    given_name="Ana", family_name="Torres", birth=(1980, 5, 17), sex="F", phones=("+999 12-345 678",), address="12 Quay Street"
)
LIKELY = replace(ANA, given_name="Anna", phones=(), address="")


def came_by_number(*rows):
    """People who were registered without being compared."""
    told = [replace(row, identifiers=(*row.identifiers, ("old file", str(at)))) for at, row in enumerate(rows)]
    return [one.person for one in services.match_people(told, by="clerk", at=AT, match=False)]


def look():
    return services.look_for_doubles(silent())


def test_doubles_that_came_by_their_numbers_are_linked_and_asked_about():
    ana, again, likely, _eva = came_by_number(
        ANA, replace(ANA, given_name="Anna"), replace(LIKELY, given_name="Any"), replace(ANA, given_name="Eva")
    )

    found = look()

    assert found["compared"] == 4
    assert set(queries.same_person(ana)) == {ana, again}
    merge = Merge.objects.get()
    assert (merge.automatic, merge.undone_at) == (True, None)
    assert merge.evidence
    asked = {frozenset(pair) for pair in MatchQuestion.objects.values_list("person_id", "candidate_id")}
    assert all(likely in pair for pair in asked)
    assert len(asked) == found["asked"] == 1


def test_a_second_search_finds_nothing_to_do():
    came_by_number(ANA, replace(ANA, given_name="Anna"), LIKELY)
    look()
    before = Merge.objects.count(), MatchQuestion.objects.count()

    assert look() == {"compared": 0, "linked": 0, "asked": 0}
    Person.objects.update(compared=0)  # as if it had been cut off after it was stored
    look()

    assert (Merge.objects.count(), MatchQuestion.objects.count()) == before


def test_who_came_with_matching_is_not_compared_again_and_still_found():
    held = services.match_person(ANA, by="clerk", at=AT).person
    assert queries.count_uncompared() == 0
    [later] = came_by_number(replace(ANA, given_name="Anna"))

    assert queries.count_uncompared() == 1
    assert look()["compared"] == 1
    assert set(queries.same_person(held)) == {held, later}


def test_two_who_were_told_apart_stay_apart():
    first, second = came_by_number(ANA, replace(ANA, given_name="Anna"))
    look()
    services.unmerge_people(Merge.objects.get().id, reason="twins", by="clerk", at=AT)
    Person.objects.update(compared=0)

    look()

    assert queries.same_person(first) == (first,)
    assert queries.same_person(second) == (second,)
    assert not MatchQuestion.objects.filter(answered=None).exists()


def test_people_whose_other_rows_have_unlike_numbers_are_asked_about_and_not_linked():
    anna = replace(ANA, given_name="Anna")
    ana, _ana_too, _anna, anna_too = came_by_number(
        replace(ANA, identifiers=(("national_id", "A111111111"),)),
        ANA,
        anna,
        replace(anna, identifiers=(("national_id", "B999999999"),)),
    )

    look()

    assert anna_too not in queries.same_person(ana)
    assert ana not in queries.same_person(anna_too)


def test_simulated_people_are_never_linked_to_real_ones():
    real, _invented = came_by_number(ANA, replace(ANA, simulated=True))

    look()

    assert queries.same_person(real) == (real,)
    assert not MatchQuestion.objects.exists()


def test_small_portions_find_the_same(monkeypatch):
    people = came_by_number(ANA, replace(ANA, given_name="Anna"), replace(ANA, given_name="ANA"))
    monkeypatch.setattr(
        "epipolis.sense.people.services.doubles.settings", replace(services.doubles.settings, compared_at_once=1)
    )

    assert services.look_by_night() == 3

    assert set(queries.same_person(people[0])) == set(people)


def test_the_search_is_started_from_the_page_of_questions(client, staff):
    came_by_number(ANA)
    client.force_login(staff("registrar"))
    page = client.get(reverse("people:questions")).content.decode()
    assert "Look for doubles among everybody" in page

    answer = client.post(reverse("people:look_for_doubles"))
    client.post(reverse("people:look_for_doubles"))

    run = TaskRun.objects.get(task=services.TASK)
    assert answer["Location"] == reverse("run", kwargs={"run": run.id})


def test_who_may_not_merge_does_not_start_the_search(client, staff):
    client.force_login(staff("analyst"))

    assert client.post(reverse("people:look_for_doubles")).status_code == 403
    assert not TaskRun.objects.exists()
