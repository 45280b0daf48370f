"""Messages over HTTPS, by device token; what became of them; the inbox's steps."""

import json

import pytest

from epipolis.core import access, clock
from epipolis.core.models import DeviceToken
from epipolis.sense.cases.models import Case
from epipolis.sense.labs import services
from epipolis.sense.labs.models import LabMessage, LabResult
from epipolis.sense.people.services import find_or_make_person

from .messages import LAB, NOW, oru

pytestmark = pytest.mark.django_db
HL7, FHIR = "application/hl7-v2", "application/fhir+json"
COLUMNS = (
    "message_id,order,laboratory,patient_id,patient_id_kind,family_name,given_name,birth_date,sex,test_code,result,sampled"
)
ROW = "R{n},F{n},CENTRAL,A12345678{n},national_id,Torres,Ana,1980051{n},F,94500-6,{result},20210309"


@pytest.fixture
def device(db):
    token, secret = access.issue_token("central gateway", ["labs.send"], by=None, at=NOW)
    return token, {"authorization": f"Bearer {secret}"}


@pytest.fixture
def post(client, device):
    def send(path, body, kind, headers=None):
        raw = body.encode() if isinstance(body, str) else body
        with clock.fixed(NOW):
            return client.post(f"/api/v1/labs/{path}", raw, content_type=kind, headers=headers or device[1])

    return send


@pytest.fixture
def ask(client, staff):
    accounts = {}

    def call(role, method, path, body=None):
        if role not in accounts:
            accounts[role] = staff(role)
        client.force_login(accounts[role])
        with clock.fixed(NOW):
            return getattr(client, method)(f"/api/v1/labs/{path}", body, content_type="application/json")

    return call


def bundle(number="B1", name="Torres", result="260373001"):
    return {
        "resourceType": "Bundle",
        "type": "message",
        "identifier": {"system": "urn:x", "value": number},
        "entry": [
            {
                "resource": {
                    "resourceType": "MessageHeader",
                    "eventCoding": {"code": "R01"},
                    "source": {"name": LAB, "endpoint": LAB},
                }
            },
            {
                "fullUrl": "urn:uuid:p",
                "resource": {
                    "resourceType": "Patient",
                    "id": "p",
                    "name": [{"family": name, "given": ["Ana"]}],
                    "gender": "female",
                    "birthDate": "1980-05-17",
                },
            },
            {
                "fullUrl": "urn:uuid:o",
                "resource": {
                    "resourceType": "Observation",
                    "id": "o",
                    "status": "final",
                    "subject": {"reference": "urn:uuid:p"},
                    "code": {"coding": [{"system": "http://loinc.org", "code": "94500-6"}]},
                    "valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": result}]},
                    "effectiveDateTime": "2021-03-09T08:00:00Z",
                    "issued": "2021-03-10T07:00:00Z",
                },
            },
        ],
    }


def test_hl7_over_https_is_answered_with_its_acknowledgement(post, lab, deliver_events):
    answer = post("messages", oru("M1"), HL7)

    assert (answer.status_code, answer["Content-Type"]) == (201, HL7)
    assert b"MSA|AA|M1" in answer.content
    assert post("messages", oru("M1"), HL7).status_code == 200
    with clock.fixed(NOW):
        deliver_events()
    assert LabMessage.objects.get().state == "new_case"
    assert LabMessage.objects.get().by == "device:central gateway"


def test_a_batch_of_hl7_is_several_messages_each_answered(post, lab):
    answer = post("messages", "FHS|^~\\&|X\rBHS|^~\\&|X\r" + oru("M1") + oru("M2") + "BTS|2\rFTS|1\r", HL7)

    assert answer.status_code == 201
    assert (answer.content.count(b"MSA|AA|M1"), answer.content.count(b"MSA|AA|M2")) == (1, 1)
    assert sorted(LabMessage.objects.values_list("message_id", flat=True)) == ["M1", "M2"]


def test_what_is_no_message_is_kept_and_refused(post, lab):
    answer = post("messages", "hello", HL7)

    assert (answer.status_code, b"MSA|AR" in answer.content) == (422, True)
    assert LabMessage.objects.get().state == "rejected"
    assert post("messages", " ", HL7).status_code == 422
    assert post("messages", "a", "image/png").status_code == 415


