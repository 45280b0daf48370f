import json
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from epipolis.act.followup import queries as followup
from epipolis.act.transfers import queries, services
from epipolis.act.transfers.models import Outgoing, Transfer, UsedNonce
from epipolis.act.transfers.settings import settings
from epipolis.sense.cases import queries as case_queries
from epipolis.sense.cases import services as cases
from epipolis.sense.cases.models import Case
from epipolis.sense.people import queries as people_queries
from epipolis.sense.people.models import Person
from tests.sense.cases.factories import LATER, case

from .remote import PATH, Remote, document, known

pytestmark = pytest.mark.django_db


@pytest.fixture
def partner(remote):
    return known(remote, remote.port, at=LATER)


def received(remote, client, told=None, what="handover", **more):
    number = uuid4()
    answer = remote.offers(client, told or document(), what, transfer=number, **more)
    assert answer.status_code == 200, answer.content
    return Transfer.objects.get(remote_id=number)


def post(client, raw, headers):
    return client.post(PATH, raw, content_type="application/json", headers=headers)


def raw_offer(**changed):
    body = {"what": "handover", "revision": 1, "document": document()} | changed
    return json.dumps({"version": 1, "kind": "offer", "transfer": str(uuid4()), "body": body}).encode()


def test_an_offer_waits_for_a_person_and_changes_nothing_else(remote, client, partner):
    row = received(remote, client, message="moved to you")

    assert (row.state, row.owner, row.message, row.subject) == ("received", "Southport", "moved to you", "S-1 covid")
    assert Case.objects.count() == 0
    assert Person.objects.count() == 0
    assert b"Torres" not in bytes(row.document)


def test_the_same_offer_twice_is_one_transfer_and_gets_the_same_answer(remote, client, partner):
    number = uuid4()

    answers = [remote.offers(client, document(), transfer=number).json() for _ in range(3)]

    assert answers == [{"state": "received", "reason": ""}] * 3
    assert Transfer.objects.count() == 1
    assert remote.offers(client, document(case_id="S-2"), transfer=number).status_code == 409


def test_every_answer_is_signed_for_its_own_request(remote, client, partner):
    raw = raw_offer()
    headers = remote.headers(raw)
    answer = post(client, raw, headers)
    from hashlib import sha256

    parts = ("epipolis transfers 1", "answer", queries.own_key_id(), remote.key_id)
    text = "\n".join((*parts, headers["Epipolis-Nonce"], "200", sha256(answer.content).hexdigest())).encode()
    assert queries.is_signed(text, answer.headers["Epipolis-Signature"], queries.own_public_key())
    assert not queries.is_signed(text + b"x", answer.headers["Epipolis-Signature"], queries.own_public_key())


def test_a_request_taken_before_is_refused(remote, client, partner):
    raw = raw_offer()
    headers = remote.headers(raw)

    assert [post(client, raw, headers).status_code for _ in range(3)] == [200, 409, 409]
    assert Transfer.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Epipolis-Signature": "AAAA"}, 403),
        ({"Epipolis-Signature": "not base64 ä"}, 403),
        ({"Epipolis-Signature": ""}, 400),
        ({"Epipolis-Nonce": "1"}, 400),
        ({"Epipolis-Nonce": "g" * 32}, 400),
        ({"Epipolis-Time": "x"}, 400),
        ({"Epipolis-To": "0" * 64}, 421),
        ({"Epipolis-From": "0" * 64}, 403),
    ],
)
def test_a_request_with_a_wrong_header_changes_nothing(remote, client, partner, changed, status):
    raw = raw_offer()

    assert post(client, raw, remote.headers(raw, **changed)).status_code == status
    assert (Transfer.objects.count(), UsedNonce.objects.count()) == (0, 0)


def test_a_signature_does_not_fit_another_content_time_or_number(remote, client, partner):
    raw = raw_offer()
    headers = remote.headers(raw)

    for name, value in (("Epipolis-Time", str(int(headers["Epipolis-Time"]) + 1)), ("Epipolis-Nonce", "0" * 32)):
        assert post(client, raw, headers | {name: value}).status_code == 403
    assert post(client, raw.replace(b"Ana", b"Eva"), headers).status_code == 403
    assert Transfer.objects.count() == 0


