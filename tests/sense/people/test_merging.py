"""Two rows become one person and two again: nothing of any module moves, everything shows one, and it is remembered."""

from uuid import UUID

import pytest
from django.apps import apps
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epipolis.core.models import AuditEntry
from epipolis.core.sealing import unseal
from epipolis.sense.cases.models import DuplicateQuestion
from epipolis.sense.people import queries, services
from epipolis.sense.people.models import MatchQuestion, Merge, Person
from tests.understand.tracing import factories as city

from .factories import AT, NOBODY, ana, person

pytestmark = pytest.mark.django_db
# What tells of the merge itself: who did it, that two were told apart, that a question between their cases was withdrawn.
_TRACES = {"people.Merge", "people.MatchQuestion", "core.AuditEntry", "cases.DuplicateQuestion"}


def merge(loser, winner, reason="the same card"):
    return services.merge_people(loser.id, winner.id, reason=reason, by="clerk", at=AT)


def unmerge(made, reason="two cards"):
    return services.unmerge_people(made.id, reason=reason, by="clerk", at=AT)


def everything():
    """Every row of every table of every module."""
    models = [one for one in apps.get_models() if one.__module__.startswith("epipolis.") and one._meta.label not in _TRACES]
    return {one._meta.label: sorted(map(repr, one.objects.values_list())) for one in models}


def test_merged_rows_are_shown_as_one_person_everywhere():
    held = ana()
    other = person(("lab", "7"), given_name="Annie", family_name="Thorres", phones=["555 000 111"], emails=["a@b.c"])
    merge(other, held)

    record = queries.record_of(other.id, by="clerk", at=AT, why="person")
    names = queries.named([held.id, other.id], by="clerk", at=AT, why="cases")

    assert (record.id, record.merged, record.name.full) == (held.id, (other.id,), "Ana Torres")
    assert record.phones == ("+999 12-345 678", "555 000 111")
    assert {kind for kind, _masked in record.identifiers} == {"national_id", "lab"}
    assert {str(name) for name in names.values()} == {"Ana Torres"}
    for text in ("Annie Thorres", "555000111", "A123456789", str(other.id)):
        assert [one.id for one in queries.search(text, by="clerk", at=AT)] == [held.id], text


def test_what_the_holder_lacks_comes_from_the_others():
    held, other = person(("lab", "7")), ana()
    merge(other, held)

    record = queries.record_of(held.id, by="clerk", at=AT, why="person")

    assert (record.id, record.name.full, record.birth_text, record.sex) == (held.id, "Ana Torres", "1980-05-17", "F")
    assert queries.named([held.id], by="clerk", at=AT, why="cases")[held.id].phone == "+999 12-345 678"
    # The look is written where the name stood, and the person sees it from both.
    assert len(queries.looks_at(held.id)) == len(queries.looks_at(other.id)) == 2


def test_a_citizen_sees_all_that_was_merged():
    held, other = ana(), person(given_name="Annie", phones=["555 000 111"])
    merge(other, held)
    code = services.issue_return_code(other.id, by="clerk", at=AT)

    held_about = queries.what_is_held(services.open_return_code(code, at=AT))

    assert [one["given_name"] for one in held_about["merged"]] == ["Ana", "Annie"]
    assert held_about["phones"] == ["+999 12-345 678", "555 000 111"]


def test_merges_stand_in_a_tree_and_are_undone_in_any_order():
    one, two, three, four = (person(given_name=name) for name in ("A", "B", "C", "D"))
    first, second, _third = merge(one, two), merge(three, four), merge(two, four)

    assert set(queries.same_person(one.id)) == {one.id, two.id, three.id, four.id}
    assert queries.holding([one.id, three.id]) == {one.id: four.id, three.id: four.id}
    unmerge(first)
    assert (queries.same_person(one.id), set(queries.same_person(two.id))) == ((one.id,), {four.id, two.id, three.id})
    unmerge(second)
    assert set(queries.same_person(four.id)) == {four.id, two.id}


def test_merging_a_row_that_was_merged_moves_all_that_it_belongs_to():
    one, two, three = (person(given_name=name) for name in ("A", "B", "C"))
    merge(one, two)

    made = merge(one, three)

    assert (made.loser_id, made.winner_id, queries.same_person(one.id)[0]) == (two.id, three.id, three.id)


def test_two_who_are_one_already_and_a_person_with_themselves_are_not_merged():
    one, two = person(), person()
    merge(one, two)

    for loser, winner in ((one, two), (two, one), (one, one)):
        with pytest.raises(services.PersonError):
            merge(loser, winner)
    assert Merge.objects.count() == 1


def test_erased_unknown_and_reasonless_merges_are_refused():
    one, two = person(), person(given_name="Eva")
    services.erase_person(two.id, by="clerk", at=AT, reason="asked")

    with pytest.raises(LookupError):
        merge(one, two)
    with pytest.raises(LookupError):
        services.merge_people(one.id, UUID(NOBODY), reason="x", by="clerk", at=AT)
    for reason in ("", "  ", "x" * 201, "\0"):
        with pytest.raises(services.PersonError):
            merge(one, person(), reason)
    assert Merge.objects.count() == 0


