from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from django.test import Client

from epipolis.act.transfers import queries, services
from epipolis.act.transfers.models import Outgoing, Transfer, UsedNonce
from epipolis.act.transfers.settings import settings
from epipolis.core.models import AuditEntry
from epipolis.sense.cases import services as cases
from epipolis.sense.cases.models import Case
from epipolis.sense.people import services as people
from tests.sense.cases.factories import LATER

from .remote import known

pytestmark = pytest.mark.django_db
GONE = LATER + timedelta(seconds=settings.hold_seconds)


def named_case(number="N1", national="A1234567", **facts):
    row = people.PersonRow(
        identifiers=[("national_id", national)],
        given_name="Mina",
        family_name="Weber",
        birth=(1975, 5, 6),
        phones=["0912555010"],
    )
    person = people.match_person(row, by="test", at=LATER).person
    facts = {"classification": "confirmed", "reported": date(2026, 3, 9), "note": "lives next to the mill"} | facts
    return cases.report_case(person, facts, disease="covid", source="ward", source_key=number, by="test", at=LATER)


def sent(remote, case, what="handover", **may):
    partner = queries.partner_of_key(remote.key_id) or known(remote, remote.port, at=LATER, **may)
    row = services.draft_transfer(case.id, partner.id, what, by="test", at=LATER, message="moved house")
    return services.send_transfer(row.id, by="test", at=LATER)


def again(row):
    return Transfer.objects.get(id=row.id)


def test_a_case_leaves_after_the_time_to_take_it_back_and_the_other_office_gets_all_of_it(remote):
    row = sent(remote, named_case())

    assert services.deliver_waiting(LATER) == 0
    assert services.deliver_waiting(GONE) == 1

    assert again(row).state == "received"
    [told] = remote.heard
    assert (told["kind"], told["transfer"], told["body"]["what"]) == ("offer", str(row.id), "handover")
    person = told["body"]["document"]["person"]
    assert (person["given"], person["identifiers"]) == ("Mina", [["national_id", "A1234567", ""]])
    assert told["body"]["message"] == "moved house"
    assert AuditEntry.objects.filter(action="people.read", detail__why="transfer").exists()


def test_what_was_delivered_is_not_sent_twice_and_not_kept(remote):
    row = sent(remote, named_case())
    services.deliver_waiting(GONE)

    assert services.deliver_waiting(GONE + timedelta(days=1)) == 0
    assert len(remote.heard) == 1
    assert bytes(Outgoing.objects.get(transfer=row).body) == b""


def test_what_has_not_left_is_taken_back(remote):
    row = sent(remote, named_case())

    assert services.take_back(row.id, by="test", at=LATER).state == "drafted"
    assert services.deliver_waiting(GONE) == 0
    services.send_transfer(row.id, by="test", at=GONE)
    assert services.deliver_waiting(GONE + timedelta(minutes=1)) == 1
    assert len(remote.heard) == 1


def test_what_has_left_cannot_be_taken_back(remote):
    row = sent(remote, named_case())
    services.deliver_waiting(GONE)

    with pytest.raises(services.TransferError, match="has left already"):
        services.take_back(row.id, by="test", at=GONE)


def test_a_silent_office_is_asked_again_later_and_later_until_it_is_given_up(remote):
    remote.signs = False
    row = sent(remote, named_case())
    at, waits = GONE, []
    for _ in range(6):
        services.deliver_waiting(at)
        message = Outgoing.objects.get(transfer=row)
        waits.append(round((message.next_try - at).total_seconds()))
        at = message.next_try
    assert waits == [10, 20, 40, 80, 160, 320]
    assert "not signed" in message.problem
    assert again(row).state == "sent"

    services.deliver_waiting(LATER + timedelta(hours=settings.give_up_hours, minutes=1))
    assert again(row).state == "failed"

    remote.signs = True
    services.resend(row.id, by="test", at=at)
    assert again(row).state == "sent"
    services.deliver_waiting(at)
    assert again(row).state == "received"


