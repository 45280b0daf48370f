"""What each way out says on the wire, and what it makes of every answer: against real servers on this machine."""

import email
import email.policy
import hmac
import json
import logging
from base64 import urlsafe_b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from epipolis.act.notices.services.channels.by_people import Desk, OwnPage
from epipolis.act.notices.services.channels.gateway import Gateway
from epipolis.act.notices.services.channels.mail import Mail
from epipolis.act.notices.services.channels.messages import Message, told
from epipolis.act.notices.services.channels.push import GONE, Push, encrypted, public_key, signing_key
from epipolis.act.notices.services.channels.returned import mail_token
from epipolis.act.notices.services.channels.signatures import SIGNATURE, signed
from epipolis.act.notices.services.channels.simulated import Simulated
from epipolis.act.notices.services.channels.whatsapp import OUTSIDE, WhatsApp
from epipolis.act.notices.services.errors import SignatureError

from .factories import NOW
from .servers import MailServer, http_provider

TOKEN = "gateway-token-that-nobody-may-see"
SMS = Message("3f6c-0", "sms", "+886912555010", "", "您好 Hello", "en", False, NOW, NOW + timedelta(hours=1))
MAIL = replace(SMS, channel="email", to="ana@example.org", subject="Por qué", language="es")


def gateway(url: str, **more) -> Gateway:
    return Gateway(f"{url}/v1/messages", token=TOKEN, sender="1922", secret="s3", seconds=2, **more)


def test_the_gateway_gets_one_request_a_message_with_its_key():
    with http_provider((202, {"id": "g-1"})) as (url, got):
        outcomes = gateway(url).send_many([SMS])

    assert [(one.state, one.ref) for one in outcomes] == [("accepted", "g-1")]
    assert got[0].path == "/v1/messages"
    assert got[0].json == {"to": "+886912555010", "from": "1922", "text": "您好 Hello", "reference": "3f6c-0"}
    assert got[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert got[0].headers["Idempotency-Key"] == "3f6c-0"


@pytest.mark.parametrize(
    ("answer", "state", "wait"),
    [
        ((400, {"error": "no such number +886912555010"}), "refused", 0),
        ((429, {}, {"Retry-After": "40"}), "later", 40),
        ((503, {}), "later", 0),
        ((401, {"error": "bad token"}), "later", 0),
        ((409, {"id": "g-1"}), "accepted", 0),
        ((200, {}), "unsure", 0),
        (None, "unsure", 0),
    ],
)
def test_the_gateways_answers_are_understood(answer, state, wait):
    with http_provider(answer) as (url, _got):
        [outcome] = gateway(url).send_many([SMS])

    assert (outcome.state, outcome.wait) == (state, wait)
    assert "912" not in outcome.text


def test_many_messages_share_several_lines_and_keep_their_order():
    messages = [replace(SMS, key=f"k-{number}", body=str(number)) for number in range(40)]
    with http_provider((202, {"id": "g"})) as (url, got):
        outcomes = gateway(url, lines=4).send_many(messages)

    assert [one.state for one in outcomes] == ["accepted"] * 40
    assert sorted(int(one.json["text"]) for one in got) == list(range(40))


def test_a_gateway_that_is_not_there_is_asked_again_later():
    assert gateway("http://127.0.0.1:9").send_many([SMS])[0].state == "later"


def test_messages_go_through_no_network_in_clear():
    with pytest.raises(ValueError, match="https"):
        gateway("http://sms.example.org")
    with pytest.raises(ValueError, match="starttls"):
        Mail("mail.example.org", 25, sender="a@b.org", name="x", secret=b"s", security="none")


def test_reports_of_the_gateway_are_read_only_when_they_are_signed():
    body = json.dumps(
        {
            "events": [{"id": "e1", "reference": "3f6c-0", "message": "g-1", "state": "failed", "detail": "0912 555 010 off"}],
            "messages": [{"id": "m1", "from": "+886912555010", "text": "STOP"}],
        }
    ).encode()
    own = gateway("http://127.0.0.1")

    [report], [answer] = own.read_reports({SIGNATURE: signed("s3", body, time=5)}, body)

    assert (report.key, report.state, report.text) == ("3f6c-0", "failed", "… off")
    assert (answer.sender, answer.text) == ("+886912555010", "STOP")
    for header in (signed("other", body, time=5), signed("s3", body + b" ", time=5), "t=5,v1=ü", "", "t=5"):
        with pytest.raises(SignatureError):
            own.read_reports({SIGNATURE: header}, body)
    with pytest.raises(SignatureError):
        Gateway("http://127.0.0.1", token="", sender="", secret="").read_reports({SIGNATURE: signed("", body, time=5)}, body)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"events": [{"id": 5}]}', b'{"events": 3}', b"\xff"])
def test_a_report_that_cannot_be_read_says_so(body):
    with pytest.raises(ValueError, match="cannot be read"):
        gateway("http://127.0.0.1").read_reports({SIGNATURE: signed("s3", body, time=5)}, body)


def whatsapp(url: str) -> WhatsApp:
    return WhatsApp(f"{url}/v20.0", number="111", token=TOKEN, secret="app", seconds=2)


