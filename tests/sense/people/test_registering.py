import threading
from datetime import UTC, datetime

import pytest
from django.db import connection, connections

from epipolis.core.models import AuditEntry
from epipolis.sense.people import queries, services
from epipolis.sense.people.models import ContactPoint, Identifier, Person
from epipolis.sense.people.services import PersonError, PersonRow

from .factories import AT, ana, person

pytestmark = pytest.mark.django_db


def test_the_same_number_is_the_same_person():
    first, created = services.find_or_make_person([("file", "P7")], by="clerk", at=AT)
    second, again = services.find_or_make_person([("file", " p7 ")], by="clerk", at=AT)

    assert (first.id, created, again) == (second.id, True, False)


def test_the_same_number_of_another_kind_is_somebody_else():
    assert person(("passport", "7")).id != person(("national_id", "7")).id


def test_without_a_number_everybody_is_new():
    assert person(given_name="Ana").id != person(given_name="Ana").id


def test_somebody_who_is_found_keeps_what_is_held_and_gains_numbers():
    first = person(("file", "P7"), given_name="Ana")
    second = person(("file", "P7"), ("passport", "X1"), given_name="Eva")

    assert first.id == second.id == person(("passport", "x1")).id
    assert str(queries.named([first.id], by="clerk", at=AT, why="case")[first.id]) == "Ana"


def test_numbers_that_disagree_lead_to_the_first_and_move_nothing():
    one, other = person(("passport", "1")), person(("passport", "2"))

    found = person(("passport", "1"), ("passport", "2"))

    assert found.id == one.id
    assert Identifier.objects.get(person=other).kind == "passport"


def test_names_numbers_and_addresses_are_never_stored_in_clear():
    ana()

    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(p)::text FROM people_person p")
        rows = [row for (row,) in cursor]
        for table in ("people_identifier", "people_contactpoint"):
            cursor.execute(f"SELECT row_to_json(t)::text FROM {table} t")  # noqa: S608 -- two fixed names
            rows += [row for (row,) in cursor]
    stored = " ".join([*rows, *(f"{entry.subject} {entry.detail}" for entry in AuditEntry.objects.all())]).casefold()

    clear = ["ana", "torres", "a123456789", "345678", "345 678", "example.org", "quay"]
    hidden = [text for text in clear if text in stored or text.encode().hex() in stored]
    assert hidden == []


@pytest.mark.parametrize(
    "birth",
    [(None, None, None), (1980, None, None), (1980, 5, None), (1980, 5, 17), (None, 5, 17), (None, 2, 29), (1880, None, 31)],
)
def test_a_birth_date_may_lack_any_part(birth):
    made = person(birth=birth)

    made.refresh_from_db()
    assert (made.birth_year, made.birth_month, made.birth_day) == birth


@pytest.mark.parametrize("sex", ["F", "M", "X", ""])
def test_every_sex_and_none_is_normal(sex):
    assert person(sex=sex).sex == sex


LONG = "x" * 151


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"given_name": LONG}, "given_name"),
        ({"family_name": "x" * 10_000_000}, "family_name"),
        ({"given_name": "a\0b"}, "given_name"),
        ({"address": "x" * 301}, "address"),
        ({"birth": (9999, 1, 1)}, "birth_date"),
        ({"birth": (2**31, 1, 1)}, "birth_date"),
        ({"birth": (2**63, 1, 1)}, "birth_date"),
        ({"birth": (1879, None, None)}, "birth_date"),
        ({"birth": (1980, 13, 1)}, "birth_date"),
        ({"birth": (1981, 2, 29)}, "birth_date"),
        ({"birth": (2026, 3, 2)}, "birth_date"),
        ({"birth": (0, 0, 0)}, "birth_date"),
        ({"sex": "Q"}, "sex"),
        ({"language": "en\0"}, "language"),
        ({"language": "<b>"}, "language"),
        ({"phones": ["call me"]}, "phone"),
        ({"phones": ["1" * 21]}, "phone"),
        ({"phones": ["123\0"]}, "phone"),
        ({"emails": ["nobody"]}, "email"),
        ({"emails": ["a b@c"]}, "email"),
    ],
)
def test_a_value_that_breaks_a_rule_is_refused_and_nothing_is_stored(fields, field):
    with pytest.raises(PersonError) as caught:
        person(**fields)

    assert (caught.value.field, Person.objects.count()) == (field, 0)


