"""Whom a row is about: linked, made anew, or made anew and asked; and never asked again what was answered."""

from dataclasses import replace

import pytest

from epipolis.core.models import AuditEntry
from epipolis.sense.people import queries, services
from epipolis.sense.people.models import MatchKey, MatchQuestion, Merge, Person
from epipolis.sense.people.services.rows import PersonRow

from .factories import AT, ana, person

pytestmark = pytest.mark.django_db
ANA = PersonRow(
    given_name="Ana",
    family_name="Torres",
    birth=(1980, 5, 17),
    sex="F",
    phones=("+999 12-345 678",),
    address="12 Quay Street",
)
LIKELY = replace(ANA, given_name="Anna", phones=(), address="")


def match(row, **options):
    return services.match_person(row, by="clerk", at=AT, **options)


def test_a_row_that_says_nothing_new_is_the_person_who_is_held():
    held = ana()

    found = match(replace(ANA, identifiers=(("north office", "7"),)))

    assert (found.person, found.holder, found.band, found.is_new, found.question) == (held.id, held.id, "linked", False, None)
    assert match(replace(ANA, given_name="Eva", identifiers=(("north office", "7"),))).person == held.id


def test_a_row_that_says_something_new_is_kept_for_itself_and_linked():
    held = ana()

    found = match(replace(ANA, given_name="Anna", phones=("+999 12-345 678", "555 000 111")))

    assert (found.holder, found.band, found.is_new) == (held.id, "linked", True)
    assert queries.same_person(held.id) == (held.id, found.person)
    merge = Merge.objects.get()
    assert (merge.loser_id, merge.winner_id, merge.automatic, merge.undone_at) == (found.person, held.id, True, None)
    assert {"given", "birth", "phone"} <= {field for field, _level, _bits in merge.evidence}


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"given_name": "小明", "family_name": "王"}, {"given_name": "Xiaoming", "family_name": "Wang"}),
        ({"given_name": "Ana", "family_name": "Torres"}, {"given_name": "Torres", "family_name": "Ana"}),
        ({"given_name": "Сергей", "family_name": "Иванов"}, {"given_name": "Sergey", "family_name": "Ivanov"}),
        ({"given_name": "Jürgen", "family_name": "Müller"}, {"given_name": "Juergen", "family_name": "Mueller"}),
        ({"given_name": "Ana", "family_name": "Torres"}, {"given_name": "ANA", "family_name": "Tores"}),
    ],
)
def test_names_in_any_script_and_order_are_linked_where_the_rest_agrees(held, said):
    known = person(**held, birth=(1980, 5, 17), sex="F", phones=["+999 12-345 678"])

    found = match(PersonRow(**said, birth=(1980, 5, 17), sex="F", phones=("+999 12-345 678",)))

    assert (found.band, found.holder) == ("linked", known.id)


def test_a_row_that_may_be_somebody_known_is_made_anew_and_asked_without_a_stop():
    held = ana()

    found = match(LIKELY)

    question = MatchQuestion.objects.get(id=found.question)
    assert (found.band, found.is_new, found.person == found.holder) == ("asked", True, True)
    assert {question.person_id, question.candidate_id} == {found.person, held.id}
    assert (question.answered, question.rule.startswith("person_matching ")) == (None, True)
    assert "Torres" not in str(question.evidence)


def test_somebody_else_is_new():
    ana()

    found = match(PersonRow(given_name="Li", family_name="Wu", birth=(1990, 1, 2)))

    assert (found.band, found.score, MatchQuestion.objects.count(), Person.objects.count()) == ("new", 0.0, 0, 2)


@pytest.mark.parametrize("twin", [{"given_name": "Elena"}, {"given_name": "Luis", "sex": "M"}])
def test_twins_under_one_roof_stay_two_people(twin):
    ana()

    assert match(replace(ANA, **twin)).band != "linked"


def test_a_number_of_the_person_decides_against_all_spellings():
    held = ana()

    found = match(PersonRow(identifiers=(("national_id", "a1234 56789"),), given_name="Annie", birth=(1981, None, None)))

    assert (found.person, found.band, found.is_new, found.is_by_evidence) == (held.id, "linked", False, False)


def test_two_numbers_of_a_person_that_differ_are_two_people():
    ana()

    assert match(replace(ANA, identifiers=(("national_id", "Z987654321"),))).band == "new"


def test_of_two_people_with_one_number_it_is_asked_and_the_second_is_kept():
    held = ana()
    other = PersonRow(
        identifiers=(("national_id", "A123456789"), ("lab", "7")), given_name="Kofi", family_name="Mensah", birth=(1955, 1, 2)
    )

    first, again = match(other), match(other)

    assert (first.band, first.is_new, first.person != held.id) == ("asked", True, True)
    assert (again.person, again.band, again.is_new) == (first.person, "linked", False)
    assert MatchQuestion.objects.count() == 1


