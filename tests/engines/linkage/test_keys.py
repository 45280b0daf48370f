from dataclasses import replace

import pytest
from hypothesis import given, settings

from epipolis.engines.linkage import Record, blocking_keys, candidate_pairs, common_keys, table_of

from .test_comparing import ANA, records


@pytest.mark.parametrize(
    "changes",
    [
        {"given": "Ann"},
        {"given": "Torres", "family": "Ana"},
        {"family": "Torres López", "phones": ()},
        {"birth_year": 1909, "phones": (), "address": ""},
        {"birth_month": 3, "birth_day": 5, "given": "Wolfgang", "phones": (), "emails": (), "address": "", "identifiers": ()},
        {"given": "", "family": "", "address": ""},
        {"given": "Анна", "family": "Торрес", "birth_year": None, "phones": ()},
        {"identifiers": (("national_id", "a 12345"),), "given": "", "family": "", "phones": (), "emails": ()},
    ],
)
def test_an_error_in_one_field_leaves_a_shared_key(changes):
    assert set(blocking_keys(ANA)) & set(blocking_keys(replace(ANA, **changes)))


def test_strangers_share_no_key():
    stranger = Record("Wolfgang", "Krause", 1961, 2, 4, "M", ("0955 111 222",), ("w@post.example",), "3 Lake Row", "North")

    assert not set(blocking_keys(ANA)) & set(blocking_keys(stranger))


def test_a_record_that_says_nothing_has_no_key():
    assert blocking_keys(Record(sex="F", neighbourhood="North", birth_year=1990)) == []


def test_keys_of_too_many_records_are_told():
    assert common_keys(["a"] * 3 + ["b"] * 2, most=2) == {"a"}


def test_candidates_are_the_rows_that_share_a_key_each_pair_once():
    base = [Record("Eva", "Krause"), ANA, Record()]
    first, second = candidate_pairs(table_of([replace(ANA, given="Ann"), Record("Krause", "Eva")]), table_of(base))

    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 1), (1, 0)]


def test_candidates_within_one_table_are_pairs_of_unlike_rows():
    first, second = candidate_pairs([ANA, Record("Eva", "Krause"), ANA])

    assert (first.tolist(), second.tolist()) == ([0], [2])


def test_a_key_of_more_than_the_most_rows_finds_nothing():
    crowd = [Record("Ana", "Torres")] * 5

    assert len(candidate_pairs([ANA], crowd, most=5)[0]) == 5
    assert len(candidate_pairs([ANA], crowd, most=4)[0]) == 0


@settings(deadline=None)
@given(records)
def test_keys_of_any_record_are_texts_each_once(record):
    keys = blocking_keys(record)

    assert len(set(keys)) == len(keys)
    assert all(key[1] == ":" for key in keys)