def test_what_the_other_office_refuses_by_its_signature_fails_at_once(remote):
    remote.answers = lambda told: (409, {"code": "changed", "detail": "was offered before"})
    row = sent(remote, named_case())

    services.deliver_waiting(GONE)

    assert again(row).state == "failed"
    assert "was offered before" in Outgoing.objects.get(transfer=row).problem


def test_an_accepted_handover_gives_the_case_away_and_nobody_here_changes_it_any_more(remote, client):
    case = named_case()
    row = sent(remote, case)
    services.deliver_waiting(GONE)

    for _ in range(2):
        assert remote.says(client, "answer", row.id, state="accepted", reason="").json() == {"state": "accepted"}

    assert (again(row).state, again(row).owner) == ("accepted", "Southport")
    assert Case.objects.get(id=case.id).owner == "Southport"
    with pytest.raises(cases.NotOursError):
        cases.revise_case(case.id, {"note": "x"}, by="test", at=GONE)


def test_who_gave_a_case_away_is_told_where_to_ask_for_news_of_it(remote, client, staff):
    registrar = Client()
    registrar.force_login(staff("registrar"))
    case = named_case()
    row = sent(remote, case)
    services.deliver_waiting(GONE)

    assert "Ask there" not in registrar.get(f"/transfers/cases/{case.id}/").content.decode()
    remote.says(client, "answer", row.id, state="accepted", reason="")
    for path in (f"/transfers/cases/{case.id}/", f"/transfers/{row.id}/"):
        page = registrar.get(path).content.decode()
        assert "Ask there" in page
        assert again(row).partner.address in page
        assert str(row.remote_id) in page
    with pytest.raises(cases.NotOursError):
        cases.note_test(case.id, source="l", source_ref="1", kind="pcr", result="positive", by="test", at=GONE)
    with pytest.raises(services.TransferError, match="owned by Southport"):
        services.draft_transfer(case.id, row.partner_id, "share", by="test", at=GONE)


def test_changes_after_sending_are_told_when_the_case_is_given_away(remote, client):
    case = named_case()
    row = sent(remote, case)
    services.deliver_waiting(GONE)
    cases.revise_case(case.id, {"hospitalised": date(2026, 3, 9)}, by="test", at=GONE)

    remote.says(client, "answer", row.id, state="accepted")

    [[text, values]] = again(row).left
    assert "other office does not know" in text
    assert values["fields"] == "admitted to hospital"


def test_a_rejection_comes_back_with_its_reason_and_the_case_stays_ours(remote, client):
    case = named_case()
    row = sent(remote, case)
    services.deliver_waiting(GONE)

    remote.says(client, "answer", row.id, state="rejected", reason="lives elsewhere")

    assert (again(row).state, again(row).reason) == ("rejected", "lives elsewhere")
    assert Case.objects.get(id=case.id).owner == ""


def test_of_a_withdrawal_and_an_acceptance_the_other_office_says_which_was_first(remote, client):
    first, second = (sent(remote, named_case(f"N{n}", f"A123456{n}")) for n in (1, 2))
    services.deliver_waiting(GONE)
    for row in (first, second):
        services.withdraw_transfer(row.id, "sent by mistake", by="test", at=GONE)
    remote.answers = lambda told: (200, {"state": "withdrawn" if told["transfer"] == str(first.id) else "accepted"})

    services.deliver_waiting(GONE)

    assert (again(first).state, again(second).state) == ("withdrawn", "accepted")
    assert Case.objects.get(id=second.case_id).owner == "Southport"
    assert Case.objects.get(id=first.case_id).owner == ""


def test_a_withdrawal_before_anything_has_left_tells_nobody(remote):
    row = sent(remote, named_case())

    assert services.withdraw_transfer(row.id, "mistake", by="test", at=LATER).state == "withdrawn"
    assert services.deliver_waiting(GONE) == 0
    assert remote.heard == []


def test_a_case_is_handed_over_to_one_office_at_a_time(remote):
    case = named_case()
    row = sent(remote, case)

    with pytest.raises(services.TransferError, match="handed over already"):
        services.draft_transfer(case.id, row.partner_id, "handover", by="test", at=LATER)


