"""Mail that came back: read from a mailbox, believed only where it names a mail of ours, and then another way is tried."""

import logging
import ssl
from dataclasses import replace
from datetime import timedelta
from email import message_from_string
from importlib import import_module

import pytest

from epipolis.act.notices import services
from epipolis.act.notices.models import DeliveryEvent, Notice, SimulatedMessage
from epipolis.act.notices.services import returns
from epipolis.act.notices.services.channels import (
    Mail,
    Mailbox,
    MailboxError,
    SimulatedMailbox,
    mail_secret,
    mail_token,
    read_returned,
)
from epipolis.act.notices.services.channels.messages import Message

from .factories import NOW, notice, person
from .mailboxes import PASSWORD, ImapServer, own_certificate
from .servers import MailServer

SECRET = b"the secret of the mails"
KEY = "3f6c8a52-1f4e-4f0e-9d3c-0a7b6c5d4e3f-0"
TOKEN = mail_token(KEY, SECRET)


def returned(action="failed", status="5.1.1", *, token=TOKEN, to="ana@example.org", headers="", envelope="") -> bytes:
    """A delivery status as mail servers write it."""
    return f"""\
From: Mail Delivery System <MAILER-DAEMON@mail.example>
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
{headers}MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.
--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example
{envelope}
Final-Recipient: rfc822; somewhere@else.example
Original-Recipient: rfc822;{to}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 <{to}>: user unknown, call 0912 555 010

--b1
Content-Type: message/rfc822

From: health@city.example
Message-ID: <{token}@city.example>
Subject: Please stay at home

the text
--b1--
""".replace("\n", "\r\n").encode()


def plain(text: str, *, sender="MAILER-DAEMON@old.example", subject="failure notice", headers="") -> bytes:
    return f"From: {sender}\r\nSubject: {subject}\r\n{headers}\r\n{text}".encode()


@pytest.mark.parametrize(
    ("action", "status", "state"),
    [
        ("failed", "5.1.1", "failed"),
        ("failed", "4.4.7", "failed"),  # tried for days and given up
        ("delayed", "4.4.1", "delayed"),
        ("", "5.2.2", "failed"),
        ("", "4.2.2", "delayed"),
        ("Delivered", "2.0.0", "delivered"),
    ],
)
def test_a_delivery_status_says_what_became_of_the_mail(action, status, state):
    found = read_returned(returned(action, status), SECRET)

    assert found.understood
    assert (found.report.key, found.report.state, found.recipient) == (KEY, state, "ana@example.org")
    assert found.report.text == f"{status} <…>: user unknown, call …".strip()
    assert not [word for word in ("ana@", "0912") if word in found.report.text]


def test_a_mail_that_was_passed_on_is_neither_here_nor_lost():
    assert read_returned(returned("relayed", "2.0.0"), SECRET).report is None
    assert read_returned(returned("relayed", "2.0.0"), SECRET).understood


def test_the_envelope_says_which_mail_it_was_where_the_headers_do_not():
    mail = returned(token="other", envelope=f"Original-Envelope-Id: {TOKEN}\n")

    assert read_returned(mail, SECRET).report.key == KEY


def test_only_the_headers_of_ours_are_enough():
    mail = returned().replace(b"message/rfc822", b"text/rfc822-headers")

    assert read_returned(mail, SECRET).report.key == KEY


@pytest.mark.parametrize(
    ("mail", "state"),
    [
        (plain(f"<ana@example.org>:\r\n550 5.1.1 no such user\r\n\r\nMessage-ID: <{TOKEN}@city.example>"), "failed"),
        (plain("user unknown", headers=f"References: <{TOKEN}@city.example>\r\n"), "failed"),
        (
            plain("no mailbox here", headers=f"In-Reply-To: <{TOKEN}@city.example>\r\nAuto-Submitted: auto-replied\r\n"),
            "failed",
        ),
        (plain("452 4.2.2 full", headers=f"In-Reply-To: <{TOKEN}@city.example>\r\n"), "delayed"),
        (plain("", subject="Warning: delayed 24 hours", headers=f"References: <{TOKEN}@city.example>\r\n"), "delayed"),
        (
            plain(f"<{TOKEN}@city.example>", sender="x@y.example", headers="X-Failed-Recipients: ana@example.org\r\n"),
            "failed",
        ),
    ],
)
def test_returns_older_than_the_standard_are_understood(mail, state):
    assert read_returned(mail, SECRET).report.state == state


