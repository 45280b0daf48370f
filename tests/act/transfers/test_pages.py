from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from epipolis.act.transfers import queries, services
from epipolis.act.transfers.models import Partner, Transfer
from epipolis.core.access import issue_token
from epipolis.core.models import AuditEntry
from epipolis.sense.cases import services as cases
from epipolis.sense.cases.models import Case
from tests.sense.cases.factories import LATER, case

from .remote import document, known
from .test_sending import GONE, named_case, sent

pytestmark = pytest.mark.django_db
API = "/api/v1/transfers"


@pytest.fixture
def registrar(client, staff):
    client.force_login(staff("registrar"))
    return client


def text(answer):
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_the_empty_pages_say_what_to_do_next(registrar, remote):
    assert "Add an office" in text(registrar.get("/transfers/"))
    assert "Ask another office for its name" in text(registrar.get("/transfers/offices/"))
    assert "No office is open" in text(registrar.get(f"/transfers/cases/{case().id}/"))
    known(remote, at=LATER)
    assert "Open a case and choose" in text(registrar.get("/transfers/"))
    row = sent(remote, named_case())
    services.withdraw_transfer(row.id, "mistake", by="test", at=LATER)
    assert "Nothing waits" in text(registrar.get("/transfers/"))
    assert "No transfer fits" in text(registrar.get("/transfers/?state=rejected"))


def test_an_office_is_added_and_opened_by_the_digits_of_its_key_only(registrar, remote):
    told = {"name": "Southport", "address": "https://south.example/", "public_key": remote.public_key, "may_hand_over": "on"}
    registrar.post("/transfers/offices/add/", told)
    made = Partner.objects.get()
    assert (made.address, made.is_open, made.may_hand_over, made.may_share) == ("https://south.example", False, True, False)

    page = text(registrar.get(f"/transfers/offices/{made.id}/"))
    assert queries.spoken(queries.own_public_key()) in page
    assert queries.spoken(remote.public_key) not in page

    registrar.post(f"/transfers/offices/{made.id}/compare/", {"digits": "12345 " * 8})
    assert not Partner.objects.get().is_open
    registrar.post(f"/transfers/offices/{made.id}/compare/", {"digits": queries.spoken(remote.public_key)})
    assert Partner.objects.get().is_open
    registrar.post(f"/transfers/offices/{made.id}/close/")
    assert not Partner.objects.get().is_open
    registrar.post(f"/transfers/offices/{made.id}/close/", {"open": "1"})
    assert Partner.objects.get().is_open
    registrar.post(f"/transfers/offices/{made.id}/change/", {"address": "https://new.example", "may_share": "on"})
    assert (Partner.objects.get().address, Partner.objects.get().may_hand_over) == ("https://new.example", False)
    assert registrar.post(f"/transfers/offices/{made.id}/change/", {"address": "http://new.example"}).status_code == 422


def test_a_case_is_sent_from_its_own_page_after_a_look_at_what_would_leave(registrar, remote):
    partner, made = known(remote, remote.port, at=LATER), named_case()
    page = text(registrar.get(f"/cases/{made.id}/"))
    assert f"/transfers/cases/{made.id}/" in page

    answer = registrar.post(
        f"/transfers/cases/{made.id}/draft/", {"partner": partner.id, "what": "handover", "message": "moved"}
    )
    row = Transfer.objects.get()
    assert answer.headers["Location"] == f"/transfers/{row.id}/"
    page = text(registrar.get(f"/transfers/{row.id}/"))
    assert "Nothing has left yet" in page
    assert "Weber" not in page
    assert "Weber" in text(registrar.post(f"/transfers/{row.id}/open/"))
    assert AuditEntry.objects.filter(action="people.read", person=made.person_id, detail__why="transfer").exists()

    registrar.post(f"/transfers/{row.id}/send/")
    assert "It has not left yet" in text(registrar.get(f"/transfers/{row.id}/"))
    registrar.post(f"/transfers/{row.id}/take_back/")
    registrar.post(f"/transfers/{row.id}/discard/")
    assert Transfer.objects.count() == 0


