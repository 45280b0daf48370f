"""What hostile people write into names comes back as text on every page that shows it."""

import html
import re
from datetime import date, timedelta
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from epipolis.core import access, clock
from epipolis.sense.cases import services as cases
from epipolis.sense.checkins import services as checkins
from epipolis.sense.city import services as city
from epipolis.sense.people import services as people
from tests.security.surface import pages

pytestmark = pytest.mark.django_db
SCRIPT = "<script>alert(1)</script>"
IMAGE = "\"'><img src=x onerror=alert(2)>"
TEMPLATE = "{{7*7}}{% debug %}"
TABLE = "'; DROP TABLE core_user; --"
_MOST_PAGES = 150


@pytest.fixture
def hostile_city(staff, deliver_events):
    """A city in which everybody and everything has a hostile name, with a case, its contact and their visits."""
    at = clock.now() - timedelta(hours=1)
    place = city.add_place("P1", f"Café {SCRIPT}", IMAGE, address=TABLE, lon=121.5, lat=25.0, by="test", at=at)
    checkins.register_venue(place, "food", by="test", at=at)
    persons = [
        people.find_or_make_person(
            [("test", str(number))], by="test", at=at, given_name=SCRIPT, family_name=IMAGE, address=TEMPLATE
        )[0]
        for number in range(2)
    ]
    visits = [
        checkins.CheckIn(visitor=person.id, place="P1", arrived=at - timedelta(days=1), left=at - timedelta(days=1, hours=-1))
        for person in persons
    ]
    assert [outcome.status for outcome in checkins.record_visits(visits, by="test", at=at)] == [201, 201]
    day = clock.local_day(at)
    facts = {"classification": "suspected", "onset": day - timedelta(days=1), "reported": day}
    case = cases.report_case(persons[0].id, facts, disease="covid", source=SCRIPT, source_key=IMAGE[:40], by="test", at=at)
    cases.confirm_case(case.id, by="test", at=at, sampled=date.min.replace(year=day.year, month=day.month, day=day.day))
    deliver_events()
    access.issue_token(SCRIPT + IMAGE, ["cases.report"], by=None, at=at)
    get_user_model().objects.create_user("mallory", first_name=SCRIPT, last_name=IMAGE + TEMPLATE)
    return case


def _links(text: str, base: str) -> set[str]:
    found = re.findall(r"""(?:href|hx-get|data-url)=["']([^"'#]+)["']""", text)
    return {urljoin(base, html.unescape(link)) for link in found if not link.startswith(("mailto:", "tel:", "data:"))}


def _crawl(ask, role: str | None) -> dict[str, str]:
    """Every HTML page that a role reaches from the addresses without arguments, by its address."""
    waiting = [page.address for page in pages() if not page.converters]
    seen, shapes, found = set(waiting), {}, {}
    while waiting and len(found) < _MOST_PAGES:
        address = waiting.pop()
        answer = ask(role, "GET", address)
        assert answer.status_code < 500, address
        if answer.streaming or "text/html" not in answer.headers.get("Content-Type", ""):
            continue
        text = found[address] = answer.content.decode()
        for link in _links(text, address):
            shape = re.sub(r"[0-9a-f-]{36}|\d+", "N", link)
            is_here = not urlsplit(link).netloc and link.startswith("/") and not link.startswith("/static/")
            if is_here and link not in seen and shapes.get(shape, 0) < 2:
                seen.add(link)
                shapes[shape] = shapes.get(shape, 0) + 1
                waiting.append(link)
    return found


@pytest.mark.parametrize("role", ["everything", "tracer", None])
def test_hostile_names_come_back_as_text(hostile_city, ask, role):
    found = _crawl(ask, role)

    wrong = {
        address: [bad for bad in (SCRIPT, "<img src=x", "alert(1)</script>") if bad in text] for address, text in found.items()
    }
    assert not {address: bad for address, bad in wrong.items() if bad}
    showing = [address for address, text in found.items() if html.escape(SCRIPT) in text or "\\u003Cscript" in text]
    assert len(showing) >= {"everything": 4, "tracer": 2, None: 0}[role], showing
    assert len(found) >= (5 if role is None else 15)


def test_templates_in_names_are_not_run(hostile_city, ask):
    text = ask("operator", "GET", "/accounts/staff/").content.decode()

    assert html.escape(TEMPLATE) in text
    assert "49" not in re.findall(r"<td>([^<]*)</td>", text)


def test_tables_survive_hostile_names(hostile_city, ask):
    for role in ("operator", "registrar", "auditor"):
        for address in ("/accounts/audit/", "/city/places/", "/people/", "/cases/"):
            ask(role, "GET", f"{address}?q={TABLE}&actor={TABLE}&name={TABLE}&search={TABLE}")

    assert "core_user" in connection.introspection.table_names()