def test_a_row_whose_two_numbers_belong_to_two_rows_asks_once_whether_they_are_one():
    held, other = ana(), person(("lab", "7"), given_name="Ana", family_name="Torres")
    row = PersonRow(identifiers=(("national_id", "A123456789"), ("lab", "7")))

    found = [match(row).person for _ in range(2)]

    asked = MatchQuestion.objects.get()
    assert (found, {asked.person_id, asked.candidate_id}) == ([other.id, other.id], {held.id, other.id})


def test_what_was_answered_is_never_asked_again():
    held = ana()
    row = replace(LIKELY, identifiers=(("north office", "7"),))
    first = match(row)
    services.answer_question(first.question, False, by="clerk", at=AT)

    again, copied = match(row), match(replace(row, identifiers=(("south office", "1"),)))

    assert (again.person, copied.person, copied.band) == (first.person, first.person, "linked")
    assert (MatchQuestion.objects.count(), queries.same_person(held.id)) == (1, (held.id,))


@pytest.mark.parametrize("answer", [None, True, False])
def test_the_same_message_again_asks_nothing_new_whatever_was_answered(answer):
    held = ana()
    first = match(LIKELY)
    if answer is not None:
        services.answer_question(first.question, answer, by="clerk", at=AT)

    again = [match(LIKELY) for _ in range(3)]

    assert {(one.person, one.band) for one in again} == {(first.person, "linked")}
    assert again[0].holder == (held.id if answer else first.person)
    assert (MatchQuestion.objects.count(), Person.objects.count()) == (1, 2)


def test_who_was_told_apart_is_asked_rather_than_taken_by_a_hair():
    one = person(given_name="Ana", family_name="Torres", birth=(1980, 5, 17), sex="F", phones=["111 222 333"])
    other = person(given_name="Ana", family_name="Torres", birth=(1980, 5, 17), sex="F", phones=["444 555 666"])
    merge = services.merge_people(one.id, other.id, reason="by mistake", by="clerk", at=AT)
    services.unmerge_people(merge.id, reason="two people", by="clerk", at=AT)

    found = match(
        PersonRow(given_name="Ana", family_name="Torres", birth=(1980, 5, 17), sex="F", phones=("111 222 333", "444 555 666"))
    )

    assert found.band == "asked"


def test_who_could_both_be_the_person_of_a_row_may_be_one():
    doubles = [ana(), person(given_name="Ana", family_name="Torres", birth=(1980, 5, 17), sex="F", phones=["+999 12-345 678"])]

    found = [match(replace(ANA, address="")) for _ in range(2)]

    asked = MatchQuestion.objects.get()
    assert {asked.person_id, asked.candidate_id} == {one.id for one in doubles}
    assert {one.band for one in found} == {"linked"}


def test_simulated_people_are_never_real_ones():
    ana()

    assert match(replace(ANA, simulated=True)).band == "new"


def test_rows_of_one_batch_find_each_other():
    rows = [
        ANA,
        replace(ANA, given_name="Anna", phones=("555 000 111",)),
        PersonRow(given_name="Li"),
        PersonRow(given_name="Li"),
    ]

    found = services.match_people(rows, by="clerk", at=AT)

    assert [one.band for one in found] == ["new", "linked", "new", "new"]
    assert found[1].holder == found[0].person


def test_without_matching_only_numbers_count():
    ana()

    assert match(ANA, match=False).band == "new"
    assert match(replace(ANA, identifiers=(("national_id", "A123456789"),)), match=False).band == "linked"


def test_a_bad_row_is_named_and_nothing_is_stored():
    with pytest.raises(services.PersonError) as refused:
        services.match_people([ANA, replace(ANA, sex="?")], by="clerk", at=AT)

    assert (refused.value.row, Person.objects.count()) == (1, 0)


def test_erased_people_take_no_part():
    services.erase_person(ana().id, by="clerk", at=AT, reason="asked")

    assert (match(ANA).band, MatchKey.objects.filter(person__erased__isnull=False).count()) == ("new", 0)


def test_a_correction_is_found_by_what_holds_now():
    held = person(given_name="Eva", family_name="Wrong", birth=(1980, 5, 17), sex="F", phones=["+999 12-345 678"])
    services.correct_person(held.id, {"given_name": "Ana", "family_name": "Torres"}, by="clerk", at=AT)

    assert match(replace(ANA, address="")).holder == held.id


def test_missing_keys_are_made_by_the_job_once():
    held = ana()
    MatchKey.objects.all().delete()
    Person.objects.update(keyed=0)

    assert (match(replace(ANA, phones=("1234",))).band, services.make_missing_keys(), services.make_missing_keys()) == (
        "new",
        1,
        0,
    )
    assert MatchKey.objects.filter(person=held).exists()


def test_keys_say_nothing_without_the_secret():
    ana()

    assert all(abs(key) > 2**32 for key in MatchKey.objects.values_list("key", flat=True))


def test_matching_is_written_down_without_names():
    ana()
    match(LIKELY)

    entry = AuditEntry.objects.filter(action="people.register").latest("id")
    assert (entry.detail["created"], entry.detail["asked"], "Torres" in str(entry.detail)) == (1, 1, False)
