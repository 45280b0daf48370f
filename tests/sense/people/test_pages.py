import html
import json
import re

import pytest

from epipolis.core import clock
from epipolis.core.models import AuditEntry
from epipolis.sense.people import queries, services
from epipolis.sense.people.models import Person
from epipolis.sense.people.settings import settings
from tests.sense.city.factories import neighbourhood

from .factories import AT, NOBODY, ana, person

pytestmark = pytest.mark.django_db
JUNK = [
    "\0",
    "2147483648",
    "9223372036854775808",
    "x" * 100_000,
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "=1+1",
    "😀",
    "مرحبا",
]


@pytest.fixture(autouse=True)
def fixed_time():
    with clock.fixed(AT):
        yield


@pytest.fixture
def registrar(client, staff):
    client.force_login(staff("registrar"))
    return client


def text_of(response):
    return html.unescape(response.content.decode())


def filled(**changes):
    empty = ("given_name", "family_name", "birth", "sex", "phones", "emails", "number", "address", "neighbourhood", "language")
    return dict.fromkeys(empty, "") | {"number_kind": "national_id"} | changes


@pytest.mark.parametrize("page", ["", "new/", "{id}/", "{id}/correct/", "{id}/erase/"])
def test_only_some_roles_see_people(client, staff, page):
    path = f"/people/{page.format(id=ana().id)}"
    allowed = {"tracer", "registrar"} - ({"tracer"} if "erase" in page else set())

    assert client.get(path).status_code == 302
    for role in ("tracer", "registrar", "epidemiologist", "commander", "operator", "auditor", "kiosk", "partner"):
        client.force_login(staff(role))
        assert client.get(path).status_code == (200 if role in allowed else 403), role


def test_a_search_shows_names_and_writes_each_down(registrar):
    made = ana()

    page = text_of(registrar.post("/people/", {"text": "ana torres"}))

    assert f'href="/people/{made.id}/"' in page
    assert "Ana Torres" in page
    assert [entry.detail["why"] for entry in queries.reads_of(made.id)] == ["search"]


def test_a_search_without_a_hit_says_what_to_do(registrar):
    assert "Nobody is registered like this" in text_of(registrar.post("/people/", {"text": "Nobody"}))


def test_a_name_in_the_address_is_not_searched(registrar):
    made = ana()

    assert str(made.id) not in text_of(registrar.get("/people/?text=Ana+Torres"))


@pytest.mark.parametrize("junk", JUNK)
def test_junk_never_breaks_the_search(registrar, junk):
    ana()

    response = registrar.post("/people/", {"text": junk})

    assert response.status_code == 200
    assert "<script>alert(1)" not in response.content.decode()


def test_a_record_is_shown_and_the_look_written_down(registrar):
    made = ana()

    page = text_of(registrar.get(f"/people/{made.id}/"))

    shown = [
        "Ana Torres",
        "1980-05-17",
        "female",
        "+999 12-345 678",
        "ana@example.org",
        "12 Quay Street",
        "•••••••789",
        "registered",
    ]
    assert [text for text in shown if text not in page] == []
    assert "A123456789" not in page
    assert [(entry.actor, entry.detail["why"]) for entry in queries.reads_of(made.id)] == [("registrar", "person")]


def test_a_record_is_not_kept_by_the_browser(registrar):
    assert "no-store" in registrar.get(f"/people/{ana().id}/")["Cache-Control"]


@pytest.mark.parametrize("page", ["", "correct/", "erase/"])
def test_nobody_is_not_found(registrar, page):
    assert registrar.get(f"/people/{NOBODY}/{page}").status_code == 404


def test_a_name_with_markup_is_shown_as_text(registrar):
    made = person(given_name="<script>alert(1)</script>", family_name='"><img src=x onerror=alert(1)>')

    pages = [registrar.get(f"/people/{made.id}/{page}").content.decode() for page in ("", "correct/")]

    assert not [page for page in pages if "<script>alert(1)" in page or "<img src=x" in page]