def test_whatsapp_writes_freely_within_the_day_and_by_an_approved_wording_outside():
    taken = (200, {"messages": [{"id": "wamid.1"}]})
    free = replace(SMS, channel="whatsapp", to="886912555010", may_be_free=True)
    approved = replace(
        free, may_be_free=False, provider_name="order_issued", values=("Demo City", "15 March"), language="zh-hant"
    )
    with http_provider(taken) as (url, got):
        outcomes = whatsapp(url).send_many([free])
        outcomes += whatsapp(url).send_many([approved])
        outcomes += whatsapp(url).send_many([replace(free, may_be_free=False)])

    assert [(one.state, one.ref or one.text) for one in outcomes] == [
        ("accepted", "wamid.1"), ("accepted", "wamid.1"), ("refused", OUTSIDE),
    ]  # fmt: skip
    assert got[0].path == "/v20.0/111/messages"
    assert got[0].json["type"] == "text"
    assert got[0].json["text"]["body"] == "您好 Hello"
    assert got[0].json["biz_opaque_callback_data"] == "3f6c-0"
    assert got[1].json["template"] == {
        "name": "order_issued",
        "language": {"code": "zh_TW"},
        "components": [
            {"type": "body", "parameters": [{"type": "text", "text": "Demo City"}, {"type": "text", "text": "15 March"}]}
        ],
    }


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [(400, 131026, "refused"), (400, 131047, "refused"), (400, 130429, "later"), (401, 190, "later"), (500, 1, "later")],
)
def test_the_errors_of_whatsapp_are_understood(status, code, state):
    with http_provider((status, {"error": {"code": code, "message": "to 886912555010"}})) as (url, _got):
        [outcome] = whatsapp(url).send_many([replace(SMS, channel="whatsapp", may_be_free=True)])

    assert outcome.state == state
    assert "886912555010" not in outcome.text


def test_reports_of_whatsapp_carry_our_key_and_answers_their_number():
    statuses = [
        {"id": "wamid.1", "status": "read", "timestamp": "1773115200", "biz_opaque_callback_data": "3f6c-0"},
        {"id": "wamid.1", "status": "warning", "timestamp": "1773115200"},
    ]
    messages = [{"id": "wamid.2", "from": "886912555010", "timestamp": "1773115200", "type": "text", "text": {"body": "alto"}}]
    body = json.dumps({"entry": [{"changes": [{"value": {"statuses": statuses, "messages": messages}}]}]}).encode()
    header = "sha256=" + hmac.digest(b"app", body, sha256).hex()

    [report], [answer] = whatsapp("http://127.0.0.1").read_reports({"X-Hub-Signature-256": header}, body)

    assert (report.key, report.state, report.event_id) == ("3f6c-0", "read", "wamid.1 read")
    assert report.told_at == datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
    assert (answer.channel, answer.sender, answer.text) == ("whatsapp", "886912555010", "alto")
    with pytest.raises(SignatureError):
        whatsapp("http://127.0.0.1").read_reports({"X-Hub-Signature-256": header}, body + b" ")


def mail(port: int, **more) -> Mail:
    return Mail(
        "127.0.0.1", port, sender="health@city.example", name="Demo City 市", secret=b"s", security="none", seconds=2, **more
    )


def test_a_mail_says_who_writes_in_which_language_and_has_the_same_number_each_time():
    with MailServer() as server:
        outcomes = mail(server.port).send_many([MAIL, MAIL])

    assert [one.state for one in outcomes] == ["accepted"] * 2
    found = email.message_from_string(server.mails[0], policy=email.policy.default)
    assert str(found["To"]) == "ana@example.org"
    assert found["From"].addresses[0].display_name == "Demo City 市"
    assert (found["Subject"], found["Content-Language"], found["Auto-Submitted"]) == ("Por qué", "es", "auto-generated")
    assert found.get_content().strip() == "您好 Hello"
    assert {email.message_from_string(one)["Message-ID"] for one in server.mails} == {
        f"<{mail_token('3f6c-0', b's')}@city.example>"
    }


def test_the_mail_servers_answers_are_understood():
    refusals = {"gone@example.org": "550 no such user gone@example.org", "full@example.org": "452 full"}
    with MailServer(refusals=refusals) as server:
        to = ("gone@example.org", "full@example.org", "ana@example.org", "not an address", "a@b.org\nBcc: c@d.org")
        outcomes = mail(server.port).send_many([replace(MAIL, to=one) for one in to])

    assert [one.state for one in outcomes] == ["refused", "later", "accepted", "refused", "refused"]
    assert "gone@" not in outcomes[0].text
    assert len(server.mails) == 1


def test_mail_of_which_nobody_knows_is_said_to_be_so_and_the_rest_waits():
    with MailServer(hang_up_after_data=True) as server:
        outcomes = mail(server.port).send_many([MAIL, replace(MAIL, key="other")])

    assert [one.state for one in outcomes] == ["unsure", "later"]


