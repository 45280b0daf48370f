"""The pages and the API of questions, merges and taking apart; and who may not."""

import html
import json

import pytest

from epipolis.core import clock
from epipolis.core.accounts import User
from epipolis.core.models import AuditEntry
from epipolis.sense.people import queries, services
from epipolis.sense.people.models import MatchQuestion, Merge
from epipolis.sense.people.services.rows import PersonRow

from .factories import AT, NOBODY, ana, person

pytestmark = pytest.mark.django_db
ROLES = ("tracer", "registrar", "epidemiologist", "commander", "operator", "auditor", "kiosk", "partner")


@pytest.fixture(autouse=True)
def fixed_time():
    with clock.fixed(AT):
        yield


@pytest.fixture
def registrar(client, staff):
    client.force_login(staff("registrar"))
    return client


@pytest.fixture
def asked():
    """Ana, and somebody who may be Ana."""
    ana()
    row = PersonRow(given_name="Anna", family_name="Torres", birth=(1980, 5, 17), sex="F")
    return MatchQuestion.objects.get(id=services.match_person(row, by="clerk", at=AT).question)


def text_of(response):
    return html.unescape(response.content.decode())


def post(client, path, body):
    return client.post(f"/api/v1/people/{path}", json.dumps(body), content_type="application/json")


def test_two_records_stand_side_by_side_and_each_look_is_written_down(registrar, asked):
    page = registrar.get("/people/questions/", follow=True)

    text = text_of(page)
    assert all(word in text for word in ("Ana", "Anna", "Torres", "1980-05-17", "another spelling", "1 pair waits"))
    assert all(f'data-do="{key}"' in text for key in "sdl")
    looks = AuditEntry.objects.filter(action="people.read", detail__why="match").values_list("person", flat=True)
    assert set(looks) == {asked.person_id, asked.candidate_id}


def test_nothing_waits_has_a_page_of_its_own(registrar):
    assert "No question waits" in text_of(registrar.get("/people/questions/"))


@pytest.mark.parametrize(("answer", "merges"), [("same", 1), ("different", 0)])
def test_an_answer_is_kept_and_the_next_question_follows(registrar, asked, answer, merges):
    page = registrar.post(f"/people/questions/{asked.id}/answer/", {"answer": answer}, follow=True)

    asked.refresh_from_db()
    assert (asked.answer, asked.by, Merge.objects.count()) == (answer, "registrar", merges)
    assert "No question waits" in text_of(page)
    assert "Answered" in text_of(registrar.get(f"/people/questions/{asked.id}/"))


def test_a_second_opinion_does_not_overrule_the_first(registrar, asked):
    services.answer_question(asked.id, False, by="somebody", at=AT)

    page = registrar.post(f"/people/questions/{asked.id}/answer/", {"answer": "same"}, follow=True)

    assert "answered otherwise" in text_of(page)
    assert Merge.objects.count() == 0


def test_later_keeps_the_question(registrar, asked):
    registrar.post(f"/people/questions/{asked.id}/later/")

    asked.refresh_from_db()
    assert (asked.put_off, asked.answered) == (AT, None)


def test_people_are_merged_by_hand_and_taken_apart_on_the_persons_page(registrar):
    held, other = ana(), person(("lab", "7"), given_name="Annie", phones=["555 000 111"])

    found = registrar.post(f"/people/{held.id}/merge/", {"text": "555000111"})
    assert f"/people/{held.id}/merge/{other.id}/" in text_of(found)
    assert "Annie" in text_of(registrar.get(f"/people/{held.id}/merge/{other.id}/"))
    assert "required" in text_of(registrar.post(f"/people/{held.id}/merge/{other.id}/", {"reason": ""}))
    page = registrar.post(f"/people/{held.id}/merge/{other.id}/", {"reason": "one card"}, follow=True)

    made = Merge.objects.get()
    assert (page.redirect_chain[-1][0], made.winner_id) == (f"/people/{held.id}/", held.id)
    assert all(word in text_of(page) for word in ("Annie", "one card", "Merged by registrar", "555 000 111"))
    assert registrar.get(f"/people/{other.id}/").headers["Location"] == f"/people/{held.id}/"
    assert registrar.post(f"/people/merges/{made.id}/undo/", {"reason": ""}).status_code == 302
    made.refresh_from_db()
    assert made.undone_at is None
    page = registrar.post(f"/people/merges/{made.id}/undo/", {"reason": "two cards"}, follow=True)
    assert (page.redirect_chain[-1][0], queries.same_person(other.id)) == (f"/people/{other.id}/", (other.id,))


def test_a_link_by_the_rules_says_why_on_the_persons_page(registrar):
    held = ana()
    row = PersonRow(given_name="Anna", family_name="Torres", birth=(1980, 5, 17), phones=("+999 12-345 678",), address="Quay 1")
    services.match_person(row, by="clerk", at=AT)

    text = text_of(registrar.get(f"/people/{held.id}/"))

    assert all(word in text for word in ("Linked by the rules", "Given name: another spelling", "Born: the same"))


def test_a_hostile_name_stays_text(registrar):
    held, other = ana(), person(given_name="<script>alert(1)</script>", family_name="\u202eTorres", phones=["555 000 111"])

    page = registrar.get(f"/people/{held.id}/merge/{other.id}/")

    assert b"<script>alert" not in page.content


