"""Any bytes give reports or MessageError, nothing else."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from epipolis.engines.messages import (
    Frames,
    LabReport,
    MessageError,
    acknowledge,
    frame,
    peek_fhir,
    peek_hl7,
    read_case_fhir,
    read_case_hl7,
    read_cases_csv,
    read_fhir,
    read_hl7,
    read_results_table,
    write_fhir,
    write_hl7,
)
from epipolis.engines.messages.result_tables import RESULT_COLUMNS

from .written import MSH, OBR, OBX, PID, ZONE, message, outcome

AT = datetime(2026, 1, 6, 9, tzinfo=UTC)
SIGNS = "|^~\\&\r\n"
FIELDS = st.text(st.sampled_from(SIGNS + "019FPCXMSHPIDOBRX+-.:ÄZ王\x0b\x1c\0\ud7ff"), max_size=30)
NAMES = st.sampled_from(["MSH", "PID", "ORC", "OBR", "OBX", "NTE", "SPM", "PV1", "NK1", "ZZZ", "FHS", "", "obx", "OB"])
SEGMENTS = st.tuples(NAMES, st.lists(FIELDS, max_size=25)).map(lambda told: "|".join([told[0], *told[1]]))
CODECS = st.sampled_from(["utf-8", "utf-16", "gb18030", "iso8859-1"])


def is_safe(report: LabReport) -> None:
    """What a database and a writer need: no NUL, whole UTF-8."""
    repr(report).encode("utf-8")
    assert "\\x00" not in repr(report)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good message with bytes taken out, doubled, and put in."""
    raw = bytearray(message())
    for _ in range(draw(st.integers(1, 12))):
        at = draw(st.integers(0, len(raw)))
        length = draw(st.integers(0, 40))
        what = draw(st.sampled_from(["out", "in", "twice", "sign"]))
        if what == "out":
            del raw[at : at + length]
        elif what == "in":
            raw[at:at] = draw(st.binary(max_size=12))
        elif what == "twice":
            raw[at:at] = raw[at : at + length]
        else:
            raw[at:at] = draw(st.sampled_from(SIGNS)).encode()
    return bytes(raw)


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        mutated(),
        st.tuples(st.lists(SEGMENTS, max_size=12), CODECS).map(lambda told: message(*told[0], codec=told[1])),
        st.tuples(FIELDS, st.lists(SEGMENTS, max_size=3)).map(lambda told: message(*told[1], head="MSH" + told[0])),
    )
)
@example(b"MSH")
@example(b"MSH|")
@example(b"MSH|^~\\&")
@example(b"\xff\xfeM\0S")
@example(b"M\0S\0H\xd8")
@example(MSH.replace("UNICODE UTF-8", "rot13").encode() + b"\rPID|\xff")
def test_any_bytes_are_reports_or_an_error_with_a_place(raw):
    peek_hl7(raw)
    answer = acknowledge(raw, "AE", "no such thing", at=AT, where="PID-3")
    assert b"MSA" in answer or b"M\0S\0A" in answer
    made = outcome(read_hl7, raw, ZONE)
    if isinstance(made, MessageError):
        assert made.where
        assert made.rule
        return
    assert made
    for report in made:
        is_safe(report)


@settings(max_examples=30, deadline=None)
@given(mutated())
def test_what_was_read_can_be_written_as_hl7_and_read_again(raw):
    made = outcome(read_hl7, raw, ZONE)
    for report in made if isinstance(made, list) else []:
        (again,) = read_hl7(write_hl7(report), ZONE)
        assert [one.result for one in again.findings] == [one.result for one in report.findings]
        assert [one.status for one in again.findings] == [one.status for one in report.findings]
        assert again.patient.birth == report.patient.birth


@settings(max_examples=30, deadline=None)
@given(mutated())
def test_what_was_read_is_written_as_valid_fhir_or_the_place_is_named(raw):
    made = outcome(read_hl7, raw, ZONE)
    for report in made if isinstance(made, list) else []:
        bundle = outcome(write_fhir, report)
        if isinstance(bundle, MessageError):
            assert bundle.where.startswith("$")
            continue
        assert [one.result for one in read_fhir(json.dumps(bundle).encode(), ZONE)[0].findings] == [
            one.result for one in report.findings
        ]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8) | st.just("Patient/1") | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
NAMED = st.sampled_from(
    [
        *("id", "identifier", "subject", "result", "code", "coding", "system", "value", "status", "specimen", "performer"),
        *("valueQuantity", "valueCodeableConcept", "component", "contained", "hasMember", "reference", "category", "name"),
        *("birthDate", "telecom", "address", "issued", "effectiveDateTime", "collection", "type", "device", "note", "period"),
    ]
)
KINDS = st.sampled_from(
    ["Patient", "DiagnosticReport", "Observation", "Specimen", "Condition", "MessageHeader", "Encounter", "X"]
)