def test_no_secret_stands_in_what_is_kept_or_logged(caplog):
    caplog.set_level(logging.DEBUG)
    with MailServer(password="x") as server, http_provider((401, {"error": f"bad token {TOKEN}"})) as (url, _got):
        outcomes = mail(server.port, user="epi", password="swordfish").send_many([MAIL])
        outcomes += gateway(url).send_many([SMS])
        outcomes += whatsapp(url).send_many([replace(SMS, channel="whatsapp", may_be_free=True)])

    kept = caplog.text + "".join(one.text for one in outcomes)
    assert [one.state for one in outcomes] == ["later"] * 3
    assert not [word for word in ("swordfish", TOKEN, "886912555010", "Hello") if word in kept]


def test_what_a_provider_says_is_kept_without_numbers_and_addresses():
    assert told("call (09) 12 555-010 or ana@example.org, code 30007") == "call (… or …, code 30007"


def _unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_push_message_is_encrypted_as_the_example_of_rfc_8291():
    own = ec.derive_private_key(int.from_bytes(_unb64("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), ec.SECP256R1())

    made = encrypted(
        b"When I grow up, I want to be a watermelon",
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
        own=own,
        salt=_unb64("DGv6ra1nlYgDCS1FRnbzlw"),
    )

    assert made == _unb64(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
        "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_a_push_message_is_signed_for_its_service_and_has_a_topic():
    browser = ec.generate_private_key(ec.SECP256R1())
    with http_provider((201, {}, {"Location": "/m/1"})) as (url, got):
        keys = {"p256dh": public_key(browser), "auth": "BTBZMqHH6r4Tts7J_aSIgg"}
        to = json.dumps({"endpoint": f"{url}/push/abc", **keys})
        push = Push(b"k" * 32, contact="mailto:health@city.example", hosts=["127.0.0.1"], seconds=2)
        outcomes = push.send_many([replace(SMS, channel="push", to=to)] * 2)

    assert [one.state for one in outcomes] == ["accepted"] * 2
    head = got[0].headers
    assert (head["Content-Encoding"], head["TTL"], head["Urgency"]) == ("aes128gcm", "3600", "normal")
    assert got[0].headers["Topic"] == got[1].headers["Topic"]
    token, key = head["Authorization"].removeprefix("vapid t=").split(", k=")
    text, _, signature = token.rpartition(".")
    claims = json.loads(_unb64(text.split(".")[1]))
    raw = _unb64(signature)
    pair = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    signing_key(b"k" * 32).public_key().verify(pair, text.encode(), ec.ECDSA(SHA256()))
    assert key == public_key(signing_key(b"k" * 32))
    assert (claims["aud"], claims["sub"]) == (url, "mailto:health@city.example")


@pytest.mark.parametrize(
    ("answer", "state", "text"), [((410, {}), "refused", GONE), ((404, {}), "refused", GONE), ((429, {}), "later", "429: ")]
)
def test_the_push_services_answers_are_understood(answer, state, text):
    browser = ec.generate_private_key(ec.SECP256R1())
    with http_provider(answer) as (url, _got):
        to = json.dumps({"endpoint": url, "p256dh": public_key(browser), "auth": "BTBZMqHH6r4Tts7J_aSIgg"})
        push = Push(b"k" * 32, contact="mailto:x@y.org", hosts=["127.0.0.1"], seconds=2)
        [outcome] = push.send_many([replace(SMS, channel="push", to=to)])

    assert (outcome.state, outcome.text) == (state, text)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://10.0.0.1/x",
        "http://fcm.googleapis.com/x",
        "https://evil-push.apple.com.example/x",
        "https://a@fcm.googleapis.com/x",
    ],
)
def test_only_known_push_services_are_asked(endpoint):
    browser = ec.generate_private_key(ec.SECP256R1())
    to = json.dumps({"endpoint": endpoint, "p256dh": public_key(browser), "auth": "BTBZMqHH6r4Tts7J_aSIgg"})
    push = Push(b"k" * 32, contact="mailto:x@y.org", hosts=["fcm.googleapis.com", "*.push.apple.com"], seconds=1)

    assert push.send_many([replace(SMS, channel="push", to=to)])[0].text == "This push service is not one that the city asks."


def test_an_address_of_a_browser_that_is_none_is_refused():
    push = Push(b"k" * 32, contact="mailto:x@y.org", hosts=["127.0.0.1"], seconds=1)
    broken = ["", "{}", "[]", json.dumps({"endpoint": "http://127.0.0.1", "p256dh": "AA", "auth": "AA"})]

    assert {push.send_many([replace(SMS, channel="push", to=to)])[0].state for to in broken} == {"refused"}


@pytest.mark.django_db
def test_the_simulated_provider_keeps_the_contract_of_a_real_one():
    outcomes = Simulated().send_many([SMS, replace(SMS, key="other-0", to="+88691200001")])
    again = Simulated().send_many([SMS])

    assert [one.state for one in outcomes] == ["accepted", "refused"]
    assert again == outcomes[:1]


def test_what_people_carry_is_handed_over_when_it_is_on_the_list():
    assert [one.send_many([SMS])[0].state for one in (Desk(), OwnPage())] == ["accepted"] * 2
