"""Every page can be used by keyboard, by ear, on a telephone, in the dark: a check over all pages of every role."""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

CHECK = (Path(__file__).parent / "access_for_all.js").read_text(encoding="utf-8")
ROLES = ("tracer", "epidemiologist", "commander", "registrar", "operator", "auditor", "kiosk", "partner")
PUBLIC = ("/", "/accounts/login/", "/situation/public/", "/about/rules/", "/about/retention/", "/people/mine/", "/checkins/in/")
BEYOND_THE_MENU = {
    "tracer": ("/accounts/me/", "/tracing/clusters/"),
    "registrar": ("/import/cases/", "/cases/report/", "/people/new/"),
    "epidemiologist": ("/tracing/network/", "/city/places/"),
    "operator": ("/accounts/staff/new/", "/accounts/tokens/new/", "/checkins/register/", "/import/visits/"),
}
SESSIONS = """
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.db import SessionStore
from epipolis.core.access import SECOND_FACTOR
from epipolis.core.models import User

ANSWER = {}
for role in ARGUMENTS["roles"]:
    user, _ = User.objects.get_or_create(username=f"{role}-of-all")
    user.groups.set(Group.objects.filter(name=role))
    session = SessionStore()
    session[SESSION_KEY], session[SECOND_FACTOR] = str(user.pk), True
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    ANSWER[role] = session.session_key
"""


def test_every_page_of_every_role_is_open_to_all(visit, town):
    sessions = town.run(SESSIONS, roles=ROLES)
    case = town.run("from epipolis.sense.cases import queries\nANSWER = str(queries.line_list().get(source_key='K-1').id)")
    faults, seen = {}, set()
    page = visit("/about/rules/", width=390, height=844, color_scheme="light", reduced_motion="reduce")
    for number, role in enumerate(("", *ROLES)):
        scheme = ("light", "dark")[number % 2]
        page.emulate_media(color_scheme=scheme)
        page.context.clear_cookies()
        if role:
            page.context.add_cookies([{"name": "sessionid", "value": sessions[role], "url": town.address}])
        page.goto("/")
        menu = page.locator("#menu a.nav-link").evaluate_all("links => links.map(link => link.getAttribute('href'))")
        paths = [*menu, *BEYOND_THE_MENU.get(role, ())] if role else PUBLIC
        if role == "tracer":
            paths += [f"/cases/{case}/", f"/tracing/cases/{case}/"]
        for path in dict.fromkeys(paths):
            if path != "/" and (scheme, path) in seen:  # the same page for the next role
                continue
            seen.add((scheme, path))
            answer = page.goto(path)
            found = [f"status {answer.status}"] if answer.status != 200 else page.evaluate(CHECK)
            if found:
                faults[f"{role or 'everybody'} {path}"] = found

    page.context.problems.found[:] = [one for one in page.context.problems.found if "/live/" not in one]  # cut off by leaving
    assert not faults, json.dumps(faults, indent=1)


@pytest.mark.parametrize(
    ("path", "role", "action"),
    [
        ("/cases/", "registrar", "Report a case"),
        ("/tracing/", "tracer", "Reached"),
        ("/import/cases/", "registrar", "Check the file"),
        ("/people/", "tracer", "Search"),
    ],
)
def test_the_main_action_is_reached_by_the_tab_key_and_seen(visit, town, path, role, action):
    page = visit(path, role)
    if page.evaluate("document.activeElement === document.body"):  # else the page begins in its one field
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip-link"

    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect();"
            " return [e.innerText, s.outlineStyle !== 'none' || s.boxShadow !== 'none', b.width > 0 && b.top < innerHeight] }"
        )
        if focused[0].strip() == action:
            break
    assert focused == [focused[0], True, True]
    assert focused[0].strip() == action