@st.composite
def resource(draw: st.DrawFn) -> dict:
    """A resource of which any field may be of any form, that points at others and at itself."""
    told = draw(st.dictionaries(NAMED, JSON, max_size=6))
    told |= {"resourceType": draw(KINDS), "id": draw(st.sampled_from(["1", "2", ""]))}
    for name in draw(st.lists(st.sampled_from(["subject", "result", "hasMember", "specimen", "device"]), max_size=3)):
        points = {"reference": f"{draw(KINDS)}/{draw(st.sampled_from(['1', '2']))}"}
        told[name] = [points] if name in ("result", "hasMember") else points
    if draw(st.booleans()):
        told["code"] = {"coding": [{"system": "http://loinc.org", "code": "94500-6"}]}
    return told


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        JSON.map(lambda told: json.dumps(told).encode()),
        st.lists(resource(), max_size=6).map(
            lambda told: json.dumps({"resourceType": "Bundle", "entry": [{"resource": one} for one in told]}).encode()
        ),
        resource().map(lambda told: json.dumps(told).encode()),
    )
)
@example(b"[" * 200_000)
@example(b'{"a":' * 200_000)
@example(b'{"resourceType":"Observation","valueInteger":' + b"9" * 10_000 + b"}")
@example(b'{"resourceType":"Bundle","entry":NaN}')
def test_any_json_is_reports_or_an_error_with_a_place(raw):
    peek_fhir(raw)
    for read in (read_fhir, read_case_fhir):
        made = outcome(read, raw, ZONE)
        assert not isinstance(made, MessageError) or made.where
        for report in made if isinstance(made, list) else []:
            is_safe(report)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from([b"\x0b", b"\x1c", b"\r", b"\x1c\r", b"MSH|a", b"\x0bMSH", b"x" * 70, b"\0"]), max_size=40),
    st.data(),
)
def test_frames_do_not_depend_on_how_the_bytes_are_cut(pieces, data):
    raw = b"".join(pieces)
    whole = Frames(most=100)
    expected = whole.feed(raw) + whole.close()
    cut, made, rest = Frames(most=100), [], raw
    while rest:
        length = data.draw(st.integers(1, 30))
        made += cut.feed(rest[:length])
        rest = rest[length:]
        assert len(cut._held) <= 100 + 30
    made += cut.close()
    assert [one for one in made if not one.fault] == [one for one in expected if not one.fault]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=60).filter(lambda raw: raw.strip() and not {11, 28} & {*raw}), max_size=8))
def test_every_frame_that_was_sent_comes_out(messages):
    frames = Frames()
    assert [one.raw for one in frames.feed(b"".join(map(frame, messages)))] == messages
    assert frames.close() == []


CELLS = st.one_of(st.text(max_size=12), st.sampled_from(["20260105", "positive", "F", "94500-6", "M", "1980", "pcr", "x=yes"]))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(CELLS, max_size=34), max_size=4), st.booleans())
def test_any_table_is_reports_and_errors_with_a_row(rows, with_heading):
    heading = [[column.name for column in RESULT_COLUMNS]] if with_heading else []
    made = outcome(lambda: list(read_results_table([*heading, *rows], ZONE)))
    if isinstance(made, MessageError):
        assert made.where == "row 1"
        return
    for one in made:
        if isinstance(one, MessageError):
            assert one.where.startswith("row ")
        else:
            is_safe(one)


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        st.text(max_size=80), st.lists(CELLS, max_size=6).map(lambda row: "case_id,disease,onset,tests\n" + ",".join(row))
    )
)
def test_any_text_is_cases_or_an_error_with_a_row(text):
    made = outcome(read_cases_csv, text, ZONE)
    assert isinstance(made, list) or made.where.startswith("row ")


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.binary(max_size=200), mutated(), st.lists(SEGMENTS, max_size=6).map(lambda told: message(*told))))
def test_any_bytes_are_a_case_or_an_error_with_a_place(raw):
    made = outcome(read_case_hl7, raw, ZONE)
    assert not isinstance(made, MessageError) or made.where


@pytest.mark.parametrize(
    "raw",
    [
        message() + b"\r" + b"OBX|" * 300_000,
        message("PID|" + "~" * 300_000, *["OBR|1||F|X"] * 2),
        message("PID|1||" + "\\" * 300_000),
        b"MSH|^~\\&" + b"|" * 300_000,
        b"MSH|^~\\&|\r" * 30_000,
        message("PID|1") + b"\rOBX|1" * 60_000,
        message(PID.replace("A123456789", "A~" * 100_000), OBR, OBX.replace("Detected", "^" * 100_000)),
        b"\x0b" * 300_000,
    ],
    ids=[
        "one long segment",
        "many repetitions",
        "many escapes",
        "many fields",
        "many messages",
        "many segments",
        "many parts",
        "many starts",
    ],
)
def test_a_large_message_of_nonsense_is_answered(raw):
    made = outcome(read_hl7, raw, ZONE)
    assert len(repr(made)) < 10_000
    frames = Frames(most=1_000_000)
    found = frames.feed(raw)
    assert len(frames._held) <= len(raw)
    assert len(found) < 10
