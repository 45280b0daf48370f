import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epipolis.engines.messages import (
    CASE_COLUMNS,
    CaseDocument,
    DocumentTest,
    MessageError,
    Patient,
    loss_rows,
    loss_table,
    lost,
    read_case_fhir,
    read_case_hl7,
    read_cases_csv,
    write_case_fhir,
    write_case_hl7,
    write_cases_csv,
)
from epipolis.engines.messages.loss_tables import full_case, journeys

from .written import message

AT = datetime(2026, 1, 20, 8, 30, tzinfo=UTC)
SMALL = CaseDocument("C-1", "Measles")
DAYS = st.none() | st.dates(min_value=date(2020, 1, 1), max_value=date(2026, 12, 31))
WORDS = st.text(st.sampled_from("aÄ王 |^~\\&;=,\"'<>\n"), max_size=12).map(lambda text: " ".join(text.split()))
ANSWERS = st.lists(
    st.tuples(st.sampled_from(["cough", "fever", "rash"]), st.sampled_from(["yes", "no", "unknown"])),
    unique_by=lambda one: one[0],
)


def test_a_case_with_every_field_loses_only_what_is_told_to_be_lost():
    before = full_case()
    after = journeys(before)
    assert [name for name, _, _ in lost(before, after["FHIR"])] == ["contacts[0].category", "contacts[1].category"]
    assert [name for name, _, _ in lost(before, after["HL7"])] == ["contacts[0].category", "contacts[1].category"]
    assert [name for name, _, _ in lost(before, after["CSV"])] == [
        *("person.identifiers", "person.phones", "person.emails", "tests[3]", "contacts[0]", "contacts[1]"),
    ]


def test_what_is_lost_is_told_with_both_values():
    other = replace(full_case(), onset=None, note="else")
    assert lost(full_case(), other) == [
        ("onset", "2026-01-03", ""),
        ("note", "First line; with | ^ & \\ ~ signs\nsecond line", "else"),
    ]
    assert lost(other, other) == []


def test_the_table_of_what_is_lost_names_every_field_once():
    told = loss_rows()
    rows = {name: states for name, *states in told}
    assert rows["onset"] == ["kept", "kept", "kept"]
    assert rows["contacts.category"] == ["lost", "lost", "lost"]
    assert rows["tests.result"] == ["kept", "kept", "of the first 3"]
    assert rows["symptoms"] == ["kept, in a code of ours", "kept, in a code of ours", "kept"]
    assert rows["person.phones"] == ["kept", "kept", "in part"]
    assert len(rows) == len(told) == 59
    page = loss_table()
    assert all(f"| `{name}` |" in page for name in rows)


@pytest.mark.parametrize("document", [SMALL, replace(SMALL, classification="not_a_case", outcome="ill", has_symptoms=False)])
def test_a_case_of_which_little_is_known_loses_nothing(document):
    assert {name: lost(document, after) for name, after in journeys(document).items()} == {"FHIR": [], "HL7": [], "CSV": []}


@st.composite
def documents(draw):
    days = {name: draw(DAYS) for name in ("onset", "reported", "confirmed", "hospitalised", "ended", "exposed_from")}
    tests = st.builds(
        DocumentTest,
        source_ref=st.sampled_from(["R1", "R2"]),
        kind=st.sampled_from(["pcr", "antigen", "other"]),
        disease=st.sampled_from(["", "Measles"]),
        result=st.sampled_from(["positive", "negative", "inconclusive", "unsatisfactory"]),
        status=st.sampled_from(["preliminary", "final", "corrected", "withdrawn"]),
        specimen=WORDS,
        sampled_at=st.none() | st.datetimes(datetime(2020, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 -- hypothesis asks for naive bounds
    )
    person = Patient(
        family=draw(WORDS),
        given=draw(WORDS),
        sex=draw(st.sampled_from(["", "M", "F", "X"])),
        birth=draw(st.sampled_from([(None, None, None), (1980, None, None), (1980, 2, None), (1980, 2, 29)])),
        address=draw(WORDS),
        died=draw(st.sampled_from([None, True, False])),
    )
    return CaseDocument(
        case_id="C 1|2^3",
        disease="Measles",
        source=draw(WORDS),
        person=person,
        note=draw(WORDS),
        setting=draw(WORDS),
        age_from=draw(st.none() | st.integers(0, 120)),
        has_symptoms=draw(st.none() | st.booleans()),
        classification=draw(st.sampled_from(["suspected", "probable", "confirmed", "not_a_case"])),
        outcome=draw(st.sampled_from(["", "ill", "recovered", "died"])),
        symptoms=tuple(draw(ANSWERS)),
        circumstances=tuple(draw(ANSWERS)),
        tests=tuple(draw(st.lists(tests, max_size=3))),
        **days,
    )


@settings(max_examples=30, deadline=None)
@given(documents())
def test_no_format_changes_what_it_keeps(document):
    assert {name: lost(document, after) for name, after in journeys(document).items()} == {"FHIR": [], "HL7": [], "CSV": []}


def test_the_bundle_is_the_same_for_the_same_case():
    assert write_case_fhir(full_case(), at=AT) == write_case_fhir(full_case(), at=AT)


def test_another_programs_codes_are_read_where_they_mean_the_same():
    bundle = write_case_fhir(full_case(), at=AT)
    for entry in bundle["entry"]:
        entry["resource"].get("code", {}).pop("text", None)
    assert read_case_fhir(json.dumps(bundle).encode(), UTC).disease == "COVID-19"


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (b'{"resourceType": "Bundle"}', "$"),
        (
            b'{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient"}},{"resource":{"resourceType":"Condition"}}]}',
            "$.entry[1].resource.identifier",
        ),
    ],
)
def test_a_bundle_that_is_no_case_is_refused(raw, where):
    with pytest.raises(MessageError) as caught:
        read_case_fhir(raw, UTC)
    assert caught.value.where == where


def test_a_message_that_is_no_case_is_refused():
    with pytest.raises(MessageError, match="no notification of a case"):
        read_case_hl7(message(), UTC)
    raw = write_case_hl7(full_case(), at=AT)
    with pytest.raises(MessageError, match="is no day"):
        read_case_hl7(raw.replace(b"2026-01-06", b"2026-31-06"), UTC)
    with pytest.raises(MessageError, match="must be one of suspected"):
        read_case_hl7(raw.replace(b"||confirmed||", b"||sure||"), UTC)


def test_a_table_may_have_fewer_columns_and_says_what_is_wrong_in_which_row():
    assert read_cases_csv("disease,case_id\nMeasles,C-1\n", UTC) == [SMALL]
    for cell, column in (("soon", "onset"), ("cough", "symptoms"), ("maybe", "test_1_result"), ("x", "age_from"), ("z", "sex")):
        with pytest.raises(MessageError) as caught:
            read_cases_csv(f"case_id,disease,{column}\nC-1,Measles,\nC-2,Measles,{cell}\n", UTC)
        assert caught.value.where == f"row 3 {column}"
    with pytest.raises(MessageError, match="must name case_id and disease"):
        read_cases_csv("case,disease\n", UTC)
    assert len(set(CASE_COLUMNS)) == len(CASE_COLUMNS)


def test_many_cases_make_one_table():
    cases = [full_case(), SMALL]
    assert [one.case_id for one in read_cases_csv(write_cases_csv(cases), UTC)] == ["C-0001", "C-1"]