def test_a_merge_is_undone_once_and_remembered():
    one, two = person(), person()
    made = merge(one, two)
    unmerge(made)

    with pytest.raises(services.PersonError):
        unmerge(made)
    with pytest.raises(LookupError):
        services.unmerge_people(2**40, reason="x", by="clerk", at=AT)
    made.refresh_from_db()
    assert (made.undone_by, made.undone_reason) == ("clerk", "two cards")
    assert queries.told_apart([one.id, two.id]) == {frozenset((one.id, two.id))}


def test_the_answer_same_merges_and_undoing_it_makes_it_different():
    older, newer = person(given_name="A"), person(given_name="B")
    asked = MatchQuestion.objects.create(person=newer, candidate=older, score=3.0, asked=AT)
    services.answer_question(asked.id, True, by="clerk", at=AT)
    services.answer_question(asked.id, True, by="somebody else", at=AT)  # the same again changes nothing

    made = Merge.objects.get()
    assert (made.loser_id, made.winner_id, made.score) == (newer.id, older.id, 3.0)
    with pytest.raises(services.PersonError):
        services.answer_question(asked.id, False, by="clerk", at=AT)
    unmerge(made)
    asked.refresh_from_db()
    assert (asked.answer, queries.count_open_questions(AT)) == ("different", 0)


def test_a_merge_by_hand_answers_what_was_open_between_the_two():
    one, two, three = (person(given_name=name) for name in ("A", "B", "C"))
    between = MatchQuestion.objects.create(person=two, candidate=one, score=3.0, asked=AT)
    beside = MatchQuestion.objects.create(person=two, candidate=three, score=3.0, asked=AT)

    merge(one, two)

    between.refresh_from_db()
    assert (between.answer, [one.id for one in queries.open_questions()]) == ("same", [beside.id])


def test_questions_come_the_likeliest_first_and_what_is_put_off_last():
    first, *others = (person() for _ in range(4))
    asked = [MatchQuestion.objects.create(person=one, candidate=first, score=n, asked=AT) for n, one in enumerate(others)]
    services.put_off_question(asked[2].id, by="clerk", at=AT)

    assert [one.id for one in queries.open_questions()] == [asked[1].id, asked[0].id, asked[2].id]
    with pytest.raises(LookupError):
        services.put_off_question(2**40, by="clerk", at=AT)


def test_erasing_takes_every_row_of_the_person_and_its_questions():
    held, other, third = ana(), person(given_name="Annie", phones=["555 000 111"]), person(given_name="Ann")
    merge(other, held, reason="Ana Torres showed her card")
    MatchQuestion.objects.create(person=third, candidate=other, score=1.0, asked=AT)

    assert services.erase_person(other.id, by="clerk", at=AT, reason="asked")

    erased = Person.objects.filter(erased__isnull=False).values_list("given_name", flat=True)
    assert [unseal(one) for one in erased] == ["", ""]
    assert (MatchQuestion.objects.count(), Merge.objects.get().reason) == (0, "")
    assert services.erase_person(held.id, by="clerk", at=AT, reason="asked") is False


def test_a_record_is_corrected_for_itself():
    held, other = ana(), person(given_name="Annie", phones=["555 000 111"])
    made = merge(other, held)
    services.correct_person(held.id, {"given_name": "Anna"}, by="clerk", at=AT)
    unmerge(made)

    assert queries.what_is_held(held.id)["phones"] == ["+999 12-345 678"]
    assert queries.what_is_held(other.id)["given_name"] == "Annie"


def test_merges_and_answers_are_written_down_for_both():
    one, two = person(), person()
    made = merge(one, two)
    unmerge(made)

    done = ("people.merge", "people.unmerge")
    entries = AuditEntry.objects.filter(action__in=done).values_list("action", "person")
    assert set(entries) == {(action, who.id) for action in done for who in (one, two)}
    assert {entry["action"] for entry in queries.history_of(one.id)} >= set(done)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=6), order=st.randoms())
def test_merging_and_taking_apart_leaves_every_table_of_every_module_as_it_was(deliver_events, pairs, order):
    case, visitor, place = city.meeting()
    people = [Person.objects.get(id=case.person_id)]
    people += [person(given_name=name, phones=["555 000 111"]) for name in ("B", "C", "D", "E")]
    city.link(visitor, people[1])
    city.case(of=people[2], onset=None)
    city.day_visit(people[3], place, 9)
    deliver_events()
    before = everything()
    made = []
    for loser, winner in pairs:
        try:
            made.append(merge(people[loser], people[winner]))
        except services.PersonError:
            continue
    deliver_events()
    order.shuffle(made)
    for one in made:
        unmerge(one)
    deliver_events()

    after = everything()
    assert {name for name in before if before[name] != after[name]} == set()
    still = DuplicateQuestion.objects.filter(answer=DuplicateQuestion.Answer.OPEN, case__person__in=people)
    assert not still.exists(), [(people.index(one.loser), people.index(one.winner)) for one in made]