def test_somebody_who_registers_by_hand_hears_of_a_likely_double(registrar, asked):
    fields = ("given_name", "family_name", "birth", "sex", "phones", "emails", "number", "address", "neighbourhood", "language")
    form = dict.fromkeys(fields, "") | {"number_kind": "national_id", "given_name": "Hanna", "family_name": "Tores"}
    form |= {"birth": "1980-05-17", "sex": "F", "phones": "+999 12-345 678"}

    page = registrar.post("/people/new/", form, follow=True)

    assert any(word in text_of(page) for word in ("it is to be asked", "was registered before"))


@pytest.mark.parametrize("role", ROLES)
def test_only_who_may_merge_sees_answers_merges_or_takes_apart(client, staff, asked, role):
    held, other = person(), person()
    made = services.merge_people(held.id, other.id, reason="x", by="clerk", at=AT)
    client.force_login(staff(role))
    may = role in ("tracer", "registrar")
    pages = [
        ("get", "/people/questions/"),
        ("get", f"/people/questions/{asked.id}/"),
        ("get", f"/people/{asked.person_id}/merge/"),
        ("get", f"/people/{asked.person_id}/merge/{asked.candidate_id}/"),
        ("post", f"/people/questions/{asked.id}/later/"),
        ("post", f"/people/questions/{asked.id}/answer/"),
        ("post", f"/people/merges/{made.id}/undo/"),
    ]

    codes = [getattr(client, method)(path).status_code for method, path in pages]

    assert all(code == 403 for code in codes) if not may else 403 not in codes
    assert may or (queries.same_person(held.id) == (other.id, held.id) and queries.count_open_questions(AT) == 1)


def test_who_may_merge_but_not_see_names_sees_no_side_by_side(client, staff, asked):
    from django.contrib.auth.models import Permission

    account = staff("epidemiologist")
    account.user_permissions.set(Permission.objects.filter(codename="merge", content_type__app_label="people"))
    client.force_login(User.objects.get(pk=account.pk))

    assert client.get(f"/people/questions/{asked.id}/").status_code == 403
    assert not AuditEntry.objects.filter(action="people.read").exists()


def test_a_forged_form_merges_nobody(staff, asked):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(staff("registrar"))

    assert strict.post(f"/people/questions/{asked.id}/answer/", {"answer": "same"}).status_code == 403
    assert Merge.objects.count() == 0


@pytest.mark.parametrize(
    "path",
    [
        "questions/9999999999999999999999/",
        "questions/0/",
        "questions/x/",
        f"{NOBODY}/merge/",
        f"{NOBODY}/merge/{NOBODY}/",
        "merges/0/undo/",
    ],
)
def test_pages_of_nothing_are_not_found(registrar, path):
    assert registrar.get(f"/people/{path}").status_code in (404, 405, 302)
    assert registrar.post(f"/people/{path}", {"reason": "x", "text": "x"}).status_code in (404, 405)


def test_the_api_lists_answers_merges_and_takes_apart(client, staff, asked):
    client.force_login(staff("tracer"))

    [listed] = client.get("/api/v1/people/questions").json()
    assert (listed["id"], listed["person"], "Torres" in str(listed)) == (asked.id, str(asked.person_id), False)
    assert post(client, f"questions/{asked.id}/answer", {"same": True}).status_code == 204
    assert post(client, f"questions/{asked.id}/answer", {"same": False}).status_code == 409
    rows = client.get(f"/api/v1/people/{asked.person_id}/rows").json()
    assert rows["people"] == [str(asked.candidate_id), str(asked.person_id)]
    person_out = client.get(f"/api/v1/people/{asked.person_id}").json()
    assert (person_out["id"], person_out["merged"]) == (str(asked.candidate_id), [str(asked.person_id)])
    undone = post(client, f"merges/{rows['merges'][0]['id']}/undo", {"reason": "two cards"})
    assert (undone.status_code, undone.json()["undone_at"] is not None) == (200, True)
    pair = {"loser": str(asked.person_id), "winner": str(asked.candidate_id)}
    assert post(client, "merges", pair | {"reason": "x"}).status_code == 201
    assert post(client, "merges", pair | {"reason": "x"}).status_code == 409
    assert post(client, "merges", pair | {"reason": " "}).status_code == 422
    assert post(client, "merges", {"loser": NOBODY, "winner": NOBODY, "reason": "x"}).status_code == 404
    assert post(client, "merges/999999/undo", {"reason": "x"}).status_code == 404
    assert client.get(f"/api/v1/people/{NOBODY}/rows").status_code == 404


def test_the_api_says_how_a_row_was_found(client, staff, asked):
    client.force_login(staff("tracer"))
    row = {"given_name": "Ana", "family_name": "Torres", "birth_year": 1980, "birth_month": 5, "birth_day": 17, "sex": "F"}

    first = post(client, "", row)
    alone = post(client, "", row | {"match": False})

    assert (first.status_code, first.json()["band"], first.json()["question"] is not None) == (201, "asked", True)
    assert (alone.json()["band"], alone.json()["question"]) == ("new", None)


def test_the_tile_counts_what_waits(registrar, asked):
    assert queries.count_open_questions(AT) == 1
    assert "Records that may be one person" in text_of(registrar.get("/"))
