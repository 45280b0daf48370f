"""Bad days of laboratory messages: whatever arrives, it is kept, ends in one state, and stops nothing else."""

import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epipolis.core import clock
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.models import Case
from epipolis.sense.labs import queries, services
from epipolis.sense.labs.models import LabMessage, LabResult
from epipolis.sense.people import queries as people_queries
from epipolis.sense.people.models import Person
from epipolis.sense.people.services import find_or_make_person, merge_people, unmerge_people
from epipolis.understand.tracing.models import Trace
from tests.sense.labs.messages import LAB, NEGATIVE, NOW, oru

pytestmark = pytest.mark.django_db
State = LabMessage.State
ENDS = set(State.values) - {State.RECEIVED}
HL7_SAMPLES = ("ORU-R01-01", "LAB-ORU-1", "LRI_2.0-NG_CBC_Typ_Message", "ADT-A01-01", "VXU-V04-01", "SIU-S12-01")
quickly = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def lab():
    return services.register_laboratory({"name": "Central", "code": LAB}, by="test", at=NOW)


@pytest.fixture
def send(lab, deliver_events):
    def sent(raw, form="hl7", at=NOW):
        raw = raw.encode() if isinstance(raw, str) else raw
        with clock.fixed(at):
            message = services.receive(raw, form, by="test", at=at)
            deliver_events()
        message.refresh_from_db()
        return message

    return sent


@pytest.mark.parametrize(
    ("named", "codec", "family"),
    [
        ("UNICODE UTF-8", "utf-8", "王"),
        ("BIG-5", "big5", "王"),
        ("GB 18030-2000", "gb18030", "王"),
        ("8859/1", "latin-1", "Muñoz"),
        ("UNICODE UTF-8", "latin-1", "Muñoz"),  # says one and is another
        ("ASCII", "utf-8", "王"),
        ("", "cp1252", "Muñoz"),
        ("KLINGON", "utf-8", "王"),
    ],
)
def test_names_survive_the_character_set_whether_it_is_named_rightly_or_not(send, named, codec, family):
    message = send(oru(charset=named, name=f"{family}^Ana").encode(codec))

    assert message.state == State.NEW_CASE
    name = people_queries.named([Person.objects.get().id], by="test", at=NOW, why="case")[Person.objects.get().id]
    assert name.family == family


def test_a_message_in_two_bytes_a_character_is_read(send):
    assert send(oru(charset="UNICODE UTF-16").encode("utf-16")).state == State.NEW_CASE


@quickly
@given(raw=st.binary(max_size=400))
def test_any_bytes_end_in_one_state(lab, raw):
    message = services.receive(raw, "hl7", by="test", at=NOW)

    done = services.process_message(message.id, at=NOW)

    assert done.state in ENDS
    assert queries.shown(raw, "hl7", is_open=False) is not None
    assert services.raw_of(done) == raw


@quickly
@given(data=st.data())
def test_a_message_with_any_part_damaged_ends_in_one_state(lab, data):
    raw = bytearray(oru().encode())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 12))] = data.draw(st.binary(max_size=6))

    message = services.receive(bytes(raw), "hl7", by="test", at=NOW)

    assert services.process_message(message.id, at=NOW).state in ENDS


@quickly
@given(
    found=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda kids: (
            st.lists(kids, max_size=3)
            | st.dictionaries(
                st.sampled_from(["resourceType", "entry", "resource", "id", "identifier", "code", "status", "subject"]), kids
            )
        ),
    )
)
def test_any_json_ends_in_one_state(lab, found):
    for body in (found, {"resourceType": "Bundle", "entry": [{"resource": found}]}):
        message = services.receive(json.dumps(body).encode(), "fhir", by="test", at=NOW)
        assert services.process_message(message.id, at=NOW).state in ENDS


@pytest.mark.parametrize("name", HL7_SAMPLES)
def test_messages_of_others_load_whole(lab, shared_data, name, deliver_events):
    raw = (shared_data / "hl7v2" / f"{name}.hl7").read_bytes()
    message = services.receive(raw, "hl7", by="test", at=NOW)

    done = services.process_message(message.id, at=NOW)

    assert done.state in ENDS
    assert done.problem in ("sender", "no_result", "unreadable", "not_ours", "test")


def test_every_sample_of_hl7_and_fhir_is_stored_and_none_is_lost(lab, shared_data):
    files = sorted((shared_data / "hl7v2").glob("*.hl7"))
    bundles = sorted((shared_data / "fhir_synthea_r4").glob("*.json"))[:3]
    for path in files:
        services.receive(path.read_bytes(), "hl7", by="test", at=NOW)
    for path in bundles:
        services.receive(path.read_bytes(), "fhir", by="test", at=NOW, road="import")

    stored = LabMessage.objects.count()
    services.process_again(list(LabMessage.objects.values_list("id", flat=True)), by="test", at=NOW)

    assert stored >= len(files) + len(bundles) - 2  # two samples of one number and content are one
    assert not LabMessage.objects.filter(state=State.RECEIVED).exists()
    assert Person.objects.count() == 0  # nothing of them is of a disease that is watched: nobody is written down


def test_a_merge_while_a_message_arrives_loses_nothing(send):
    first, _ = find_or_make_person([("national_id", "A123456789")], given_name="Ana", family_name="Torres", by="test", at=NOW)
    other, _ = find_or_make_person([("passport", "P1")], given_name="Ana", family_name="Torres", by="test", at=NOW)
    message = services.receive(oru().encode(), "hl7", by="test", at=NOW)
    merge_people(first.id, other.id, reason="the same", by="test", at=NOW)  # after it was stored, before it is understood

    with clock.fixed(NOW):
        services.process_message(message.id, at=NOW)

    assert [row.id for row in cases.cases_of(other.id)] == [Case.objects.get().id]
    assert [row.result for row in queries.results(person=other.id)] == ["positive"]
    assert [row.result for row in queries.results(person=first.id)] == ["positive"]


def test_an_unmerge_gives_each_person_their_own_results_back(send):
    first, _ = find_or_make_person([("national_id", "A123456789")], given_name="Ana", family_name="Torres", by="test", at=NOW)
    other, _ = find_or_make_person([("passport", "P1")], given_name="Anna", family_name="Tores", by="test", at=NOW)
    merge = merge_people(first.id, other.id, reason="the same", by="test", at=NOW)
    send(oru("M1"))
    send(oru("M2", order="F2", patient="P1^^^TW^PPN", name="Tores^Anna", answer=NEGATIVE))

    unmerge_people(merge.id, reason="they are two", by="test", at=NOW)

    assert [row.message.message_id for row in queries.results(person=first.id)] == ["M1"]
    assert [row.message.message_id for row in queries.results(person=other.id)] == ["M2"]


def test_heard_twice_a_message_is_filed_once(lab, deliver_events):
    services.receive(oru().encode(), "hl7", by="test", at=NOW)

    with clock.fixed(NOW):
        deliver_events(twice=True)

    assert (LabResult.objects.count(), Case.objects.count(), Trace.objects.count()) == (1, 1, 1)


def test_a_day_of_corrections_in_any_order_ends_in_the_last(send):
    texts = [
        oru(f"M{n}", status="F" if n == 0 else "C", answer=NEGATIVE if n % 2 else "260373001^Detected^SCT",
            reported=f"2021031007{n:02d}00+0000")
        for n in range(6)
    ]  # fmt: skip
    for n in (2, 0, 5, 1, 4, 3):
        send(texts[n], at=NOW + timedelta(minutes=n))

    assert LabResult.objects.get(is_in_force=True).message.message_id == "M5"
    assert Case.objects.get().classification != "confirmed"