def test_another_key_cannot_speak_for_a_partner(remote, client, partner):
    forger = Remote("forger")
    raw = raw_offer()
    forger.key_id = remote.key_id

    assert post(client, raw, forger.headers(raw)).status_code == 403
    assert Transfer.objects.count() == 0


@pytest.mark.parametrize(("seconds", "status"), [(-290, 200), (290, 200), (-320, 403), (320, 403), (86_400, 403)])
def test_clocks_may_differ_by_minutes_only(remote, client, partner, seconds, status):
    raw = raw_offer()

    assert post(client, raw, remote.headers(raw, at=datetime.now(UTC) + timedelta(seconds=seconds))).status_code == status


def test_an_office_that_is_unknown_uncompared_or_closed_is_not_heard(remote, client):
    raw = raw_offer()
    assert post(client, raw, remote.headers(raw)).status_code == 403
    made = services.add_partner("S", "https://s.example", remote.public_key, by="test", at=LATER)
    assert post(client, raw, remote.headers(raw)).status_code == 403
    services.compare_key(made.id, queries.spoken(remote.public_key), by="test", at=LATER)
    services.close_partner(made.id, by="test", at=LATER)
    assert post(client, raw, remote.headers(raw)).status_code == 403
    services.close_partner(made.id, closed=False, by="test", at=LATER)
    assert post(client, raw, remote.headers(raw)).status_code == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"version":2,"kind":"offer","transfer":"00000000-0000-0000-0000-000000000000","body":{}}',
        b'{"version":1,"kind":"steal","transfer":"00000000-0000-0000-0000-000000000000","body":{}}',
        b'{"version":1,"kind":"offer","transfer":"x","body":{}}',
        b'{"version":1,"kind":"offer","transfer":"00000000-0000-0000-0000-000000000000","body":{}}',
        raw_offer(what="gift"),
        raw_offer(revision=-1),
        raw_offer(message=7),
        raw_offer(document=document(onset="yesterday")),
        raw_offer(document=document(case_id="")),
        raw_offer(document=document(note="a\0b")),
        raw_offer(document=document(setting="x" * 5_000)),
        raw_offer(document=document(symptoms=[["a", "yes"]] * 3_000)),
        raw_offer(document=document(person={"birth": [1, 2]})),
        raw_offer(document=[1]),
    ],
)
def test_a_broken_message_is_refused_by_a_signed_answer_and_nothing_is_stored(remote, client, partner, raw):
    answer = post(client, raw, remote.headers(raw))

    assert answer.status_code == 422
    assert answer.headers["Epipolis-Signature"]
    assert Transfer.objects.count() == 0


def test_a_request_that_is_too_large_is_refused(remote, client, partner):
    raw = b" " * (settings.body_bytes + 1)

    assert post(client, raw, remote.headers(raw)).status_code == 413


def test_accepting_makes_the_case_with_everything_that_belongs_to_it(remote, client, partner):
    contact = {"ref": "K1", "given": "Ben", "family": "Torres", "phones": ["555 0101"], "relation": "brother"}
    told = document(contacts=[contact | {"last_contact": "2026-03-02"}], symptoms=[["cough", "yes"], ["hiccups", "yes"]])
    row = received(remote, client, told, origin={"instance": "x", "case": str(uuid4())})

    done = services.accept_transfer(row.id, by="test", at=LATER)

    made = Case.objects.get(id=done.case_id)
    assert (made.source, made.source_key, made.onset, made.owner) == ("Southport: hospital", "S-1", date(2026, 3, 1), "")
    assert (made.classification, made.symptoms) == ("confirmed", {"cough": "yes"})
    assert [one.result for one in case_queries.tests_of(made.id)] == ["positive"]
    assert people_queries.record_of(made.person_id, by="t", at=LATER, why="case").name.full == "Ana Torres"
    [met] = followup.exposures_from(made.id)
    assert (met.relation, met.last_contact) == ("brother", date(2026, 3, 2))
    assert "hiccups" in str(done.left)
    assert (done.state, done.owner) == ("accepted", queries.own_name())
    services.deliver_waiting(LATER)
    assert remote.heard[-1]["body"] == {"state": "accepted", "reason": ""}