def test_a_case_of_another_office_is_read_and_answered_on_its_page(registrar, remote):
    known(remote, remote.port, at=LATER)
    for number in ("S-1", "S-2"):
        remote.offers(registrar, document(case_id=number), message="moved to you")
    first, second = Transfer.objects.order_by("subject")

    listed = text(registrar.get("/transfers/"))
    assert "S-1 covid" in listed
    page = text(registrar.get(f"/transfers/{first.id}/"))
    assert "moved to you" in page
    assert "Torres" not in page
    registrar.post(f"/transfers/{first.id}/accept/")
    assert Case.objects.get().source == "Southport: hospital"
    assert "Say why" in text(registrar.post(f"/transfers/{second.id}/reject/", follow=True))
    registrar.post(f"/transfers/{second.id}/reject/", {"reason": "not ours"})
    registrar.post(f"/transfers/{second.id}/undo/")
    assert [one.state for one in Transfer.objects.order_by("subject")] == ["accepted", "received"]


def test_a_case_that_was_given_away_says_so_on_its_page_and_cannot_be_changed_there(registrar):
    made = case()
    cases.set_owner(made.id, "Southport", by="test", at=LATER)

    page = text(registrar.get(f"/cases/{made.id}/"))
    assert "handed over to Southport" in page
    assert f'href="/transfers/cases/{made.id}/">Where to ask' in page
    assert f"/cases/{made.id}/edit/" not in page
    registrar.post(f"/cases/{made.id}/edit/", {"classification": "confirmed", "revision": 1, "note": "x"})
    registrar.post(f"/cases/{made.id}/confirm/", {"revision": 1})
    assert Case.objects.get(id=made.id).revision == 1
    assert "Only that office can send it on" in text(registrar.get(f"/transfers/cases/{made.id}/"))


def test_a_reader_proposes_a_change_and_sees_what_was_lost(registrar, remote):
    known(remote, remote.port, at=LATER)
    number = uuid4()
    remote.offers(registrar, document(contacts=[]), "share", transfer=number)
    row = Transfer.objects.get()
    registrar.post(f"/transfers/{row.id}/accept/")
    registrar.post(f"/transfers/{row.id}/change/", {"classification": "confirmed", "outcome": "", "onset": "2026-02-27"})
    assert "Proposed by this office" in text(registrar.get(f"/transfers/{row.id}/"))

    remote.says(registrar, "update", number, document=document(onset="2026-02-28"), revision=2)

    page = text(registrar.get(f"/transfers/{row.id}/"))
    assert "Changed on both sides" in page
    assert "2026-02-27" in page


def test_the_losses_stand_before_the_downloads_and_the_files_come_back_in(registrar):
    made = named_case()
    page = text(registrar.get(f"/transfers/cases/{made.id}/"))
    assert "Everything is kept." in page
    for kind in ("fhir", "hl7", "csv"):
        assert f"/transfers/cases/{made.id}/case.{kind}" in page
    raw = registrar.get(f"/transfers/cases/{made.id}/case.csv").content
    chosen = "classification=confirmed&q=N1"
    assert f"/transfers/files/cases.hl7?{chosen.replace('&', '&amp;')}" in text(registrar.get(f"/transfers/files/?{chosen}"))
    assert registrar.get(f"/transfers/files/cases.hl7?{chosen}").content.startswith(b"MSH")
    assert "No case fits" in text(registrar.get("/transfers/files/?q=nothing+like+it"))

    told = text(registrar.post("/transfers/files/import/", {"file": SimpleUploadedFile("a.csv", raw)}))
    assert "known case, nothing new" in told
    assert registrar.post("/transfers/files/import/", {"file": SimpleUploadedFile("a.csv", b"x")}).status_code == 302
    assert registrar.get(f"/transfers/cases/{made.id}/case.exe").status_code == 404
    assert registrar.get(f"/transfers/cases/{uuid4()}/").status_code == 404


STEPS = ("send", "take_back", "discard", "withdraw", "resend", "accept", "reject", "undo", "change", "open")


@pytest.mark.parametrize("role", ["commander", "tracer", "operator", "auditor", "partner", "kiosk"])
def test_who_may_only_look_or_not_even_that_changes_nothing(client, staff, remote, role):
    made, row = named_case(), None
    row = sent(remote, made)
    client.force_login(staff(role))

    may_look = role == "commander"
    for page in ("/transfers/", f"/transfers/{row.id}/", "/transfers/offices/", f"/transfers/cases/{made.id}/"):
        assert client.get(page).status_code == (200 if may_look else 403)
    for step in STEPS:
        assert client.post(f"/transfers/{row.id}/{step}/", {"reason": "x"}).status_code == 403
    for page in (f"/transfers/cases/{made.id}/case.fhir", "/transfers/files/", "/transfers/files/cases.csv"):
        assert client.get(page).status_code == 403
    for page in (f"/transfers/cases/{made.id}/draft/", "/transfers/files/import/", "/transfers/offices/add/"):
        assert client.post(page).status_code == 403
    for page in ("compare", "close", "change"):
        assert client.post(f"/transfers/offices/{row.partner_id}/{page}/").status_code == 403
    assert Transfer.objects.get().state == "sent"