@pytest.mark.parametrize("may", [{"may_hand_over": False}, {"diseases": "measles, mers"}])
def test_what_may_not_be_sent_is_not_drafted(remote, may):
    partner = known(remote, at=LATER, **may)

    with pytest.raises(services.TransferError):
        services.draft_transfer(named_case().id, partner.id, "handover", by="test", at=LATER)
    assert Transfer.objects.count() == 0


def test_nothing_goes_to_an_office_whose_key_nobody_compared_or_that_was_closed(remote):
    case = named_case()
    made = services.add_partner("New", "http://127.0.0.1:9", remote.public_key, by="test", at=LATER)
    with pytest.raises(services.TransferError, match="not open"):
        services.draft_transfer(case.id, made.id, "handover", by="test", at=LATER)
    with pytest.raises(services.TransferError, match="not the digits"):
        services.compare_key(made.id, "00000 " * 8, by="test", at=LATER)
    services.compare_key(made.id, queries.spoken(remote.public_key).replace(" ", ""), by="test", at=LATER)
    row = services.draft_transfer(case.id, made.id, "handover", by="test", at=LATER)
    services.close_partner(made.id, by="test", at=LATER)

    with pytest.raises(services.TransferError, match="not open"):
        services.send_transfer(row.id, by="test", at=LATER)


@pytest.mark.parametrize(
    "address", ["http://epipolis.example.org", "ftp://a", "https://", "https://user@a", "https://a?x=1", "https://a:x", ""]
)
def test_an_address_that_would_show_names_or_is_none_is_refused(remote, address):
    with pytest.raises(services.TransferError):
        services.add_partner("New", address, remote.public_key, by="test", at=LATER)


@pytest.mark.parametrize("key", ["", "x", "AAAA", "ä" * 44, queries.own_public_key])
def test_a_key_that_is_none_or_ones_own_is_refused(key):
    with pytest.raises(services.TransferError):
        services.add_partner("New", "https://a.example", key() if callable(key) else key, by="test", at=LATER)


def test_a_shared_case_says_nothing_of_whose_it_is_and_the_same_person_has_one_pseudonym_an_office(remote):
    case, other = named_case(onset=date(2026, 3, 2)), named_case("N2")
    cases.note_test(case.id, source="lab", source_ref="accession 77", kind="pcr", result="positive", by="t", at=LATER)
    rows = [sent(remote, one, "share") for one in (case, other)]
    services.deliver_waiting(GONE)

    text = str([told["body"] for told in remote.heard])
    for one in ("Mina", "Weber", "A1234567", "0912", "accession", "mill", "'N1'", "ward", "1975, 5"):
        assert one not in text
    first, second = (told["body"]["document"] for told in remote.heard)
    assert first["person"]["identifiers"] == second["person"]["identifiers"]
    assert (first["onset"], first["person"]["birth"]) == ("2026-03-02", [1975, None, None])
    assert queries.document(again(rows[0])).person.given == ""
    elsewhere = queries.pseudonymous(queries.unread_document_of(case), case.id, case.person_id, "another key")
    assert elsewhere.person.identifiers[0][1] != first["person"]["identifiers"][0][1]


def shared(remote, client, **may):
    case = named_case(onset=date(2026, 3, 2))
    row = sent(remote, case, "share", **may)
    services.deliver_waiting(GONE)
    remote.says(client, "answer", row.id, state="accepted")
    remote.heard.clear()
    remote.answers = lambda told: (200, {"state": "accepted"})
    return case, row


def test_who_reads_along_hears_each_change_once(remote, client, deliver_events):
    case, _row = shared(remote, client)

    cases.revise_case(case.id, {"onset": date(2026, 3, 1)}, by="test", at=GONE)
    deliver_events(twice=True)
    cases.revise_case(case.id, {"note": "not for others"}, by="test", at=GONE)
    deliver_events(twice=True)
    services.deliver_waiting(GONE)

    assert [told["body"]["document"]["onset"] for told in remote.heard] == ["2026-03-01"]
    assert Case.objects.get(id=case.id).owner == ""
    cases.note_test(case.id, source="lab", source_ref="1", kind="pcr", result="negative", by="test", at=GONE)
    services.tell_readers(case.id, at=GONE)
    services.deliver_waiting(GONE)
    assert remote.heard[-1]["body"]["document"]["tests"][0]["result"] == "negative"