def test_what_was_answered_is_not_answered_again(remote, client, partner):
    row = received(remote, client)
    services.accept_transfer(row.id, by="test", at=LATER)

    for act in (
        lambda: services.accept_transfer(row.id, by="t", at=LATER),
        lambda: services.reject_transfer(row.id, "x", by="t", at=LATER),
    ):
        with pytest.raises(services.TransferError, match="answered"):
            act()
    assert Case.objects.count() == 1


def test_a_case_of_a_person_who_is_here_joins_the_open_illness_and_what_is_known_here_stays(remote, client, partner):
    from epipolis.sense.people import services as people

    who = people.PersonRow(identifiers=[("national_id", "X1234567")], given_name="Ana", family_name="Torres")
    person = people.match_person(who, by="test", at=LATER).person
    facts = {"onset": date(2026, 3, 2), "classification": "suspected"}
    own = cases.report_case(person, facts, disease="covid", source="desk", source_key="", by="test", at=LATER)
    row = received(remote, client)

    done = services.accept_transfer(row.id, by="test", at=LATER)

    assert done.case_id == own.id
    found = Case.objects.get(id=own.id)
    assert (found.onset, found.reported, found.symptoms) == (
        date(2026, 3, 2),
        date(2026, 3, 3),
        {"cough": "yes", "fever": "no"},
    )
    assert {one.field for one in queries.losses_of(done)} >= {"onset of symptoms", "classification"}


def test_facts_that_cannot_be_true_are_not_accepted_and_can_be_rejected(remote, client, partner):
    row = received(remote, client, document(onset="2030-01-01"))

    with pytest.raises(services.TransferError, match="future"):
        services.accept_transfer(row.id, by="test", at=LATER)

    assert (Case.objects.count(), Person.objects.count()) == (0, 0)
    services.reject_transfer(row.id, "onset in the future", by="test", at=LATER)
    services.deliver_waiting(LATER + timedelta(minutes=1))
    assert remote.heard[-1]["body"] == {"state": "rejected", "reason": "onset in the future"}


def test_a_rejection_is_undone_until_it_has_left(remote, client, partner):
    row = received(remote, client)
    services.reject_transfer(row.id, "not ours", by="test", at=LATER)

    assert services.undo_decision(row.id, by="test", at=LATER).state == "received"
    services.deliver_waiting(LATER + timedelta(minutes=1))
    assert remote.heard == []

    services.reject_transfer(row.id, "not ours", by="test", at=LATER)
    services.deliver_waiting(LATER + timedelta(minutes=1))
    with pytest.raises(services.TransferError, match="left already"):
        services.undo_decision(row.id, by="test", at=LATER)


def test_a_withdrawal_takes_the_document_away_unless_somebody_accepted_before(remote, client, partner):
    first, second = received(remote, client), received(remote, client, document(case_id="S-2"))
    services.accept_transfer(second.id, by="test", at=LATER)

    answers = [remote.says(client, "withdrawal", row.remote_id, reason="mistake").json()["state"] for row in (first, second)]

    assert answers == ["withdrawn", "accepted"]
    first.refresh_from_db()
    assert (first.state, first.reason, bytes(first.document)) == ("withdrawn", "mistake", b"")
    with pytest.raises(services.TransferError):
        services.accept_transfer(first.id, by="test", at=LATER)


def test_a_withdrawal_that_overtakes_its_offer_holds(remote, client, partner):
    number = uuid4()
    remote.says(client, "withdrawal", number, reason="mistake")

    assert remote.offers(client, document(), transfer=number).json()["state"] == "withdrawn"
    assert Case.objects.count() == 0


def test_a_case_that_was_given_away_comes_home_and_only_from_who_has_it(remote, client, partner):
    own = case(source_key="N1")
    cases.set_owner(own.id, "Southport", by="test", at=LATER)
    home = {"instance": queries.own_key_id(), "case": str(own.id)}
    back = document(case_id="N1", source="Home: clinic", hospitalised="2026-03-05")
    thief = Remote("Elsewhere")
    known(thief, at=LATER)

    stolen = received(thief, client, back | {"person": {"given": "Eva", "family": "Kim"}}, origin=home)
    services.accept_transfer(stolen.id, by="test", at=LATER)
    assert Case.objects.get(id=own.id).owner == "Southport"

    row = Transfer.objects.get(remote_id=_offer(remote, client, back, home))
    done = services.accept_transfer(row.id, by="test", at=LATER)
    found = Case.objects.get(id=own.id)
    assert (done.case_id, found.owner, found.hospitalised) == (own.id, "", date(2026, 3, 5))