@pytest.mark.parametrize(
    "headers",
    ["Auto-Submitted: auto-replied\r\n", "X-Autoreply: yes\r\n", "Precedence: auto_reply\r\n"],
)
def test_an_answer_of_a_machine_changes_nothing(headers):
    mail = plain("550 reasons to be away", sender="ana@example.org", headers=f"{headers}References: <{TOKEN}@city.example>\r\n")

    found = read_returned(mail, SECRET)
    assert (found.understood, found.report) == (True, None)


def test_an_answer_of_a_person_is_left_to_people():
    mail = plain("550 5.1.1 why?", sender="ana@example.org", headers=f"References: <{TOKEN}@city.example>\r\n")

    assert (read_returned(mail, SECRET).understood, read_returned(mail, SECRET).report) == (False, None)


@pytest.mark.parametrize(
    "token",
    [mail_token(KEY, b"guessed"), KEY, f"{KEY}.{'0' * 20}", TOKEN.replace("-0.", "-1."), TOKEN + "0", ""],
)
def test_a_forged_return_names_no_mail_of_ours(token):
    found = read_returned(returned(token=token), SECRET)

    assert (found.understood, found.report) == (False, None)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\0" * 1_000,
        b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\na\r\n" * 5_000,
        returned()[:700],
        returned(status="").replace(b"Action: failed", b"Action:"),
        b"From: =?utf-99?q?=ff?= <mailer-daemon@x>\r\nContent-Type: text/plain; charset=no-such\r\n\r\n\xff",
        b"Date: nonsense\r\nFrom: mailer-daemon@x\r\nReferences: " + b"<" * 100_000,
    ],
)
def test_what_cannot_be_read_is_left_to_people(raw):
    found = read_returned(raw, SECRET)

    assert (found.understood, found.report) == (False, None)


def test_a_mail_asks_its_server_for_what_is_read_here():
    message = Message(KEY, "email", "ana+x@example.org", "Hello", "text", "en", False, NOW)
    with MailServer(extensions="DSN") as server:
        own = {"sender": "health@city.example", "name": "City", "security": "none", "seconds": 2}
        Mail("127.0.0.1", server.port, secret=SECRET, returns="returns@city.example", **own).send_many([message])

    assert message_from_string(server.mails[0])["Message-ID"].strip() == f"<{TOKEN}@city.example>"
    assert f"MAIL FROM:<returns@city.example> RET=HDRS ENVID={TOKEN}".casefold() in [one.casefold() for one in server.lines]
    assert "RCPT TO:<ana+x@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;ana+2Bx@example.org".casefold() in [
        one.casefold() for one in server.lines
    ]


# The mailbox, real and simulated


def box(server: ImapServer, **more) -> Mailbox:
    given = {"user": "epi", "password": PASSWORD, "security": "none", "seconds": 2}
    return Mailbox("127.0.0.1", server.port, **(given | more))


@pytest.fixture(params=["imap", "simulated"])
def mailbox(request):
    """A mailbox with one returned mail."""
    if request.param == "simulated":
        request.getfixturevalue("db")
        SimulatedMessage.objects.create(
            key=KEY, ref="sim-1", channel="email", to=b"", to_hash="h", fate="returned", at=NOW, due=NOW, told=1
        )
        yield SimulatedMailbox(SECRET)
        return
    with ImapServer(returned()) as server:
        yield box(server)


def test_a_letter_comes_again_until_it_is_put_away_and_then_no_more(mailbox):
    with mailbox.opened() as found:
        [first] = found.unread(10, at=NOW)
    with mailbox.opened() as found:
        assert list(found.unread(0, at=NOW)) == []
        [again] = found.unread(10, at=NOW)
        found.put_away(again.number, understood=True)
    with mailbox.opened() as found:
        left = list(found.unread(10, at=NOW))

    assert first == again
    assert read_returned(first.raw, SECRET).report.state == "failed"
    assert left == []


