from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import translation
from django.utils.translation import gettext

from epipolis.core import audit, clock
from epipolis.core.models import AuditEntry, DeviceToken
from epipolis.sense.people import queries
from epipolis.sense.people.queries import looks
from epipolis.sense.people.services import codes

from .factories import AT, NOBODY, ana, person

pytestmark = pytest.mark.django_db


def reads(someone):
    return [(entry.actor, entry.detail["why"]) for entry in queries.reads_of(someone.id)]


def test_each_name_that_is_read_is_written_down():
    one, other = ana(), person(given_name="Eva")

    names = queries.named([one.id, other.id, one.id], by="tracer-1", at=AT, why="contacts")

    assert {key: str(name) for key, name in names.items()} == {one.id: "Ana Torres", other.id: "Eva"}
    assert [reads(one), reads(other)] == [[("tracer-1", "contacts")]] * 2


def test_where_there_is_no_name_nothing_was_seen():
    nameless = person(("file", "1"))

    names = queries.named([nameless.id, uuid4()], by="tracer-1", at=AT, why="contacts")

    assert (list(names), bool(names[nameless.id]), reads(nameless)) == ([nameless.id], False, [])


def test_names_are_read_in_three_questions_however_many(django_assert_num_queries):
    people = [person(given_name=f"N{number}").id for number in range(30)]

    with django_assert_num_queries(3):
        assert len(queries.named(people, by="tracer-1", at=AT, why="contacts")) == 30


def test_a_record_is_opened_with_masked_numbers_and_a_trace():
    made = ana()

    record = queries.record_of(made.id, by="tracer-1", at=AT, why="person")

    assert (record.name.full, record.birth_text, record.phones) == ("Ana Torres", "1980-05-17", ("+999 12-345 678",))
    assert record.identifiers == (("national_id", "•••••••789"),)
    assert reads(made) == [("tracer-1", "person")]


@pytest.mark.parametrize(
    ("value", "masked"),
    [("A123456789", "•••••••789"), ("123", "••••"), ("", "••••"), ("123456", "••••••"), ("x" * 64, "••••••••xxx")],
)
def test_a_number_shows_its_last_characters_only_when_enough_stays_hidden(value, masked):
    assert queries.mask(value) == masked


@pytest.mark.parametrize(
    ("birth", "text"),
    [
        ((None,) * 3, ""),
        ((1980, None, None), "1980"),
        ((1980, 5, None), "1980-05"),
        ((None, 5, 17), "?-05-17"),
        ((1980, None, 7), "1980-?-07"),
    ],
)
def test_a_birth_date_is_shown_as_far_as_it_is_known(birth, text):
    assert queries.record_of(person(birth=birth).id, by="x", at=AT, why="person").birth_text == text


@pytest.mark.parametrize(
    "text",
    [
        "A123456789",
        "a123 456 789",
        "Ａ１２３４５６７８９",
        "+999 12 345 678",
        "99912345678",
        "(999)12-345-678",
        "ANA@example.org",
        "Ana Torres",
        "torres ana",
        "TorresAna",
    ],
)
def test_a_person_is_found_by_number_phone_mail_and_whole_name(text):
    made = ana()
    person(given_name="Eva", family_name="Torres", phones=["+999 12-345 679"])

    assert queries.search(text, by="tracer-1", at=AT) == [made]


def test_a_person_is_found_by_the_records_own_number():
    made = ana()

    assert queries.search(str(made.id), by="tracer-1", at=AT) == [made]


@pytest.mark.parametrize(
    "text", ["Ana", "Torres", "12345678", "", "   ", "\0", "a\0b", "x" * 10_000, NOBODY, "%", "' OR 1=1 --", "12"]
)
def test_what_is_not_exactly_known_finds_nobody(text):
    ana()

    assert queries.search(text, by="tracer-1", at=AT) == []


def test_a_search_is_written_down_without_its_text():
    ana()

    queries.search("Ana Torres", by="tracer-1", at=AT)

    entry = AuditEntry.objects.filter(action="people.search").get()
    assert (entry.actor, entry.detail, entry.subject) == ("tracer-1", {"hits": 1}, "")


def test_a_name_that_many_share_gives_the_newest_fifty():
    for _ in range(55):
        person(given_name="Li", family_name="Wei")

    assert len(queries.search("Li Wei", by="tracer-1", at=AT)) == 50


def test_looks_are_told_in_plain_words_by_role(staff):
    made = ana()
    tracer, scanner = staff("tracer", name="t.chen"), DeviceToken(name="lab system")
    for minutes, (by, why) in enumerate(
        [(tracer, "contact"), (scanner, "api"), ("platform", "tracing"), (tracer, "told by phone")]
    ):
        audit.record_read(made.id, by=by, at=AT + timedelta(minutes=minutes), why=why)

    looks = [(look.who, look.why) for look in queries.looks_at(made.id)]

    assert looks == [
        ("a contact tracer", "told by phone"),
        ("a member of the city's staff", "worked on finding who may have been exposed"),
        ("a device or partner system of the city", "another system of the city asked for your record"),
        ("a contact tracer", "opened your entry to call you about a possible exposure"),
    ]


def test_looks_for_one_reason_on_one_day_are_one_line_with_every_number(staff):
    made, tracer = ana(), staff("tracer", name="t.chen")
    midnight = clock.start_of(clock.local_day(AT) + timedelta(days=1))
    for moment, why in [(AT, "contact"), (AT, "order"), (AT + timedelta(minutes=9), "contact"), (midnight, "contact")]:
        audit.record_read(made.id, by=tracer, at=moment, why=why)

    looks = queries.looks_at(made.id)
    lines = queries.by_day(looks)

    assert [(line.why[:17], line.first, line.last, len(line.references)) for line in lines] == [
        ("opened your entry", midnight, midnight, 1),
        ("opened your entry", AT, AT + timedelta(minutes=9), 2),
        ("opened your order", AT, AT, 1),
    ]
    assert sorted(one for line in lines for one in line.references) == sorted(look.reference for look in looks)


def test_a_person_who_does_not_exist_has_no_record_and_leaves_no_trace():
    assert queries.record_of(UUID(NOBODY), by="x", at=AT, why="person") is None
    assert queries.what_is_held(UUID(NOBODY)) is None
    assert AuditEntry.objects.count() == 0


def test_people_are_listed_in_the_order_in_which_they_became_known():
    made = [person().id for _ in range(3)]

    assert (set(queries.person_ids()), list(queries.person_ids(AT + timedelta(days=1)))) == (set(made), [])


@pytest.mark.parametrize("language", ["zh-hant", "es"])
def test_every_reason_role_and_refusal_is_told_in_the_citizens_language(language):
    texts = [*looks.WHY.values(), *looks.ROLES.values(), codes.OPENS_NOTHING, codes.LOCKED]

    with translation.override(language):
        untold = [text for text in texts if gettext(text) == text]

    assert untold == []