@pytest.mark.parametrize(
    "identifier", [("", "1"), ("kind", ""), ("k" * 61, "1"), ("kind", "1" * 201), ("kind", "1\0"), ("k\0", "1")]
)
def test_a_number_that_breaks_a_rule_is_refused(identifier):
    with pytest.raises(PersonError):
        person(identifier)


@pytest.mark.parametrize(
    ("given", "family", "full"),
    [
        ("Ana", "Torres", "Ana Torres"),
        ("小明", "王", "王小明"),
        ("민준", "김", "김민준"),
        ("", "Torres", "Torres"),
        ("Madonna", "", "Madonna"),
        ("محمد", "علي", "محمد علي"),
        ("דוד", "כהן", "דוד כהן"),
        ("😀", "Smiley", "😀 Smiley"),
        ("=1+1", "O'Brien-Łódź", "=1+1 O'Brien-Łódź"),
        ("<script>alert(1)</script>", "x", "<script>alert(1)</script> x"),
        ("\u202eevil", "x", "evil x"),
    ],
)
def test_a_name_of_any_script_comes_back_as_it_was(given, family, full):
    made = person(given_name=given, family_name=family)

    assert queries.named([made.id], by="clerk", at=AT, why="case")[made.id].full == full


def test_many_people_are_registered_in_the_order_of_their_rows(django_assert_num_queries):
    known = person(("file", "P3"))
    rows = [PersonRow(identifiers=[("file", f"P{number}")]) for number in [*range(2_000), 5]]

    with django_assert_num_queries(6):  # a savepoint twice, one look-up, two copies, one entry in the trail
        found = services.find_or_make_people(rows, by="clerk", at=AT)

    assert (found[3], found[2_000]) == ((known.id, False), (found[5][0], False))
    assert len({key for key, _ in found}) == Person.objects.count() == 2_000
    assert sum(created for _, created in found) == 1_999


def test_a_bad_row_among_many_is_named_and_nothing_is_stored():
    rows = [PersonRow(given_name="A"), PersonRow(given_name="B", sex="?")]

    with pytest.raises(PersonError) as caught:
        services.find_or_make_people(rows, by="clerk", at=AT)

    assert (caught.value.row, caught.value.field, Person.objects.count()) == (1, "sex", 0)


def test_no_rows_are_nothing():
    assert services.find_or_make_people([], by="clerk", at=AT) == []
    assert AuditEntry.objects.count() == 0


def test_registering_is_written_down_without_a_name():
    made = ana()

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.person, entry.actor) == ("people.register", made.id, "clerk")
    assert entry.detail == {"created": 1, "identifiers": 1}


def test_two_telephones_that_differ_only_in_their_signs_are_one():
    made = person(phones=["+999 123", "999-123", "(999) 123"])

    assert ContactPoint.objects.filter(person=made).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_clerks_who_register_the_same_number_at_once_make_one_person():
    answers, start = [], threading.Barrier(4)

    def register():
        start.wait()
        try:
            for number in range(20):
                rows = [PersonRow(identifiers=[("file", f"{number}-{part}")]) for part in range(5)]
                answers.append(tuple(key for key, _ in services.find_or_make_people(rows, by="clerk", at=AT)))
        finally:
            connections.close_all()

    clerks = [threading.Thread(target=register) for _ in range(4)]
    for clerk in clerks:
        clerk.start()
    for clerk in clerks:
        clerk.join()

    assert (len(answers), len(set(answers)), Person.objects.count()) == (80, 20, 100)


def test_the_day_of_birth_may_be_today_where_the_city_lies():
    # 17:00 in London is already tomorrow in the city of the tests.
    late = datetime(2026, 3, 1, 17, tzinfo=UTC)

    made, _ = services.find_or_make_person([], birth=(2026, 3, 2), by="clerk", at=late)

    assert made.birth_day == 2