def test_somebody_is_registered_with_next_to_nothing(registrar):
    response = registrar.post("/people/new/", filled())

    made = Person.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/people/{made.id}/")
    assert (made.sex, made.birth_year) == ("", None)


def test_somebody_is_registered_with_everything(registrar):
    home = neighbourhood()
    values = {"given_name": "小明", "family_name": "王", "birth": "1980-05", "sex": "M", "phones": "0912 345 678\n0987 654 321"}

    registrar.post("/people/new/", filled(**values, number="B1", emails="a@b.c", neighbourhood=home.id, language="zh-Hant"))

    [made] = queries.search("王小明", by="tester", at=AT)
    held = queries.what_is_held(made.id)
    assert [held[name] for name in ("born", "sex", "phones", "emails", "neighbourhood", "language")] == [
        "1980-05",
        "M",
        ["0912 345 678", "0987 654 321"],
        ["a@b.c"],
        "Docks",
        "zh-Hant",
    ]


def test_registering_a_known_number_leads_to_the_record_that_exists(registrar):
    made = ana()

    response = registrar.post("/people/new/", filled(number="a123456789", given_name="Eva"), follow=True)

    assert response.redirect_chain == [(f"/people/{made.id}/", 302)]
    assert "was registered before" in text_of(response)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"birth": "17.5.80"}, "Write 1980-05-17, 1980-05 or 1980."),
        ({"birth": "9999-12-31"}, "the year must lie between 1880 and this year"),
        ({"birth": "1981-02-29"}, "there is no such day in this month"),
        ({"phones": "nonsense"}, "must have 3 to 20 digits"),
        ({"emails": "nonsense"}, "must look like name@host"),
        ({"given_name": "x" * 151}, "at most 150 characters"),
        ({"given_name": "a\0b"}, "Null characters are not allowed."),
        ({"neighbourhood": "9223372036854775808"}, "not one of the available choices"),
        ({"neighbourhood": "1' OR 1=1"}, "not one of the available choices"),
        ({"sex": "Q"}, "not one of the available choices"),
        ({"language": "<b>"}, "not one of the available choices"),
    ],
)
def test_a_form_says_which_rule_is_broken_and_stores_nothing(registrar, values, message):
    response = registrar.post("/people/new/", filled(**values))

    assert (response.status_code, Person.objects.count()) == (200, 0)
    assert message in text_of(response)


def test_a_record_is_corrected_and_its_history_names_the_fields(registrar):
    made = ana()
    form = text_of(registrar.get(f"/people/{made.id}/correct/"))

    values = filled(
        given_name="Anna", family_name="Torres", birth="1980-05-17", sex="F", language="es", address="12 Quay Street"
    )
    response = registrar.post(
        f"/people/{made.id}/correct/", values | {"phones": "+999 12-345 678", "emails": "ana@example.org"}, follow=True
    )

    assert all(text in form for text in ('value="Ana"', "+999 12-345 678", 'value="1980-05-17"'))
    assert "Corrected: given name." in text_of(response)
    assert queries.history_of(made.id)[0]["fields"] == ["given_name"]


def test_a_correction_that_changes_nothing_says_so(registrar):
    made = person()

    assert "Nothing was different." in text_of(registrar.post(f"/people/{made.id}/correct/", filled(), follow=True))


def test_erasing_asks_once_more_and_needs_a_reason(registrar):
    made = ana()

    for values in ({}, {"reason": "asked by the person"}, {"sure": "on"}, {"reason": "because", "sure": "on"}):
        registrar.post(f"/people/{made.id}/erase/", values)
        made.refresh_from_db()
        assert made.erased is None
    response = registrar.post(f"/people/{made.id}/erase/", {"reason": "asked by the person", "sure": "on"}, follow=True)

    made.refresh_from_db()
    page = text_of(response)
    assert made.erased == AT
    assert ("Erased person" in page, "Torres" in page) == (True, False)
    assert "Erased already" in text_of(registrar.get(f"/people/{made.id}/erase/"))


