import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from epipolis.engines.linkage import (
    FIELDS,
    MISSING,
    SCHEMA,
    Record,
    compare,
    compare_pairs,
    compare_with,
    frequencies_of,
    level_name,
    read,
    records_of,
    table_of,
)
from epipolis.engines.linkage.pair_levels import typing_errors

ANA = Record(
    "Ana",
    "Torres",
    1990,
    5,
    3,
    "F",
    ("0912 345 678",),
    ("ana@post.example",),
    "12 Mill Road",
    "North",
    (("national_id", "A12345"),),
)

texts = st.text(max_size=12)
records = st.builds(
    Record,
    given=texts,
    family=texts,
    birth_year=st.none() | st.integers(1880, 2026),
    birth_month=st.none() | st.integers(1, 12),
    birth_day=st.none() | st.integers(1, 31),
    sex=st.sampled_from(("", "F", "M", "X")),
    phones=st.lists(texts, max_size=4).map(tuple),
    emails=st.lists(texts, max_size=3).map(tuple),
    address=texts,
    neighbourhood=texts,
    identifiers=st.lists(st.tuples(texts, texts), max_size=5).map(tuple),
)


def words(left, right):
    return {name: level_name(name, int(level)) for name, level in zip(FIELDS, compare(left, right), strict=True)}


@pytest.mark.parametrize(
    ("field", "change", "expected"),
    [
        ("given", {"given": "ANA"}, "same"),
        ("given", {"given": "Ann"}, "near"),
        ("given", {"given": "A."}, "part"),
        ("given", {"given": "Ana María"}, "part"),
        ("given", {"given": "Анна"}, "other spelling"),
        ("given", {"given": "Wolfgang"}, "different"),
        ("given", {"given": ""}, ""),
        ("family", {"family": "Tores"}, "other spelling"),
        ("family", {"family": "Torrse"}, "near"),
        ("family", {"family": "Torres López"}, "part"),
        ("birth", {"birth_day": None}, "part"),
        ("birth", {"birth_month": None, "birth_day": None}, "part"),
        ("birth", {"birth_year": 1991, "birth_month": None, "birth_day": None}, "close"),
        ("birth", {"birth_month": 3, "birth_day": 5}, "near"),
        ("birth", {"birth_day": 13}, "near"),
        ("birth", {"birth_year": 1909}, "near"),
        ("birth", {"birth_year": 1955}, "different"),
        ("birth", {"birth_year": None, "birth_month": None, "birth_day": None}, ""),
        ("sex", {"sex": "M"}, "different"),
        ("sex", {"sex": "X"}, ""),
        ("phone", {"phones": ("+886 912-345-678", "555 1234")}, "same"),
        ("phone", {"phones": ("0912 345 687",)}, "near"),
        ("phone", {"phones": ("0955 000 111",)}, "different"),
        ("phone", {"phones": ("12",)}, ""),
        ("email", {"emails": (" ANA@post.example",)}, "same"),
        ("address", {"address": "Mill Rd. 12"}, "same"),
        ("address", {"address": "14 Mill Road"}, "near"),
        ("address", {"address": "12 Harbour View"}, "different"),
        ("neighbourhood", {"neighbourhood": "South"}, "different"),
        ("identifier", {"identifiers": (("national_id", "a-12345"),)}, "same"),
        ("identifier", {"identifiers": (("national_id", "A12354"),)}, "near"),
        ("identifier", {"identifiers": (("national_id", "B99999"),)}, "different"),
        ("identifier", {"identifiers": (("passport", "A12345"),)}, ""),
        ("identifier", {"identifiers": (("national_id", "A12345"), ("passport", "1"))}, "same"),
    ],
)
def test_each_field_has_its_levels(field, change, expected):
    fields = {name: getattr(ANA, name) for name in SCHEMA.names} | change

    assert words(ANA, Record(**fields))[field] == expected


def test_a_number_that_agrees_beside_one_that_contradicts_has_to_be_looked_at():
    left = Record(identifiers=(("national_id", "A12345"), ("passport", "X1000")))
    right = Record(identifiers=(("national_id", "A12345"), ("passport", "Z2222")))

    assert words(left, right)["identifier"] == "near"


def test_exchanged_names_agree_and_are_told():
    found = words(ANA, Record("Torres", "Ana"))

    assert (found["given"], found["family"], found["order"]) == ("same", "same", "swapped")


def test_a_name_in_another_script_and_order_agrees():
    found = words(Record("小明", "王"), Record("Wang", "Hsiao-ming"))

    assert (found["given"], found["family"], found["order"]) == ("other spelling", "same", "swapped")


def test_a_common_name_says_less():
    common = frequencies_of(["Ana"] * 50 + [f"Name {number}" for number in range(50)])

    assert level_name("given", int(compare(ANA, ANA, common)[0])) == "same, common"
    assert level_name("given", int(compare(ANA, ANA)[0])) == "same"


def test_tables_and_single_records_have_the_same_levels():
    others = [Record("Anna", "Torres", 1990), Record("王", "小明", phones=("0912345678",)), Record()]

    by_table = compare_pairs(table_of([ANA] * 3), table_of(others))
    by_pairs = compare_pairs(table_of([ANA]), read(others), ([0, 0, 0], [0, 1, 2]), workers=2)

    assert by_table.tolist() == compare_with(ANA, others).tolist() == by_pairs.tolist()
    assert list(records_of(table_of(others))) == others


def test_many_pairs_on_two_workers_are_as_one_by_one():
    forms = read([ANA, Record("Ana", "Torre"), Record("Eva")])
    pairs = np.arange(50_000) % 3, np.arange(50_000) // 3 % 3

    assert (compare_pairs(forms, forms, pairs, workers=2) == compare_pairs(forms, forms, pairs)).all()


def test_pairs_that_are_not_there_are_refused_with_their_number():
    with pytest.raises(ValueError, match="the right table has no row 7"):
        compare_pairs(table_of([ANA]), table_of([ANA]), ([0], [7]))
    with pytest.raises(ValueError, match="name the pairs"):
        compare_pairs(table_of([ANA]), table_of([ANA, ANA]))
    with pytest.raises(ValueError, match="no column that describes a person"):
        read(table_of([ANA]).select([]))


@settings(deadline=None)
@given(st.text("abcdeé", max_size=24), st.text("abcdeé", max_size=24))
def test_typing_errors_are_counted_as_others_count_them(left, right):
    ours, theirs = (np.array(list(text.encode("latin-1")), np.uint8) for text in (left, right))

    assert typing_errors(ours, theirs, 2) == min(OSA.distance(left, right), 3)


@settings(deadline=None)
@given(records, records)
def test_any_two_records_compare_the_same_in_both_orders(left, right):
    levels = compare(left, right)

    assert levels.tolist() == compare(right, left).tolist()
    assert (levels >= MISSING).all()


@settings(deadline=None)
@given(records)
def test_a_record_never_contradicts_itself(record):
    levels = compare(record, record)

    assert not (levels == 0).any()
