"""Two at once: imports of the same people, one number twice, a merge while a message arrives, merges in a circle."""

import threading
from dataclasses import replace
from random import Random

import pytest
from django.db import connections, transaction

from epipolis.core.imports import ImportOptions
from epipolis.sense.people import queries, services
from epipolis.sense.people.models import MatchQuestion, Merge, Person
from epipolis.sense.people.services.rows import PersonRow

from .factories import AT, ana, person

pytestmark = pytest.mark.django_db(transaction=True)
ANA = PersonRow(given_name="Ana", family_name="Torres", birth=(1980, 5, 17), sex="F", phones=("+999 12-345 678",))


def at_once(*work):
    """Do all of this at the same moment; what was raised is raised here."""
    start, errors = threading.Barrier(len(work)), []

    def run(one):
        start.wait()
        try:
            one()
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_two_imports_of_the_same_people_at_once_make_no_doubles(tmp_path):
    draw = Random(5)  # noqa: S311 -- invented people
    words = ["".join(draw.choices("bcdfghjklmnprstvwz", k=3) + draw.choices("aeiou", k=3)) for _ in range(600)]
    rows = "".join(
        f"{n},{words[n].title()},{words[n + 300].title()},{draw.randint(1930, 2015)}-{draw.randint(10, 12)}-"
        f"{draw.randint(10, 28)},F,09{draw.randint(10**7, 10**8 - 1)}\n"
        for n in range(300)
    )
    for office in ("north", "south"):
        (tmp_path / f"{office}.csv").write_text("number,given_name,family_name,birth_date,sex,phone\n" + rows)

    def take(office):
        options = ImportOptions(by="clerk", at=AT, source=office)
        return lambda: services.import_people(tmp_path / f"{office}.csv", options)

    at_once(take("north"), take("south"))

    assert Person.objects.filter(merged_into=None).count() == 300
    assert MatchQuestion.objects.count() == 0


def test_the_same_message_twice_at_once_is_one_person():
    found = []

    at_once(*[lambda: found.append(services.match_person(ANA, by="lab", at=AT))] * 4)

    assert (len(found), len({one.holder for one in found}), Person.objects.count()) == (4, 1, 1)


def test_one_national_number_from_two_sides_at_once_is_one_person():
    found = []
    row = PersonRow(identifiers=(("national_id", "A123456789"),), given_name="Ana")

    at_once(*[lambda: found.append(services.match_person(row, by="lab", at=AT))] * 4)

    assert (len({one.holder for one in found}), Person.objects.count()) == (1, 1)


def test_who_looks_for_the_same_person_waits_until_the_first_has_stored():
    first_is_done, found = threading.Event(), []

    def first():
        with transaction.atomic():
            services.match_person(ANA, by="lab", at=AT)
            second.start()
            second.join(0.5)
            assert second.is_alive()
            first_is_done.set()

    def look():
        try:
            found.append((services.match_person(ANA, by="lab", at=AT), first_is_done.is_set()))
        finally:
            connections.close_all()

    second = threading.Thread(target=look)
    first()
    second.join()

    assert [(one.band, was_done) for one, was_done in found] == [("linked", True)]


def test_a_merge_while_messages_arrive_loses_none_of_them():
    held, other = ana(), person(("lab", "7"), given_name="Ann", family_name="Thorres", birth=(1980, 5, 17))
    row = replace(ANA, identifiers=(("lab", "7"),))
    found = []

    def messages():
        for _ in range(10):
            found.append(services.match_person(row, by="lab", at=AT).person)

    def merge():
        for _ in range(5):
            made = services.merge_people(other.id, held.id, reason="same card", by="clerk", at=AT)
            services.unmerge_people(made.id, reason="not the same", by="clerk", at=AT)
        services.merge_people(other.id, held.id, reason="same card", by="clerk", at=AT)

    at_once(messages, merge)

    assert set(found) == {other.id}  # facts stay with the row to which they came, merged or not
    assert queries.same_person(other.id) == (held.id, other.id)


def test_merges_in_a_circle_at_once_make_no_circle():
    one, two, three = (person(given_name=name) for name in "ABC")

    refused = []

    def merge(loser, winner):
        def work():
            try:
                services.merge_people(loser.id, winner.id, reason="x", by="clerk", at=AT)
            except services.PersonError as error:
                refused.append(error.field)

        return work

    at_once(merge(one, two), merge(two, three), merge(three, one))

    assert len(queries.same_person(one.id)) == 3
    assert (Merge.objects.count(), refused) == (2, ["winner"])


def test_somebody_who_is_erased_while_a_row_is_linked_takes_no_part():
    held = ana()
    at_once(
        lambda: services.erase_person(held.id, by="clerk", at=AT, reason="asked"),
        lambda: services.match_people(
            [replace(ANA, phones=("+999 12-345 678", str(n) * 7)) for n in range(1, 6)], by="x", at=AT
        ),
    )

    holders = set(queries.holding(list(Person.objects.filter(erased=None).values_list("id", flat=True))).values())
    linked_before = Merge.objects.filter(winner=held).exists()
    assert (held.id in holders) == linked_before