def proposal(row, **changed):
    base = again(row)
    told = queries.plain_document(queries.document(base)) | changed
    return {"document": told, "revision": base.revision}


def test_a_reader_whose_changes_are_not_wanted_is_refused(remote, client):
    case, row = shared(remote, client)

    told = remote.says(client, "proposal", row.id, **proposal(row, hospitalised="2026-03-05")).json()

    assert told["outcome"] == "refused"
    assert Case.objects.get(id=case.id).hospitalised is None


def test_a_readers_change_is_merged_and_where_both_changed_the_owners_word_stays(remote, client):
    case, row = shared(remote, client, may_change=True)
    sent_before = proposal(row, hospitalised="2026-03-05", onset="2026-03-01", note="smuggled", case_id="N9")
    Case.objects.filter(id=case.id).update(onset=date(2026, 2, 27))

    told = remote.says(client, "proposal", row.id, **sent_before).json()

    assert told["outcome"] == "merged"
    found = Case.objects.get(id=case.id)
    assert (found.hospitalised, found.onset, found.note) == (date(2026, 3, 5), date(2026, 2, 27), "lives next to the mill")
    assert told["document"]["onset"] == "2026-02-27"
    [lost] = queries.losses_of(again(row))
    assert (lost.kept, lost.lost, lost.ours) == ("2026-02-27", "2026-03-01", False)


def test_a_change_of_an_old_version_is_refused_with_the_present_one(remote, client):
    case, row = shared(remote, client, may_change=True)
    old = proposal(row, hospitalised="2026-03-05")
    cases.revise_case(case.id, {"onset": date(2026, 3, 1)}, by="test", at=GONE)
    services.tell_readers(case.id, at=GONE)

    told = remote.says(client, "proposal", row.id, **old).json()

    assert (told["outcome"], told["document"]["onset"]) == ("stale", "2026-03-01")
    assert Case.objects.get(id=case.id).hospitalised is None


def test_a_change_that_cannot_be_true_is_refused(remote, client):
    case, row = shared(remote, client, may_change=True)

    told = remote.says(client, "proposal", row.id, **proposal(row, hospitalised="2027-01-01")).json()

    assert told["outcome"] == "refused"
    assert Case.objects.get(id=case.id).hospitalised is None


def test_sharing_ends_and_no_news_go_out_any_more(remote, client):
    case, row = shared(remote, client)
    services.withdraw_transfer(row.id, "no longer needed", by="test", at=GONE)
    remote.answers = lambda told: (200, {"state": "withdrawn"})
    services.deliver_waiting(GONE)

    cases.revise_case(case.id, {"onset": date(2026, 3, 1)}, by="test", at=GONE)
    assert services.tell_readers(case.id, at=GONE) == 0
    assert again(row).state == "withdrawn"


def test_another_office_cannot_answer_for_a_transfer_that_went_elsewhere(remote, client):
    from .remote import Remote

    row = sent(remote, named_case())
    services.deliver_waiting(GONE)
    other = Remote("Elsewhere")
    known(other, at=LATER)

    assert other.says(client, "answer", row.id, state="accepted").status_code == 404
    assert other.says(client, "answer", uuid4(), state="accepted").status_code == 404
    assert again(row).state == "received"


def test_documents_end_and_the_proof_stays_for_years(remote, client):
    row = sent(remote, named_case())
    services.deliver_waiting(GONE)
    remote.says(client, "answer", row.id, state="rejected", reason="no")

    assert services.forget_documents(before=GONE + timedelta(days=1), at=GONE) == 1
    assert bytes(again(row).document) == b""
    assert services.forget_documents(before=GONE + timedelta(days=1), at=GONE) == 0
    assert services.forget_transfers(before=GONE + timedelta(days=1), at=GONE) > 0
    assert not Transfer.objects.filter(id=UUID(str(row.id))).exists()
    assert services.forget_nonces(before=GONE, at=GONE) == 0
    assert UsedNonce.objects.count() == 1
