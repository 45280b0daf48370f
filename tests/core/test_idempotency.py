"""Requests sent twice are done once."""

import json
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import include, path
from ninja import NinjaAPI, Schema, Status

from epipolis.core import access, api, clock, idempotency, retention
from epipolis.core.idempotency import once
from epipolis.core.models import DeletionReceipt, RulePackRow, SentOnce
from epipolis.core.problems import ProblemError

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class Body(Schema):
    word: str


def fresh_api() -> NinjaAPI:
    made = NinjaAPI(urls_namespace="test_once")
    for kind, answer in api._ANSWERS.items():
        made.add_exception_handler(kind, answer)

    @made.post("things", auth=access.Needs("cases.report"), response={201: dict})
    @once
    def make(request, body: Body):
        """Store one row a call; some words fail after the row is stored."""
        Rows.add(body.word)
        if body.word == "refuse":
            raise ProblemError(409, "refused", "Not this one.")
        if body.word == "break":
            raise ProblemError(503, "broken", "Try again.")
        return Status(201, {"word": body.word, "number": Rows.count()})

    return made


class Rows:
    """Rows that show how often the operation really ran."""

    @staticmethod
    def add(word: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence('core_rulepackrow', 'id'))")
            (number,) = cursor.fetchone()
        RulePackRow.objects.create(
            name=f"row-{number}",
            version=word,
            jurisdiction="x",
            valid_from=clock.today(),
            source="",
            content={},
            known_at=clock.now(),
        )

    @staticmethod
    def count() -> int:
        return RulePackRow.objects.count()


urlpatterns = [
    path("api/", fresh_api().urls),
    path("", include("epipolis.core.urls")),
    path("accounts/", include("epipolis.core.account_urls")),
]


@pytest.fixture
def token():
    _device, secret = access.issue_token("kiosk", ["cases.report"], by=None, at=clock.now())
    return secret


def send(token: str, word: str, key: str | None = "k1", path_: str = "/api/things"):
    headers = {"authorization": f"Bearer {token}"} | ({"idempotency-key": key} if key is not None else {})
    return Client(headers=headers).post(path_, json.dumps({"word": word}), content_type="application/json")


def test_a_repeat_gets_the_same_answer_and_does_nothing(token):
    first, second = send(token, "a"), send(token, "a")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json() == {"word": "a", "number": 1}
    assert second.headers["Idempotency-Replayed"] == "true"
    assert Rows.count() == 1


def test_without_a_key_every_request_counts(token):
    send(token, "a", key=None)
    send(token, "a", key=None)

    assert Rows.count() == 2
    assert SentOnce.objects.count() == 0


def test_the_same_key_with_another_body_is_refused(token):
    send(token, "a")

    answer = send(token, "b")

    assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")
    assert Rows.count() == 1


def test_two_senders_may_use_the_same_key(token):
    _device, other = access.issue_token("other", ["cases.report"], by=None, at=clock.now())

    assert send(token, "a").json()["number"] == 1
    assert send(other, "a").json()["number"] == 2


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\there", "naïve"])
def test_a_key_that_is_no_key_is_refused(token, key):
    answer = send(token, "a", key=key)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_key")
    assert Rows.count() == 0


def test_a_key_does_not_open_the_door(token):
    send(token, "a")

    assert send("epi_wrong", "a").status_code == 401


def test_a_revoked_token_gets_no_remembered_answer(token, staff):
    send(token, "a")
    device = access.all_tokens().get()
    access.revoke_token(device, by=staff("operator"), at=clock.now() - timedelta(seconds=1))

    assert send(token, "a").status_code == 401


def test_a_refusal_is_remembered_and_leaves_nothing_behind(token):
    first, second = send(token, "refuse"), send(token, "refuse")

    assert (first.status_code, second.status_code) == (409, 409)
    assert second.headers["Content-Type"] == "application/problem+json"
    assert first.json() == second.json()
    assert Rows.count() == 0


def test_a_failure_is_not_remembered(token):
    first = send(token, "break")

    assert first.status_code == 503
    assert SentOnce.objects.count() == 0
    assert Rows.count() == 0


@pytest.mark.django_db(transaction=True)
def test_duplicates_at_the_same_moment_are_done_once(token):
    ready, answers = threading.Barrier(4), []

    def send_together() -> None:
        ready.wait()
        answers.append(send(token, "a"))
        connection.close()

    threads = [threading.Thread(target=send_together) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.status_code for answer in answers] == [201] * 4
    assert {answer.json()["number"] for answer in answers} == {1}
    assert Rows.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_duplicate_waits_for_a_first_that_fails_and_is_then_done_itself(token):
    device = access.all_tokens().get()
    started, done = threading.Event(), threading.Event()
    answers = []

    def duplicate() -> None:
        started.wait()
        answers.append(send(token, "a"))
        connection.close()
        done.set()

    thread = threading.Thread(target=duplicate)
    thread.start()
    with transaction.atomic():
        SentOnce.objects.create(sender=f"device:{device.pk}", key="k1", request_digest="x", at=clock.now())
        started.set()
        waited = not done.wait(0.5)
        transaction.set_rollback(True)
    thread.join()

    assert waited
    assert answers[0].status_code == 201


def test_answers_are_forgotten_after_two_days(token):
    send(token, "a")
    at = clock.now()

    assert retention.enforce(at=at + timedelta(hours=47))["core.answers"] == 0
    assert retention.enforce(at=at + timedelta(hours=49))["core.answers"] == 1
    assert DeletionReceipt.objects.get(what="core.answers").rows == 1
    assert idempotency.forget(before=at, at=at) == 0
