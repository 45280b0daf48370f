"""A backlog of messages: what one costs, who goes first, and that one bad message harms no other."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob

from epipolis.core import clock, events
from epipolis.sense.labs import services
from epipolis.sense.labs.events import MessagesReceived, PositivesReceived
from epipolis.sense.labs.models import LabMessage, LabResult
from epipolis.sense.labs.services.envelopes import Incoming
from epipolis.sense.labs.services.positives import looks_positive

from .messages import INCONCLUSIVE, LAB, NEGATIVE, NOW, oru

pytestmark = pytest.mark.django_db
State = LabMessage.State
POSITIVE = "260373001^Detected^SCT"
_MOST, _MOST_KNOWN = 20, 27


def of(n, answer=NEGATIVE, **parts):
    """The message of somebody of their own."""
    own = {"order": f"F{n}", "patient": f"B{n:09d}^^^TW^NI", "name": f"Family{n}^Given{n}", "phone": f"0912{n:06d}"}
    return oru(f"M{n}", **own | {"birth": f"19{40 + n % 60}0517", "answer": answer, **parts})


def receive(*texts):
    return [services.receive(text.encode(), "hl7", by="test", at=NOW).id for text in texts]


def statements(numbers):
    with clock.fixed(NOW), CaptureQueriesContext(connection) as captured:
        services.on_messages_received(MessagesReceived(tuple(numbers)))
    return len(captured)


def test_a_message_of_a_full_job_costs_no_more_than_twenty_statements(lab):
    numbers = receive(*(of(n) for n in range(20)))

    assert statements(numbers) / 20 <= _MOST
    assert set(LabMessage.objects.values_list("state", flat=True)) == {State.PERSON}
    assert LabResult.objects.values("person").distinct().count() == 20


def test_the_answer_of_somebody_who_is_known_costs_little_more(lab):
    statements(receive(*(of(n) for n in range(20))))
    again = receive(*(of(n, order=f"G{n}").replace(f"|M{n}|", f"|N{n}|") for n in range(20)))

    assert statements(again) / 20 <= _MOST_KNOWN
    assert LabResult.objects.values("person").distinct().count() == 20


def test_a_message_that_cannot_be_processed_stops_no_other_of_its_job(lab):
    numbers = receive(*(of(n) for n in range(3)))
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION labs_broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF NEW.message_id = {numbers[1]} THEN RAISE EXCEPTION 'broken' USING ERRCODE = '22023'; END IF; RETURN NEW;"
            " END $$; CREATE TRIGGER labs_broken BEFORE INSERT ON labs_labresult FOR EACH ROW EXECUTE FUNCTION labs_broken()"
        )
    try:
        with pytest.raises(Exception, match="broken"):
            statements(numbers)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER labs_broken ON labs_labresult; DROP FUNCTION labs_broken()")

    assert [one.state for one in LabMessage.objects.order_by("id")] == [State.PERSON, State.RECEIVED, State.PERSON]
    statements(numbers)
    assert LabMessage.objects.get(id=numbers[1]).state == State.PERSON


def test_of_two_messages_with_one_number_in_one_job_the_first_is_filed(lab):
    first, second = oru("M1", answer=NEGATIVE), oru("M1", answer=INCONCLUSIVE)
    with clock.fixed(NOW):
        [[*_], [*_]] = services.receive_all([Incoming(one.encode(), "hl7", "http") for one in (first, second)], by="t", at=NOW)
        services.on_messages_received(MessagesReceived(tuple(LabMessage.objects.values_list("id", flat=True))))

    assert [(one.state, one.problem) for one in LabMessage.objects.order_by("id")] == [
        (State.PERSON, ""),
        (State.UNCLEAR, "twin"),
    ]


def test_a_negative_finding_beside_a_positive_one_belongs_to_the_case_of_that_one(lab):
    more = (f"OBX|2|CWE|94558-4^SARS-CoV-2 Ag^LN||{NEGATIVE}||||||F|||202103090800+0000",)
    [number] = receive(oru(more=more))

    statements([number])

    assert LabMessage.objects.get().state == State.NEW_CASE
    assert {bool(row.case_id) for row in LabResult.objects.all()} == {True}
    assert LabResult.objects.count() == 2


def test_a_positive_result_overtakes_three_hundred_that_wait(lab):
    with clock.fixed(NOW):
        batch = [Incoming(of(n).encode(), "hl7", "mllp") for n in range(300)]
        services.receive_all(batch, by="test", at=NOW)
        [positive] = receive(of(300, POSITIVE))
        done = 0
        while LabMessage.objects.get(id=positive).state == State.RECEIVED:
            job = ProcrastinateJob.objects.filter(status="todo").order_by("-priority", "id")[0]
            events.deliver.func(**job.args)
            ProcrastinateJob.objects.filter(id=job.id)._raw_delete("default")
            done += 1

    assert LabMessage.objects.get(id=positive).state == State.NEW_CASE
    assert done == 1
    assert LabMessage.objects.filter(state=State.RECEIVED).count() == 300


def test_the_priority_of_what_looks_positive_stands_with_its_job(lab):
    receive(of(1), of(2, POSITIVE))

    jobs = {job.args["event"].rsplit(".", 1)[-1]: job.priority for job in ProcrastinateJob.objects.all()}
    assert jobs == {"MessagesReceived": 0, "PositivesReceived": PositivesReceived.priority}


@pytest.mark.parametrize(
    ("raw", "form", "is_positive"),
    [
        (of(1, POSITIVE), "hl7", True),
        (of(1, POSITIVE).encode("utf-16"), "hl7", True),
        (of(1, "^Positive"), "hl7", True),
        (of(1, "POS^Detected^L"), "hl7", True),
        (of(1, NEGATIVE), "hl7", False),
        (of(1, "^Not detected"), "hl7", False),
        (of(1, INCONCLUSIVE), "hl7", False),
        ("OBX", "hl7", False),
        ("OBX|", "hl7", False),
        (b"\xff\x00\xfe", "hl7", False),
        ('{"result": "positive"}', "csv", True),
        ('{"result": "negative"}', "csv", False),
        ('{"resourceType": "Observation", "valueString": "Detected"}', "fhir", True),
        ('{"resourceType": "Observation", "interpretation": [{"coding": [{"code": "POS"}]}]}', "fhir", True),
        (
            '{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Observation", "valueCodeableConcept":'
            ' {"coding": [{"system": "http://snomed.info/sct", "code": "260373001"}]}}}]}',
            "fhir",
            True,
        ),
        ('{"resourceType": "Observation", "valueString": "Not detected"}', "fhir", False),
        ('{"resourceType": "Observation", "valueCodeableConcept": 7, "component": "x", "interpretation": [1]}', "fhir", False),
        ("[1]", "fhir", False),
        ("{", "fhir", False),
        ("[" * 50_000, "fhir", False),
    ],
)
def test_a_glance_tells_what_looks_positive(raw, form, is_positive):
    content = raw.encode() if isinstance(raw, str) else raw

    assert looks_positive(Incoming(content, form, "http", LAB)) is is_positive