def test_what_was_understood_is_moved_and_what_was_not_stays_marked():
    mails = returned(), plain("hello", sender="ana@example.org")
    with ImapServer(*mails) as server, box(server, done="City returns").opened() as found:
        for letter in found.unread(10, at=NOW):
            found.put_away(letter.number, understood=letter.number == "1")

    assert set(server.folders["City returns"]) == {1}
    assert server.folders["INBOX"].keys() == {2}
    assert server.marks(2) == {"\\Seen", "\\Flagged"}


@pytest.mark.parametrize(("extensions", "left"), [("UIDPLUS", set()), ("", {1})])
def test_a_server_that_cannot_move_copies_first_and_erases_nobody_elses(extensions, left):
    with ImapServer(returned(), extensions=extensions) as server, box(server, done="Done").opened() as found:
        found.put_away("1", understood=True)

    assert set(server.folders["Done"]) == {1}
    assert set(server.folders["INBOX"]) == left
    assert not [line for line in server.lines if line.endswith(" EXPUNGE")]


def test_without_a_folder_for_it_a_return_stays_and_is_marked_as_read():
    with ImapServer(returned()) as server, box(server).opened() as found:
        found.put_away("1", understood=True)

    assert server.marks(1) == {"\\Seen"}


def test_a_mailbox_that_cannot_be_read_says_why_and_no_secret(caplog):
    caplog.set_level(logging.DEBUG)
    told = []
    with ImapServer() as server:
        for own in (
            box(server, password="wrong horse"),
            box(server, folder="Nowhere"),
            Mailbox("127.0.0.1", 9, user="a", password="wrong horse", security="none"),
        ):
            with pytest.raises(MailboxError) as error, own.opened():
                pass
            told.append(str(error.value))

    assert told[:2] == ["the mail server does not accept our password", "there is no folder Nowhere"]
    assert "refused" in told[2]
    assert "wrong horse" not in "".join(told) + caplog.text


def test_the_mailbox_is_read_through_no_network_in_clear(tmp_path):
    with pytest.raises(ValueError, match="tls"):
        Mailbox("mail.example.org", 143, user="a", password="b", security="none")
    with pytest.raises(ValueError, match="plain letters"):
        Mailbox("127.0.0.1", 143, user="a", password="b", security="none", done="a\r\nLOGOUT")
    server_side, client_side = own_certificate(tmp_path)
    with ImapServer(returned(), tls=server_side) as server:
        with box(server, security="tls", trust=client_side).opened() as found:
            assert len(list(found.unread(10, at=NOW))) == 1
        with pytest.raises(MailboxError, match="certificate"), box(server, security="tls").opened():
            pass


# From the mailbox to the message


@pytest.fixture
def returning(monkeypatch):
    """Let the job read this machine's mailbox as the city's."""

    def use(server: ImapServer, **more) -> None:
        monkeypatch.setattr(returns, "mailboxes", lambda: [box(server, **more)])

    return use


def mailed(**values) -> Notice:
    """A message that the city's mail server has taken."""
    ana = person(emails=["ana@example.org"], phones=["0912 555 100"], simulated=False)
    row = notice(ana, channels=("email", "voice"), **values)
    Notice.objects.filter(id=row.id).update(state="sent", channel="email", provider="smtp", sent=NOW)
    row.refresh_from_db()
    return row


@pytest.fixture
def with_mail(monkeypatch):
    ways = import_module("epipolis.act.notices.queries.ways")
    monkeypatch.setattr(ways, "settings", replace(ways.settings, smtp_host="127.0.0.1", sender="health@city.example"))


def token_of(row: Notice, step: int = 0) -> str:
    return mail_token(f"{row.id}-{step}", mail_secret())


@pytest.mark.django_db
@pytest.mark.usefixtures("with_mail")
def test_a_mail_that_came_back_goes_the_next_way_and_the_same_again_changes_nothing(returning):
    row = mailed()
    with ImapServer(returned(token=token_of(row)), returned(token=token_of(row))) as server:
        returning(server)
        assert services.read_returns(NOW) == 1
        server.add(returned(token=token_of(row)))
        assert services.read_returns(NOW) == 0

    row.refresh_from_db()
    assert (row.channel, row.step, row.state) == ("voice", 1, "waiting")
    assert [one.state for one in row.events.order_by("id")] == ["failed", "next way"]
    assert server.marks(3) == {"\\Seen"}


