"""HL7 over sockets: an acknowledgement means that the message is stored, whatever happens to sender, network and listener."""

import asyncio
import datetime as dt
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.db import connection

from epipolis.engines.messages import Frames, frame
from epipolis.sense.labs import services
from epipolis.sense.labs.models import LabMessage, LabResult
from epipolis.sense.labs.settings import Settings
from epipolis.server.keepers import ChildKeeper
from epipolis.server.mllp import MllpServer, tls_context
from tests.sense.labs.messages import LAB, NEGATIVE, NOW, oru
from tests.server.running import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
State = LabMessage.State
FULL = """
CREATE FUNCTION labs_full() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER labs_full BEFORE INSERT ON labs_labmessage EXECUTE FUNCTION labs_full()
"""
NOT_FULL = "DROP TRIGGER labs_full ON labs_labmessage; DROP FUNCTION labs_full()"
SLOW_COMMIT = """
CREATE FUNCTION labs_slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(2); RETURN NEW; END $$;
CREATE CONSTRAINT TRIGGER labs_slow AFTER INSERT ON labs_labmessage DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION labs_slow()
"""
NOT_SLOW = "DROP TRIGGER labs_slow ON labs_labmessage; DROP FUNCTION labs_slow()"
COMMITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query ILIKE 'commit%'"


def sql(text):
    with connection.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchone() if cursor.description else None


@pytest.fixture
def talk():
    """Run a conversation with a listener of this process: `talk(what)` awaits `what(port)`."""

    def run(what, settings=None, tls=None):
        async def both():
            server = MllpServer(settings or Settings(), tls)
            port = await server.start("127.0.0.1", 0)
            try:
                return await asyncio.wait_for(what(port), 30)
            finally:
                await server.stop()

        return asyncio.run(both())

    return run


async def everything(reader):
    """What comes until the listener hangs up, however it does."""
    found = b""
    with suppress(ConnectionResetError):
        while data := await reader.read(65_536):
            found += data
    return found


def says(raw, **settings):
    """A conversation: send these bytes, and read what comes back until nothing does or the listener hangs up."""

    async def what(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, **settings)
        writer.write(raw)
        writer.write_eof()
        answers = await everything(reader)
        writer.close()
        return codes(answers)

    return what


def codes(raw):
    return [part.raw.decode().split("MSA|")[1][:2] for part in Frames().feed(raw)]


def test_a_message_is_acknowledged_when_it_is_stored(talk):
    assert talk(says(frame(oru("M1").encode()))) == ["AA"]

    message = LabMessage.objects.get()
    assert (message.state, message.road, message.message_id, message.by) == (State.RECEIVED, "mllp", "M1", "mllp:127.0.0.1")
    assert b"Torres" not in bytes(message.raw)
    assert services.raw_of(message) == oru("M1").encode()


def test_messages_in_any_pieces_are_answered_in_their_order(talk):
    whole = b"".join(frame(oru(f"M{n}").encode()) for n in range(20)) + frame(b"nonsense") + frame(oru("M1").encode())

    async def what(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for start in range(0, len(whole), 700):
            writer.write(whole[start : start + 700])
            await writer.drain()
            await asyncio.sleep(0)
        writer.write_eof()
        answers = await everything(reader)
        writer.close()
        return codes(answers)

    assert talk(what) == ["AA"] * 20 + ["AR", "AA"]
    assert LabMessage.objects.count() == 21


def test_many_connections_are_served_at_once(talk):
    async def what(port):
        return await asyncio.gather(*(says(frame(oru(f"M{n}").encode()))(port) for n in range(60)))

    assert talk(what) == [["AA"]] * 60
    assert LabMessage.objects.count() == 60


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        (frame(b"nonsense"), "no segment MSH that can be read"),
        (frame(b"MSH"), "no segment MSH that can be read"),
        (frame(b"\xff\xfe\x00\x01"), "no segment MSH that can be read"),
        (frame(oru("M1").encode() + b"x" * 30_000), "too large"),
        (frame(oru("M1").encode())[:-100], "truncated"),
    ],
)
def test_what_cannot_be_read_is_kept_and_refused(talk, raw, rule):
    assert talk(says(raw), Settings(message_bytes=20_000)) == ["AR"]

    message = LabMessage.objects.get()
    assert (message.state, message.is_waiting, message.reason[0][1]["rule"]) == (State.REJECTED, True, rule)


def test_a_truncated_message_that_comes_again_whole_counts_once(talk, deliver_events):
    services.register_laboratory({"name": "Central", "code": LAB}, by="test", at=NOW)
    raw = oru("M1").encode()

    assert talk(says(frame(raw)[:-200])) == ["AR"]
    assert talk(says(frame(raw))) == ["AA"]

    deliver_events()
    assert [(row.state, row.is_waiting) for row in LabMessage.objects.order_by("id")] == [
        (State.REJECTED, False),
        (State.NEW_CASE, False),
    ]