def test_fhir_arrives_and_becomes_a_case(post, lab, deliver_events):
    answer = post("fhir", json.dumps(bundle()), FHIR)

    assert (answer.status_code, answer.json()["issue"][0]["diagnostics"]) == (201, "stored")
    assert post("messages", json.dumps(bundle()), FHIR).json()["known"] == 1
    with clock.fixed(NOW):
        deliver_events()
    assert LabMessage.objects.get().state == "new_case"
    assert Case.objects.get().classification == "confirmed"


def test_fhir_line_by_line_is_several_messages_and_a_bad_line_stops_none(post, lab):
    lines = "\n".join([json.dumps(bundle("B1")), "{", json.dumps(bundle("B2", "Chen"))])

    answer = post("messages", lines, "application/fhir+ndjson")

    assert (answer.status_code, answer.json()["stored"], answer.json()["unreadable"]) == (201, 2, 1)
    assert LabMessage.objects.filter(state="received").count() == 2


def test_a_table_of_results_is_a_message_a_row_and_bad_rows_are_named(post, lab, deliver_events):
    rows = [ROW.format(n=1, result="positive"), ROW.format(n=2, result="negative"), ROW.format(n=3, result="")]

    answer = post("messages", "\n".join([COLUMNS, *rows]), "text/csv")

    assert (answer.status_code, answer.json()["stored"], answer.json()["unreadable"]) == (201, 2, 1)
    assert [(one["row"], one["field"]) for one in answer.json()["problems"]] == [(4, "result")]
    assert post("messages", "\n".join([COLUMNS, *rows]), "text/csv").json()["known"] == 2
    with clock.fixed(NOW):
        deliver_events()
    assert sorted(LabMessage.objects.values_list("state", flat=True)) == ["new_case", "person"]


def test_a_token_of_one_laboratory_speaks_for_no_other(post, device, lab, deliver_events):
    token = DeviceToken.objects.get(id=device[0].id)
    services.register_laboratory({"name": "Own", "code": "OWN", "account": token}, by="test", at=NOW)

    post("messages", oru("M1", lab="OWN"), HL7)
    post("messages", oru("M2", lab=LAB), HL7)

    with clock.fixed(NOW):
        deliver_events()
    assert dict(LabMessage.objects.values_list("message_id", "problem")) == {"M1": "", "M2": "identity"}
    assert LabResult.objects.get().source == "OWN"


def test_only_a_token_with_the_scope_may_send(client, post, lab):
    _token, secret = access.issue_token("kiosk", ["checkins.record"], by=None, at=NOW)

    assert post("messages", oru(), HL7, {"authorization": f"Bearer {secret}"}).status_code == 403
    assert client.post("/api/v1/labs/messages", b"x", content_type=HL7).status_code == 401
    assert LabMessage.objects.count() == 0


def test_the_inbox_and_its_steps_over_the_api(ask, send):
    message = send(oru(patient="", name="", birth="", phone=""))
    person, _ = find_or_make_person([("national_id", "A111111111")], by="test", at=NOW)

    [found] = ask("registrar", "get", "messages").json()["items"]
    assert (found["id"], found["state"], found["problem"]) == (message.id, "unclear", "nobody")
    assert "raw" not in found
    path = f"messages/{message.id}/steps"
    refused = ask("registrar", "post", path, {"action": "reject"})
    step = ask("registrar", "post", path, {"action": "link", "person": str(person.id)})

    assert (refused.status_code, refused.json()["code"]) == (409, "not_possible")
    assert (step.status_code, step.json()["after"]) == (201, "new_case")
    [result] = ask("registrar", "get", f"results?person={person.id}").json()["items"]
    assert result["case_id"] == str(Case.objects.get().id)
    assert ask("registrar", "post", f"steps/{step.json()['id']}/undo").json()["after"] == "unclear"
    assert ask("registrar", "get", "results").json()["items"] == []
    assert ask("registrar", "post", "steps/999999/undo").status_code == 404


def test_laboratories_say_when_they_were_last_heard(ask, send):
    send(oru())

    [found] = ask("epidemiologist", "get", "laboratories").json()

    assert (found["code"], found["is_silent"], found["messages"]) == (LAB, False, {"new_case": 1})