def test_a_letter_shows_a_code_that_opens_in_three_languages(registrar):
    made = ana()

    page = text_of(registrar.post(f"/people/{made.id}/code/"))

    code = re.search(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}", page)[0]
    assert services.open_return_code(code, at=AT) == made.id
    assert [f'lang="{language}"' in page for language in ("en", "zh-hant", "es")] == [True, True, True]
    assert "<svg" in page
    assert "Torres" not in page


def test_a_code_is_not_issued_by_opening_an_address(registrar):
    assert registrar.get(f"/people/{ana().id}/code/").status_code == 405
    assert registrar.post(f"/people/{NOBODY}/code/").status_code == 404


def test_a_citizen_sees_what_is_held_and_who_looked(client, staff):
    made = ana()
    queries.named([made.id], by=staff("tracer"), at=AT, why="contact")
    code = services.issue_return_code(made.id, by="registrar", at=AT)

    page = text_of(client.post("/people/mine/", {"code": code.lower()}))

    shown = ["Torres", "1980-05-17", "+999 12-345 678", "A contact tracer", "opened your entry to call you", "2026-03-01 16:00"]
    assert [text for text in shown if text not in page] == []
    assert "tracer</b>" in page


def test_a_citizen_takes_the_record_along(client):
    made = ana()
    queries.record_of(made.id, by="t.chen", at=AT, why="person")
    code = services.issue_return_code(made.id, by="registrar", at=AT)

    response = client.post("/people/mine/download/", {"code": code})

    content = json.loads(response.content)
    assert response["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert (content["held"]["family_name"], [look["why"] for look in content["looked"]]) == ("Torres", ["opened your record"])
    assert "t.chen" not in response.content.decode()


@pytest.mark.parametrize("junk", [*JUNK, "", "0000-0000-0000-0000"])
def test_a_wrong_code_shows_nothing(client, junk):
    ana()

    page, download = client.post("/people/mine/", {"code": junk}), client.post("/people/mine/download/", {"code": junk})

    assert (page.status_code in (200, 403), download.status_code) == (True, 302)
    assert "Torres" not in page.content.decode()


def test_too_many_wrong_codes_lock_the_page_for_that_code(client):
    code = services.issue_return_code(ana().id, by="registrar", at=AT)
    wrong = code[:-1] + ("0" if code[-1] != "0" else "2")

    statuses = [client.post("/people/mine/", {"code": wrong}).status_code for _ in range(settings.code_failures)]
    locked = client.post("/people/mine/", {"code": code})

    assert (set(statuses), locked.status_code) == ({403}, 429)
    assert "locked" in text_of(locked)


@pytest.mark.parametrize("path", ["/people/mine/", "/people/mine/download/"])
def test_a_code_in_an_address_opens_nothing(client, path):
    code = services.issue_return_code(ana().id, by="registrar", at=AT)

    response = client.get(f"{path}?code={code}")

    assert "Torres" not in response.content.decode()


def test_the_citizens_page_needs_no_account_and_no_other_page_opens(client):
    assert client.get("/people/mine/").status_code == 200
    assert AuditEntry.objects.count() == 0


@pytest.mark.parametrize("rows", [1, 3])
def test_a_search_needs_the_same_queries_for_any_number_of_hits(registrar, rows, django_assert_max_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for _ in range(rows):
        person(given_name="Li", family_name="Wei")

    with CaptureQueriesContext(connection) as caught:
        registrar.post("/people/", {"text": "Li Wei"})

    own = [one["sql"] for one in caught if ' FROM "people_' in one["sql"] and 'AS "simulated" FROM' not in one["sql"]]
    assert len(own) == 5  # by number, by contact point, the people, their names, their telephones