def test_an_epidemiologist_sends_and_decides_and_opens_no_office(client, staff, remote):
    row = sent(remote, named_case())
    client.force_login(staff("epidemiologist"))

    assert client.post(f"/transfers/{row.id}/take_back/").status_code == 302
    assert Transfer.objects.get().state == "drafted"
    assert client.post(f"/transfers/offices/{row.partner_id}/close/").status_code == 403
    assert Partner.objects.get().is_open


def api(client, token, method, path, body=None):
    headers = {"Authorization": f"Bearer {token}"}
    return client.generic(method, f"{API}{path}", body or "", content_type="application/json", headers=headers)


def token_with(*scopes):
    return issue_token("program", list(scopes), by=None, at=LATER)[1]


def test_a_program_does_over_the_api_what_people_do(client, remote):
    token = token_with(*(f"transfers.{verb}" for verb in ("view", "send", "decide", "export", "import", "manage")))
    body = f'{{"name": "Southport", "address": "http://127.0.0.1:{remote.port}", "public_key": "{remote.public_key}"}}'
    office = api(client, token, "POST", "/offices", body).json()
    assert (office["is_open"], office["digits"]) == (False, queries.spoken(remote.public_key))
    assert api(client, token, "POST", f"/offices/{office['id']}/compare", '{"digits": "1"}').status_code == 409
    assert api(client, token, "POST", f"/offices/{office['id']}/compare", f'{{"digits": "{office["digits"]}"}}').json()[
        "is_open"
    ]
    made = named_case()
    sending = f'{{"case": "{made.id}", "partner": {office["id"]}, "what": "handover", "send": true}}'

    row = api(client, token, "POST", "/", sending).json()

    assert (row["state"], row["partner"], row["owner"], row["case"]) == ("sent", "Southport", queries.own_name(), str(made.id))
    assert api(client, token, "POST", "/", sending).status_code == 409
    services.deliver_waiting(GONE)
    assert api(client, token, "GET", f"/{row['id']}").json()["state"] == "received"
    assert api(client, token, "POST", f"/{row['id']}/withdraw", '{"reason": "mistake"}').json()["asked_back"]
    assert len(api(client, token, "GET", "/?direction=out&limit=1").json()["items"]) == 1
    assert {one["format"] for one in api(client, token, "GET", f"/cases/{made.id}/losses").json()} == {"FHIR", "HL7", "CSV"}
    raw = api(client, token, "GET", f"/cases/{made.id}/hl7").content
    headers = {"Authorization": f"Bearer {token}"}
    told = client.post(f"{API}/import", raw, content_type="text/plain", headers=headers).json()
    assert [(one["number"], one["outcome"]) for one in told] == [("N1", "same")]
    remote.offers(client, document())
    number = Transfer.objects.get(direction="in").id
    assert api(client, token, "POST", f"/{number}/reject", '{"reason": " "}').status_code == 409
    assert api(client, token, "POST", f"/{number}/accept").json()["state"] == "accepted"
    assert api(client, token, "POST", f"/{number}/reject", '{"reason": "late"}').status_code == 409
    assert api(client, token, "POST", f"/{uuid4()}/accept").status_code == 404


def test_a_program_without_the_scope_does_nothing(client, remote):
    row, token = sent(remote, named_case()), token_with("transfers.view")

    assert api(client, token, "GET", f"/{row.id}").status_code == 200
    for path, body in ((f"/{row.id}/withdraw", '{"reason": "x"}'), (f"/{row.id}/accept", ""), ("/import", "x")):
        assert api(client, token, "POST", path, body).status_code == 403
    assert api(client, token, "GET", f"/cases/{row.case_id}/fhir").status_code == 403
    assert Transfer.objects.get().state == "sent"


def test_the_tiles_count_what_waits_and_what_is_stuck(remote, client):
    known(remote, remote.port, at=LATER)
    remote.offers(client, document())
    sent(remote, named_case())

    assert (queries.count_waiting(LATER), queries.count_stuck(LATER)) == (1, 0)
    assert queries.count_stuck(LATER + timedelta(days=2)) == 1


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_asks_as_often_for_one_transfer_as_for_many(registrar, remote, django_assert_max_num_queries, rows):
    for number in range(rows):
        sent(remote, named_case(f"N{number}", f"A123456{number}"))
    registrar.get("/transfers/")

    with django_assert_max_num_queries(14):
        registrar.get("/transfers/")
