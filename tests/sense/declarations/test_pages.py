"""The pages: a citizen without an account, staff by purpose, and those who try what is not theirs."""

import re
from datetime import UTC, datetime

import pytest

from epipolis.core import clock
from epipolis.core.models import AuditEntry
from epipolis.sense.declarations.models import Declaration, Household, Member

pytestmark = pytest.mark.django_db
AT = datetime(2021, 3, 20, 4, 0, tzinfo=UTC)
ILL = {
    "fever": "yes",
    "cough": "yes",
    "purposes": ["care"],
    "phone": "0912345678",
    "family_name": "Torres",
    "given_name": "Ana",
}


@pytest.fixture
def call(client):
    def send(path, data=None, status=200):
        with clock.fixed(AT):
            answer = client.get(path) if data is None else client.post(path, data)
        assert answer.status_code == status, answer.content.decode()[:3_000]
        return answer.content.decode()

    return send


def declared(call, **data):
    shown = call("/declarations/", data or {"well": "1"})
    return re.search(r'id="code">([^<]+)<', shown).group(1)


def test_somebody_who_is_well_is_done_with_one_tap(call):
    assert "I am well" in call("/declarations/")
    shown = call("/declarations/", {"well": "1"})
    assert "Nothing to do now" in shown
    assert "<svg" in shown
    assert Declaration.objects.get().advice == "well"


def test_an_ill_person_gets_advice_with_reasons_and_is_called_where_allowed(call):
    shown = call("/declarations/", ILL)
    assert "Stay at home and get tested" in shown
    assert "Fever and cough: met" in shown
    assert "will call you" in shown


def test_a_purpose_that_needs_a_call_asks_for_a_telephone(call):
    shown = call("/declarations/", ILL | {"phone": ""}, status=422)
    assert "leave a telephone" in shown
    assert not Household.objects.exists()
    assert 'value="Torres"' in shown


@pytest.mark.parametrize(
    "data",
    [
        {"fever": "perhaps"}, {"onset": "2021-13-01"}, {"onset": "2022-01-01"}, {"temperature": "99"}, {"temperature": "abc"},
        {"purposes": ["everything"], "phone": "1"}, {"needs": ["gold"]}, {"district": "99999999999999999999"},
        {"client_id": "x"}, ILL | {"phone": "12"}, ILL | {"phone": "a\0b"}, ILL | {"family_name": "x" * 151},
    ],
)  # fmt: skip
def test_bad_answers_come_back_with_a_word_and_store_nothing(call, data):
    call("/declarations/", data, status=422)
    assert not Household.objects.exists()


def test_with_the_code_the_household_declares_again_grows_and_leaves(call):
    code = declared(call)
    shown = call("/declarations/mine/", {"code": code})
    assert "Declare again" in shown
    shown = call("/declarations/mine/member/", {"code": code, "relation": "child", "label": "Little one"})
    assert "Little one" in shown
    child = Member.objects.get(relation="child")
    assert "How is Little one today?" in call("/declarations/mine/declare/", {"code": code, "member": child.id})
    shown = call("/declarations/mine/declare/", {"code": code, "member": child.id, "step": "answers", "cough": "yes"})
    assert "Stay at home" in shown
    shown = call("/declarations/mine/wishes/", {"code": code, "purposes": ["permit"], "needs": ["food"]})
    assert "Saved." in shown
    assert '"advice": "stay"' in call("/declarations/mine/download/", {"code": code})
    assert "Yes, erase everything" in call("/declarations/mine/erase/", {"code": code})
    assert Household.objects.exists()
    call("/declarations/mine/erase/", {"code": code, "sure": "yes"})
    assert not Household.objects.exists()
    call("/declarations/mine/", {"code": code}, status=403)


def test_nobody_declares_for_a_member_of_another_household(call):
    declared(call)
    other = Member.objects.get()
    code = declared(call)
    shown = call(
        "/declarations/mine/declare/", {"code": code, "member": other.id, "step": "answers", "fever": "yes"}, status=422
    )
    assert "Choose one of your household" in shown
    assert other.declarations.count() == 1
    call("/declarations/mine/declare/", {"code": code, "member": "nonsense"}, status=422)


@pytest.mark.parametrize("path", ["mine/", "mine/declare/", "mine/member/", "mine/wishes/", "mine/download/", "mine/erase/"])
def test_without_the_right_code_nothing_opens(call, path):
    declared(call)
    call(f"/declarations/{path}", {"code": "0000-0000-0000-0000", "sure": "yes"}, status=403)
    call(f"/declarations/{path}", {}, status=422)
    assert Household.objects.count() == 1


def test_too_many_from_one_address_must_wait(call):
    for _number in range(12):
        declared(call)
    call("/declarations/", {"well": "1"}, status=429)


def test_a_tracer_sees_care_with_names_that_are_logged_and_not_aid(client, staff, call):
    call("/declarations/", ILL)
    client.force_login(staff("tracer", name="tom"))
    shown = call("/declarations/staff/care/")
    assert "Torres" not in shown
    assert "Ana Torres" in call("/declarations/staff/care/?names=1")
    assert (
        AuditEntry.objects.filter(action="people.read", actor="tom").exists() or AuditEntry.objects.filter(actor="tom").exists()
    )
    call("/declarations/staff/aid/", status=403)
    call("/declarations/staff/nonsense/", status=404)
    call("/declarations/staff/care/list.pdf", status=404)


def test_staff_enter_the_declaration_of_somebody_who_calls(client, staff, call):
    client.force_login(staff("tracer"))
    assert "Declared today" in call("/declarations/staff/")
    call("/declarations/staff/call/", ILL)
    assert Declaration.objects.get().channel == "phone"
    assert Declaration.objects.get().by == "tracer"


@pytest.mark.parametrize("role", ["operator", "auditor", "kiosk"])
def test_others_see_no_list(client, staff, call, role):
    client.force_login(staff(role))
    for path in ("", "call/", "care/", "tracing/", "aid/", "permit/", "care/list.csv"):
        call(f"/declarations/staff/{path}", status=403)


def test_a_kiosk_declares_and_a_gateway_hands_on_text_messages(client, staff):
    client.force_login(staff("kiosk"))
    with clock.fixed(AT):
        answer = client.post("/api/v1/declarations/", {"symptoms": {"fever": "yes"}}, content_type="application/json")
        assert answer.status_code == 201
        assert answer.json()["advice"] == "stay"
        bad = client.post("/api/v1/declarations/", {"symptoms": {"plague": "yes"}}, content_type="application/json")
        assert bad.status_code == 422
        assert "plague" in bad.json()["detail"]
        text = {"phone": "0912345678", "text": "fever"}
        assert "Noted" in client.post("/api/v1/declarations/texts", text, content_type="application/json").json()["text"]
        assert client.get("/api/v1/declarations/care").status_code == 403
    client.force_login(staff("epidemiologist"))
    with clock.fixed(AT):
        assert client.get("/api/v1/declarations/counts").json() == []
        assert client.post("/api/v1/declarations/texts", text, content_type="application/json").status_code == 403
    client.force_login(staff("tracer"))
    with clock.fixed(AT):
        assert client.get("/api/v1/declarations/care").json()["items"] == []
        assert client.get("/api/v1/declarations/aid").status_code == 403