def _offer(remote, client, told, origin):
    number = uuid4()
    assert remote.offers(client, told, transfer=number, origin=origin).status_code == 200
    return number


def test_a_number_that_belongs_to_somebody_else_is_not_filed_with_them(remote, client, partner):
    first = received(remote, client)
    services.accept_transfer(first.id, by="test", at=LATER)
    other = {"given": "Olga", "family": "Petrova", "birth": [1955, 1, 1]}

    row = received(remote, client, document(person=other))

    with pytest.raises(services.TransferError, match="somebody else"):
        services.accept_transfer(row.id, by="test", at=LATER)


def shared(remote, client):
    row = received(remote, client, document(person={"identifiers": [["pseudonym", "AB", ""]]}, contacts=[]), "share")
    return services.accept_transfer(row.id, by="test", at=LATER)


def test_a_shared_case_is_read_and_is_in_no_count(remote, client, partner):
    row = shared(remote, client)

    assert (Case.objects.count(), Person.objects.count()) == (0, 0)
    assert queries.document(row).onset == date(2026, 3, 1)
    assert row.owner == "Southport"


def news(remote, client, row, revision, **changed):
    told = queries.plain_document(queries.document(row)) | changed
    return remote.says(client, "update", row.remote_id, document=told, revision=revision).json()


def test_news_of_the_owner_hold_in_whatever_order_they_come(remote, client, partner):
    row = shared(remote, client)

    for revision, day in ((3, "2026-03-04"), (2, "2026-03-03"), (3, "2026-03-05")):
        news(remote, client, row, revision, onset=day)

    row.refresh_from_db()
    assert (queries.document(row).onset, row.revision) == (date(2026, 3, 4), 3)


def test_ones_own_change_survives_news_unless_the_owner_changed_the_same_and_the_loss_is_told(remote, client, partner):
    row = shared(remote, client)
    changes = {"onset": date(2026, 2, 28), "hospitalised": date(2026, 3, 4)}
    services.change_shared(row.id, changes, by="test", at=LATER)

    news(remote, client, row, 2, onset="2026-03-02")

    row.refresh_from_db()
    assert queries.document(row).onset == date(2026, 3, 2)
    assert queries.changed_document(row).hospitalised == date(2026, 3, 4)
    assert queries.changed_document(row).onset == date(2026, 3, 2)
    [lost] = queries.losses_of(row)
    assert (lost.field, lost.kept, lost.lost, lost.ours) == ("onset of symptoms", "2026-03-02", "2026-02-28", True)
    waiting = Outgoing.objects.filter(transfer=row, kind="proposal", state="waiting")
    assert waiting.count() == 1


def test_the_owners_verdict_ends_a_proposal(remote, client, partner):
    row = shared(remote, client)
    services.change_shared(row.id, {"hospitalised": date(2026, 3, 4)}, by="test", at=LATER)
    merged = queries.plain_document(queries.document(row)) | {"hospitalised": "2026-03-04"}
    remote.answers = lambda told: (200, {"outcome": "merged", "document": merged, "revision": 2})

    services.deliver_waiting(LATER + timedelta(minutes=1))

    row.refresh_from_db()
    assert (queries.changed_document(row), queries.document(row).hospitalised) == (None, date(2026, 3, 4))
    assert queries.losses_of(row) == []


def test_a_shared_case_that_is_withdrawn_is_gone(remote, client, partner):
    row = shared(remote, client)

    assert remote.says(client, "withdrawal", row.remote_id, reason="over").json()["state"] == "withdrawn"

    row.refresh_from_db()
    assert (row.state, bytes(row.document)) == ("withdrawn", b"")


def test_only_a_shared_case_is_updated_by_news(remote, client, partner):
    row = received(remote, client)
    done = services.accept_transfer(row.id, by="test", at=LATER)

    assert remote.says(client, "update", row.remote_id, document=document(onset="2026-03-02"), revision=9).json() == {
        "state": "accepted"
    }
    assert Case.objects.get(id=done.case_id).onset == date(2026, 3, 1)