@pytest.mark.django_db
@pytest.mark.usefixtures("with_mail")
def test_a_delay_is_noted_and_the_message_stays_where_it_is(returning):
    row = mailed()
    with ImapServer(returned("delayed", "4.4.1", token=token_of(row))) as server:
        returning(server)
        assert services.read_returns(NOW) == 1

    row.refresh_from_db()
    assert (row.channel, row.step, row.state) == ("email", 0, "sent")
    assert row.events.get().state == "delayed"


@pytest.mark.django_db
@pytest.mark.usefixtures("with_mail")
def test_a_delay_says_that_the_server_has_a_mail_of_which_nobody_knew(returning):
    row = mailed()
    Notice.objects.filter(id=row.id).update(state="waiting", unsure_since=NOW, sent=None)
    with ImapServer(returned("delayed", "4.4.1", token=token_of(row))) as server:
        returning(server)
        services.read_returns(NOW)

    row.refresh_from_db()
    assert (row.state, row.unsure_since) == ("sent", None)


@pytest.mark.django_db
@pytest.mark.usefixtures("with_mail")
def test_what_is_forged_or_of_somebody_else_is_left_to_people_and_changes_nothing(returning):
    row, other = mailed(), mailed()
    mails = (
        returned(token=mail_token(f"{row.id}-0", b"guessed")),
        returned(token=f"{row.id}-0"),
        returned(token=token_of(row), to="eve@example.org"),
        returned(token=mail_token("3f6c8a52-1f4e-4f0e-9d3c-0a7b6c5d4e3f-0", mail_secret())),
        plain("550 5.1.1", sender="ana@example.org", headers=f"References: <{token_of(row)}@city.example>\r\n"),
        b"",
    )
    with ImapServer(*mails) as server:
        returning(server)
        assert services.read_returns(NOW) == 0

    assert DeliveryEvent.objects.filter(notice__in=(row.id, other.id)).count() == 0
    assert {row.state for row in Notice.objects.all()} == {"sent"}
    assert [server.marks(number) for number in range(1, 7)] == [{"\\Seen", "\\Flagged"}] * 6


@pytest.mark.django_db
@pytest.mark.usefixtures("with_mail")
def test_a_return_of_an_earlier_way_or_of_a_message_that_was_read_moves_nothing(returning):
    moved, read = mailed(), mailed()
    Notice.objects.filter(id=moved.id).update(step=1, channel="voice")
    Notice.objects.filter(id=read.id).update(state="read")
    with ImapServer(returned(token=token_of(moved)), returned(token=token_of(read))) as server:
        returning(server)
        assert services.read_returns(NOW) == 2

    moved.refresh_from_db()
    read.refresh_from_db()
    assert (moved.channel, moved.step, read.state, read.channel) == ("voice", 1, "read", "email")


@pytest.mark.django_db
@pytest.mark.usefixtures("with_mail")
def test_a_round_that_was_cut_off_goes_on_where_it_stopped(returning, monkeypatch):
    row = mailed()
    with ImapServer(returned(token=token_of(row))) as server:
        returning(server)
        with monkeypatch.context() as broken:
            broken.setattr("epipolis.act.notices.services.channels.mailbox.ImapBox.put_away", _hang_up)
            with pytest.raises(MailboxError):
                services.read_returns(NOW)
        assert server.marks(1) == set()
        assert services.read_returns(NOW) == 0

    row.refresh_from_db()
    assert (row.step, row.events.count()) == (1, 2)
    assert server.marks(1) == {"\\Seen"}


def _hang_up(*_: object, **__: object) -> None:
    raise ssl.SSLError("the line was cut")


@pytest.mark.django_db
def test_the_simulated_provider_returns_mail_as_a_real_server_does():
    row = notice(person(phones=["0912 555 100"], emails=["ana00002@mail.example"]), channels=("email", "sms"))
    services.send_waiting(NOW)
    for seconds in (10, 40, 70):
        services.play_provider(NOW + timedelta(seconds=seconds))
        services.read_returns(NOW + timedelta(seconds=seconds))

    row.refresh_from_db()
    assert [one.state for one in row.events.order_by("id")] == ["accepted", "delayed", "failed", "next way"]
    assert (row.channel, row.state) == ("sms", "waiting")
    assert row.events.get(state="failed").text == "5.1.1 no such mailbox"
