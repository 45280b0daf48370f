"""The frame of every page: who sees what in the menu, the choices that a browser keeps, the pages for everybody."""

import dataclasses
from datetime import UTC, date, datetime

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import formats, translation

from epipolis.core import clock, context, dashboard, retention
from epipolis.core.models import DeletionReceipt, RulePackRow
from epipolis.core.modules import Keep, Module, Page, Tile, modules
from epipolis.core.views import about

NOW = datetime(2026, 10, 1, 4, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def declare(monkeypatch):
    """Switch on these declarations beside the platform's own, where the shell looks for them."""

    def put(**parts):
        found = {"situation": dataclasses.replace(Module(title="Situation", icon="activity"), **parts)}
        for place in (context, dashboard, retention):
            monkeypatch.setattr(place, "modules", lambda: found)

    return put


def request_of(user, path="/"):
    request = RequestFactory().get(path)
    request.user = user
    return request


def test_the_menu_holds_the_wings_with_pages_that_a_person_may_open(declare, staff):
    declare(
        menu=(
            Page("Work", url="work", needs="cases.view"),
            Page("Map", url="map", needs="people.erase"),
            Page("Ghost", url="no-such-page", needs=""),
        )
    )

    found = context.menu(request_of(staff("tracer"), "/work/"))

    assert [(group.name, [entry.title for entry in group.entries]) for group in found] == [("understand", ["Work"])]
    assert found[0].entries[0].is_current
    assert context.menu(request_of(AnonymousUser())) == []
    assert context.menu(request_of(staff("kiosk"))) == [] or all(e.title == "Ghost" for g in found for e in g.entries)


def test_tiles_stand_in_their_order_and_one_that_fails_leaves_the_others(declare, staff):
    def broken(at):
        raise RuntimeError("no figure")

    old = datetime(2026, 9, 1, tzinfo=UTC)
    declare(
        tiles=(
            Tile("Late", lambda at: {"value": 2, "as_of": old}, needs="cases.view", order=9),
            Tile("Broken", broken, needs="cases.view", order=5, definition="What it would be", source="Nowhere"),
            Tile("First", lambda at: 1234, needs="cases.view", order=1),
            Tile("Secret", lambda at: 0, needs="people.erase"),
        )
    )

    tiles = dashboard.tiles_for(staff("tracer"), at=NOW)

    assert [(t.title, t.failed, t.as_of, t.content.get("value")) for t in tiles] == [
        ("First", False, NOW, 1234),
        ("Broken", True, NOW, None),
        ("Late", False, old, 2),
    ]


def test_one_tile_is_fetched_again_by_those_who_may_see_it_alone(declare, staff, client):
    declare(tiles=(Tile("Cases now", lambda at: 7, needs="cases.view"),))

    assert client.get("/tiles/situation-cases-now/").status_code == 404
    assert dashboard.tile_for(staff("operator"), "situation-cases-now", at=NOW) is None
    assert dashboard.tile_for(staff("tracer"), "situation-cases-now", at=NOW).content == {"value": 7}


def test_a_stranger_is_welcomed_and_finds_the_doors(client):
    page = client.get("/").content.decode()

    assert "/accounts/login/" in page
    assert "/about/retention/" in page
    assert all(f'href="{one}"' in page for one in ("/situation/public/", "/notices/alerts/", "/notices/mine/", "/people/mine/"))
    assert "data-stream" not in page


def test_the_language_stays_in_the_browser_without_an_account(client):
    answer = client.post("/language/", {"language": "zh-hant", "next": "/"}, follow=True)

    assert '<html lang="zh-hant"' in answer.content.decode()
    assert "登入" in client.get("/").content.decode()


def test_the_colours_stay_and_nobody_is_sent_elsewhere(client):
    answer = client.post("/theme/", {"theme": "dark", "next": "https://elsewhere.example/"})

    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert 'data-bs-theme="dark"' in client.get("/").content.decode()
    assert client.post("/theme/", {"theme": "pink"}).status_code == 400
    client.cookies[context.THEME_COOKIE] = '"><script>'
    assert 'data-theme="auto"' in client.get("/").content.decode()


def test_data_are_called_simulated_as_soon_as_one_row_is(monkeypatch, django_user_model):
    monkeypatch.setattr(context, "_simulated", (float("-inf"), False))
    assert context.is_simulated() is False

    monkeypatch.setattr(context, "_simulated", (float("-inf"), False))
    django_user_model.objects.create_user("demo", simulated=True)
    assert context.is_simulated() is True


def test_the_banner_stands_on_every_kind_of_page(client, settings):
    settings.EPIPOLIS_DEMO = True

    for path in ("/", "/about/rules/", "/about/retention/", "/accounts/login/"):
        assert 'class="simulated"' in client.get(path).content.decode(), path


def test_the_clock_says_when_time_runs_fast(monkeypatch):
    def shown():
        monkeypatch.setattr(clock, "_known", (float("-inf"), None))
        return render_to_string("core/parts/clock.html", {"platform_clock": context.platform_clock()})

    assert "simulated time" not in shown()
    clock.set_clock(NOW, speed=288)

    assert "simulated time ×288" in shown()
    with translation.override("es"):
        assert 'data-speed="288.0"' in shown()


def test_short_dates_are_the_same_in_every_english():
    assert formats.date_format(date(2026, 3, 4), "SHORT_DATE_FORMAT") == "2026-03-04"
    assert formats.date_format(date(2026, 3, 4)) == "4 March 2026"


def test_rules_show_the_version_in_force_and_those_before(client):
    common = {"name": "curfew", "jurisdiction": "WHO", "known_at": NOW, "content": {"hours": 8}}
    RulePackRow.objects.create(**common, version="1", valid_from=date(2026, 1, 1), source="First order")
    RulePackRow.objects.create(**common, version="2", valid_from=date(2026, 9, 1), source="Second order")
    RulePackRow.objects.create(**common, version="3", valid_from=date(2027, 9, 1), source="Third order")

    with clock.fixed(NOW):
        page = client.get("/about/rules/").content.decode()

    part = page[page.index('id="curfew"') :].split("</section>")[0]
    assert "version 2" in part
    assert part.count("in force</span>") == 1
    assert part.count("later</span>") == 1
    assert part.index("Third order") < part.index("First order")


def test_a_rule_is_told_line_by_line():
    content = {"stay_minutes": {"shop": 30, "school": [60, 90]}, "steps": [{"at": 1}, {"at": 2}], "note": "x"}

    assert list(about.spoken(content)) == [
        ("Stay minutes › Shop", "30"),
        ("Stay minutes › School", "60, 90"),
        ("Steps › 1 › At", "1"),
        ("Steps › 2 › At", "2"),
        ("Note", "x"),
    ]


def test_erasures_are_public_as_counts_a_day(client, declare):
    declare(keeps=(Keep("visits", lambda: 28, lambda before, at: 0, "The longest incubation time"),))
    evening = datetime(2026, 10, 1, 17, 0, tzinfo=UTC)  # one o'clock of the second in the city
    for at, rows in ((NOW, 100), (NOW, 20), (evening, 1234)):
        DeletionReceipt.objects.create(what="visits", before=at, rows=rows, at=at)

    page = client.get("/about/retention/").content.decode()

    assert "28 days" in page
    counts = [row.split("</td>")[0].split(">")[-1] for row in page.split('<td class="text-end tabular">')[1:]]
    assert counts == ["1,234", "120"]
    assert page.index("2026-10-02") < page.index("2026-10-01")


@pytest.mark.parametrize("path", ["/map/", "/work/", "/import/cases/", "/export/cases/", "/export/cases.csv"])
def test_pages_for_staff_ask_strangers_to_sign_in(client, path):
    answer = client.get(path)

    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/accounts/login/")


def test_a_page_that_is_not_there_says_so_kindly(client):
    answer = client.get("/no-such-page/")

    assert answer.status_code == 404
    assert "There is no such page here" in answer.content.decode()


def test_the_page_for_a_failure_needs_neither_database_nor_request(django_db_blocker):
    from django.template.loader import get_template

    with django_db_blocker.block():
        for name in ("400.html", "403.html", "403_csrf.html", "404.html", "500.html"):
            assert "<h1" in get_template(name).render()


def test_every_declared_page_exists():
    from django.urls import reverse

    assert all(reverse(page.url) for module in modules().values() for page in module.menu)


def test_what_is_sent_to_an_address_without_its_last_slash_arrives_with_its_body(client):
    answer = client.post("/declarations/mine", {"code": "x"})

    assert (answer.status_code, answer["Location"]) == (308, "/declarations/mine/")
