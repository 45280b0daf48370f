"""The live stream, over a real server on loopback."""

import http.client
import json
import socket
import threading
import time

import pytest
import uvicorn
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from epipolis.core import live, stream
from epipolis.core.access import SECOND_FACTOR

database = pytest.mark.django_db(transaction=True)


@pytest.fixture
def port(monkeypatch):
    """A server that answers the stream alone, quick to look at sessions again."""
    monkeypatch.setattr(stream, "_TRUST", 0.1)
    monkeypatch.setattr(live, "_HEARTBEAT", 0.3)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()  # a test that connects before the server runs waits
    server = uvicorn.Server(uvicorn.Config(stream.stream, lifespan="off", log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(20)
    listening.close()
    stream._checks.submit(_close_connections).result(10)
    assert not thread.is_alive()


def _close_connections():
    from django.db import connections

    connections.close_all()


@pytest.fixture
def session_of():
    def make(user, second_factor=True):
        session = SessionStore()
        session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session[SECOND_FACTOR] = second_factor
        session.save()
        return session

    return make


def listen(port, key="", method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    connection.request(method, "/live/", headers={"Cookie": f"other=1; sessionid={key}"} if key else {})
    return connection, connection.getresponse()


def next_message(answer):
    while line := answer.readline():
        if line.startswith(b"data: "):
            return json.loads(line[6:])
    return None


def told(answer, **identifiers):
    """Tell until it is heard: the server begins to listen a moment after it has answered."""
    found = []
    reader = threading.Thread(target=lambda: found.append(next_message(answer)))
    reader.start()
    for _ in range(100):
        live.tell("cases", **identifiers)
        reader.join(0.2)
        if found:
            return found[0]
    return None


@database
def test_staff_hear_topics_and_identifiers(port, staff, session_of):
    connection, answer = listen(port, session_of(staff("tracer")).session_key)

    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
    assert answer.headers["Cache-Control"] == "no-store"
    assert told(answer, case="17") == {"topic": "cases", "case": "17"}
    connection.close()


@database
def test_nobody_else_hears_anything(port, staff, session_of):
    strangers = {
        "no session": "",
        "an invented session": "x" * 32,
        "a kiosk": session_of(staff("kiosk")).session_key,
        "without the second factor": session_of(staff("tracer"), second_factor=False).session_key,
    }

    for who, key in strangers.items():
        connection, answer = listen(port, key)
        assert (answer.status, answer.read()) == (403, b""), who
        connection.close()


@database
def test_only_reading_is_answered(port):
    connection, answer = listen(port, method="POST")

    assert answer.status == 405
    connection.close()


@database
def test_the_stream_ends_with_the_session(port, staff, session_of):
    session = session_of(staff("tracer"))
    connection, answer = listen(port, session.session_key)
    assert told(answer, case="1")

    session.delete()

    while (message := next_message(answer)) == {"topic": "cases", "case": "1"}:
        pass
    assert message == {"topic": "bye"}
    assert next_message(answer) is None
    connection.close()


@database
def test_the_stream_ends_when_the_right_to_it_is_taken_away(port, staff, session_of):
    user = staff("tracer")
    connection, answer = listen(port, session_of(user).session_key)
    assert told(answer, case="1")

    user.groups.clear()

    while (message := next_message(answer)) == {"topic": "cases", "case": "1"}:
        pass
    assert message == {"topic": "bye"}
    connection.close()


@database
def test_a_listener_who_left_is_forgotten(port, staff, session_of):
    connection, answer = listen(port, session_of(staff("tracer")).session_key)
    assert told(answer, case="1")
    before = len(live.hub._readers)

    connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()

    for _ in range(100):
        if len(live.hub._readers) < before:
            break
        time.sleep(0.1)
    assert len(live.hub._readers) == before - 1


@pytest.mark.parametrize(
    ("cookie", "key"),
    [(b"sessionid=abc", "abc"), (b"a=1; sessionid=abc; b=2", "abc"), (b"a=1", ""), (b"\xff\xfe;;=", ""), (b"", "")],
)
def test_the_session_is_read_from_any_cookie_header(cookie, key):
    assert stream.session_key({"headers": [(b"host", b"x"), (b"cookie", cookie)]}) == key