def test_another_protocol_is_hung_up_on_and_nothing_is_stored(talk):
    assert talk(says(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")) == []
    assert LabMessage.objects.count() == 0


def test_a_connection_on_which_no_message_comes_to_its_end_is_closed(talk):
    async def what(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x0bMSH|")
        began, is_open = time.monotonic(), True
        while is_open and time.monotonic() - began < 10:
            writer.write(b"a")
            await asyncio.sleep(0.1)
            is_open = not (reader.at_eof() or reader.exception() or writer.is_closing())
        writer.close()
        return is_open

    assert talk(what, Settings(idle_seconds=0.5)) is False


def test_more_connections_than_allowed_are_closed_and_the_others_go_on(talk):
    async def what(port):
        first = await asyncio.open_connection("127.0.0.1", port)
        first[1].write(frame(oru("M1").encode()))
        await first[0].readuntil(b"\x1c\r")
        second = await says(frame(oru("M2").encode()))(port)
        first[1].write(frame(oru("M3").encode()))
        answer = await first[0].readuntil(b"\x1c\r")
        first[1].close()
        return second, codes(answer)

    assert talk(what, Settings(connections=1)) == ([], ["AA"])


def test_what_the_database_cannot_take_is_not_acknowledged_and_comes_again(talk):
    sql(FULL)
    try:
        assert talk(says(frame(oru().encode()))) == ["AE"]
    finally:
        sql(NOT_FULL)
    assert LabMessage.objects.count() == 0

    assert talk(says(frame(oru().encode()))) == ["AA"]
    assert LabMessage.objects.count() == 1


def certificate(name, issuer=None):
    """A certificate for a name, signed by the issuer (certificate, key) or by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(issuer[1] if issuer else key, hashes.SHA256())
    )
    return made, key


def written(folder, name, pair):
    pem = folder / f"{name}.pem"
    secret = pair[1].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(pair[0].public_bytes(serialization.Encoding.PEM) + secret)
    return str(pem)


def test_over_tls_the_certificate_says_which_laboratory_it_is(talk, tmp_path):
    city, other = certificate("city"), certificate("elsewhere")
    files = {
        name: written(tmp_path, name, pair)
        for name, pair in {
            "city": city,
            "server": certificate("localhost", city),
            "lab": certificate("central.lab", city),
            "stranger": certificate("central.lab", other),
        }.items()
    }
    made = services.register_laboratory({"name": "Central", "code": "ANY", "certificate": "central.lab"}, by="test", at=NOW)
    tls = tls_context(files["server"], files["server"], files["city"])

    async def what(port, own):
        context = ssl.create_default_context(cafile=files["city"])
        if own:
            context.load_cert_chain(files[own])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
        try:
            writer.write(frame(oru(f"M-{own}").encode()))
            return codes(await reader.readuntil(b"\x1c\r"))
        except (ssl.SSLError, OSError, asyncio.IncompleteReadError):
            return None
        finally:
            writer.close()

    assert talk(lambda port: what(port, "lab"), tls=tls) == ["AA"]
    assert talk(lambda port: what(port, "stranger"), tls=tls) is None
    assert talk(lambda port: what(port, ""), tls=tls) is None
    assert LabMessage.objects.get().laboratory_id == made.id


def test_a_certificate_without_its_key_is_said(tmp_path):
    with pytest.raises(ValueError, match="key"):
        tls_context(str(tmp_path / "none.pem"), "", "")
    with pytest.raises(ValueError, match="cannot be used"):
        tls_context(str(tmp_path / "none.pem"), str(tmp_path / "none.pem"), "")


def test_without_tls_only_this_machine_is_listened_to():
    command = [sys.executable, "-m", "epipolis.server", "mllp", "--port", "0", "--host", "192.0.2.1"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 1
    assert "--certificate" in done.stderr


def environment():
    found = connection.settings_dict
    address = f"postgresql://{found['USER']}@/{found['NAME']}?host={found['HOST']}"
    return os.environ | {
        "EPIPOLIS_DATABASE_URL": address,
        "DJANGO_SETTINGS_MODULE": "epipolis.server.settings",
        "PYTHONWARNINGS": "ignore",
    }


def listener():
    """`epipolis mllp` as a process of its own over the tests' database, and its port."""
    command = [sys.executable, "-m", "epipolis.server", "mllp", "--port", "0"]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
    told = process.stdout.readline()
    return process, int(told.rsplit(":", 1)[1])


def test_a_listener_killed_between_commit_and_acknowledgement_gets_the_message_again_and_keeps_one(deliver_events):
    services.register_laboratory({"name": "Central", "code": LAB}, by="test", at=NOW)
    raw = frame(oru("M1").encode())
    process, port = listener()
    sql(SLOW_COMMIT)
    try:
        with socket.create_connection(("127.0.0.1", port)) as sender:
            sender.sendall(raw)
            wait_until(lambda: sql(COMMITS)[0] == 1, 20)
            process.send_signal(signal.SIGKILL)
            process.wait()
            sender.settimeout(10)
            assert sender.recv(100) == b""
        wait_until(lambda: LabMessage.objects.exists(), 20)  # the database ends the commit that was asked for
        process.stdout.close()
        process, port = listener()
        with socket.create_connection(("127.0.0.1", port)) as sender:
            sender.sendall(raw + frame(oru("M2", answer=NEGATIVE, order="F2").encode()))
            answer = b""
            while answer.count(b"\x1c\r") < 2:
                answer += sender.recv(4096)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        sql(NOT_SLOW)

    assert codes(answer) == ["AA", "AA"]
    deliver_events()
    assert (LabMessage.objects.count(), LabResult.objects.count()) == (2, 2)
    assert [row.state for row in LabMessage.objects.order_by("id")] == [State.NEW_CASE, State.EXISTING_CASE]


def test_beside_the_platform_a_listener_that_dies_is_started_again(monkeypatch):
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    keeper = ChildKeeper("mllp", "--port", str(port))

    def acknowledged(number):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as sender:
                sender.sendall(frame(oru(number).encode()))
                return codes(sender.recv(4096)) == ["AA"]
        except OSError:
            return False

    keeper.start()
    try:
        wait_until(lambda: acknowledged("M1"), 90)
        keeper._child.kill()
        keeper._child.wait()
        wait_until(lambda: acknowledged("M2"), 90)
    finally:
        keeper.stop()

    assert not acknowledged("M3")
    assert LabMessage.objects.count() == 2
