"""From a confirmed case to the end of an order: the phone leaves, an officer asks, and the person reads every step."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("EPIPOLIS_SHOTS")  # a folder: then the pages are drawn into it, to be looked at
HOME, AWAY = (121.53, 25.02), (121.55, 25.02)  # two kilometres
BEFORE = timedelta(minutes=26)

# The city may watch phones, and messages leave at any hour. The first half of the story happens half an hour ago: only then
# has a phone been away for twenty minutes by now.
CONFIRMED = """
from datetime import date, timedelta
from epipolis.core import clock, rules
from epipolis.core.models import RulePackRow
from epipolis.sense.cases import services
from epipolis.sense.people import services as people

at = clock.now()
clock.set_clock(at - timedelta(minutes=ARGUMENTS["before"]))
today = clock.local_day(at)
orders = dict(rules.in_force("orders", today).content) | {
    "watch": {"legal_basis": "City law on epidemics, article 7", "purpose": "to see who needs help"}}
times = dict(rules.in_force("notice_times", today).content)
times["quiet"] = times["quiet"] | {"channels": []}
for name, content in (("orders", orders), ("notice_times", times)):
    RulePackRow.objects.get_or_create(name=name, version="city", jurisdiction="WHO", defaults={
        "valid_from": date(2020, 2, 1), "source": "city", "content": content, "known_at": at})
at = clock.now()
day = clock.local_day(at)
who, _new = people.find_or_make_person([], by="test", at=at, given_name="Elena", family_name="Vargas", language="es",
    phones=["0912555017"], address="Heping East Road 1", birth=(1988, None, None), sex="F", simulated=True)
facts = {"classification": "suspected", "onset": day - timedelta(days=2), "reported": day - timedelta(days=1)}
row = services.report_case(
    who.id, facts, disease="COVID-19", source="clinic", source_key="", by="test", at=at, simulated=True)
services.revise_case(row.id, {"classification": "confirmed", "confirmed": day}, by="test", at=at)
"""
NOW = """
from epipolis.core.models import ClockSetting

ClockSetting.objects.all().delete()
"""
CLOSED = (
    "/quarantine/",
    "/quarantine/statistics/",
    "/quarantine/orders/{order}/",
    "/quarantine/orders/{order}/papers/order.pdf",
    "/quarantine/orders/{order}/fence/",
    "/quarantine/fence/",
    "/quarantine/fence/shift/",
    "/quarantine/fence/statistics/",
    "/quarantine/fence/watched.geojson",
    "/notices/",
    "/notices/desk/",
    "/notices/answers/",
    "/notices/texts/",
    "/notices/warnings/",
    "/notices/costs/",
    "/notices/phone/",
)


def shot(page, name):
    """Draw a page at the width of a desk and of a phone."""
    if not SHOTS:
        return
    own = page.viewport_size
    for width, height in ((1280, 800), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=Path(SHOTS) / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size(own)


def is_live(page):
    page.locator("[data-live-state=live]").wait_for(state="attached")


def walk(secret, since):
    """At home, then for twenty minutes two kilometres away: what the phone kept while it had no network."""
    minutes = ((1, HOME), (3, HOME), (5, AWAY), (10, AWAY), (15, AWAY), (20, AWAY), (25, AWAY))
    return [
        {"phone": secret, "time": int((since + timedelta(minutes=minute)).timestamp()), "lon": place[0], "lat": place[1],
         "accuracy": 12.0, "battery": 0.8, "source": "gps"}
        for minute, place in minutes
    ]  # fmt: skip


def send(platform, fixes):
    """Status and answer of the intake, asked as a phone asks it: with its own secret and no account."""
    headers = {"Content-Type": "application/json"}
    request = Request(f"{platform.address}/api/v1/quarantine/phones/positions", json.dumps(fixes).encode(), headers)  # noqa: S310 -- loopback
    try:
        with urlopen(request, timeout=20) as answer:  # noqa: S310 -- loopback
            return answer.status, json.load(answer)
    except HTTPError as refused:
        return refused.code, json.load(refused)


def issue(officer):
    """Look at the draft that came by itself, and make an order of it."""
    draft = officer.locator("#order-list li.contact", has_text="Elena Vargas")
    draft.wait_for(timeout=60_000)  # other stories keep the worker busy
    shot(officer, "1-draft-in-the-list")
    draft.get_by_role("link", name="Look and issue").click()
    form = officer.locator("form", has=officer.get_by_role("heading", name="Issue this order"))
    assert form.get_by_label("Address").input_value() == "Heping East Road 1"
    form.get_by_text("On the map (").click()
    form.get_by_label("Latitude").fill(str(HOME[1]))
    form.get_by_label("Longitude").fill(str(HOME[0]))
    pick(officer, form)
    shot(officer, "2-draft")
    form.get_by_role("button", name="Issue").click()
    officer.get_by_text("The order is issued; the person is told.").wait_for()
    shot(officer, "3-order")
    return officer.url.rstrip("/").rpartition("/")[2]


def pick(officer, form):
    """The map shows the spot that was typed; a click and the dot set another, the fields bring it back. On a phone too."""
    for width, height in ((390, 844), (1280, 800)):
        officer.set_viewport_size({"width": width, "height": height})
        form.locator("spot-picker[data-drawn=yes]").wait_for()
        ground = form.locator(".map-canvas canvas")
        ground.scroll_into_view_if_needed()
        box = ground.bounding_box()
        assert box["x"] + box["width"] <= width
        ground.click(position={"x": box["width"] / 2 + 40, "y": box["height"] / 2})
        east = float(form.get_by_label("Longitude").input_value())
        assert 0 < east - HOME[0] < 0.01
        assert abs(float(form.get_by_label("Latitude").input_value()) - HOME[1]) < 0.0005
        dot = form.locator(".maplibregl-marker").bounding_box()
        x, y = dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2
        officer.mouse.move(x, y)
        officer.mouse.down()
        officer.mouse.move(x - 60, y, steps=5)
        officer.mouse.up()
        assert float(form.get_by_label("Longitude").input_value()) < HOME[0]
        form.get_by_role("button", name="No spot").click()
        assert form.get_by_label("Latitude").input_value() == ""
        assert form.locator(".maplibregl-marker").count() == 0
        form.get_by_label("Latitude").fill(str(HOME[1]))
        form.get_by_label("Longitude").fill(str(HOME[0]))
        form.locator(".maplibregl-marker").wait_for()


def told(outbox, order):
    """The message to the person: in the outbox and on their phone. Returns the link in it."""
    outbox.goto(f"/notices/?about_kind=order&about_id={order}")
    line = outbox.locator("#outbox tbody tr")
    line.first.wait_for()
    assert "A quarantine or isolation order was issued" in line.inner_text()
    shot(outbox, "4-outbox")
    outbox.goto("/notices/phone/")
    outbox.locator("#phones a", has_text="0912555017").click(timeout=60_000)
    bubble = outbox.locator("#bubbles li").first
    bubble.wait_for()
    assert "por favor, quédese en casa" in bubble.inner_text()
    shot(outbox, "5-simulated-phone")
    return bubble.get_by_role("link").get_attribute("href")


def watch(visit, officer, order):
    """The commander switches watching on, the officer connects a phone. Returns its secret."""
    commander = visit(f"/quarantine/orders/{order}/", "commander")
    change = commander.locator("#change details", has_text="Watching by phone")
    change.locator("summary").click()
    assert "City law on epidemics, article 7" in change.inner_text()
    change.get_by_label("On what basis").select_option("law")
    change.get_by_label("Reason").fill("lives alone, high risk")
    shot(commander, "7-switch-watching-on")
    change.get_by_role("button", name="Switch on").click()
    commander.get_by_text("Watching by phone is switched on").wait_for()

    officer.goto(f"/quarantine/orders/{order}/fence/")
    officer.get_by_role("button", name="Show the square").click()
    link = officer.locator("[role=status] code")
    link.wait_for()
    shot(officer, "8-phone-connected")
    return link.inner_text().rstrip("/").rpartition("/")[2]


def look_after(officer):
    """Take the alarm, call, and close it with what it was."""
    alarm = officer.locator("#desk-alarms li.contact", has_text="Elena Vargas")
    alarm.locator("b", has_text="call").wait_for(timeout=60_000)  # the message goes first, by itself
    alarm.get_by_role("button", name="Take").click()
    officer.get_by_text("It is yours.").wait_for()
    alarm.get_by_role("link", name="Open").click()
    one = officer.locator("section[id^=alarm-]")
    assert one.count() == 1
    assert "It stands on" in one.inner_text()
    shot(officer, "10-alarm-taken")
    call = one.locator("details", has_text="Note a call")
    call.get_by_label("Note").fill("fetched medicine, is on the way back")
    call.get_by_role("button", name="says they are elsewhere").click()
    officer.get_by_text("Noted; the person can read it.").wait_for()
    shot(officer, "11-call-noted")
    closing = one.locator("details", has_text="Close it")
    closing.get_by_label("What it was").select_option("allowed")
    closing.get_by_role("button", name="Close").click()
    officer.get_by_text("Closed; the person can read it.").wait_for()
    shot(officer, "12-alarm-closed")


def read_record(person):
    """The person reads, now in English, what was seen of them, by whom, and each step."""
    person.get_by_role("link", name="English").click()
    person.get_by_role("heading", name="Please stay at home").wait_for()
    seen = person.locator("section", has=person.get_by_role("heading", name="What is seen of me, and by whom?"))
    closed = seen.locator("details:not([open]) summary")
    while closed.count():
        closed.first.click()
    shot(person, "13-own-page-with-the-record")
    steps = seen.locator("details", has_text="seems to be away").locator("li").all_inner_texts()
    told = ("raised by the fence", "a message was sent", "somebody looks after it",
            "called: says they are elsewhere: fetched medicine, is on the way back", "closed: allowed errand")  # fmt: skip
    assert [text for text, step in zip(told, steps, strict=True) if not step.endswith(text)] == []
    page = seen.inner_text()
    assert "Legal basis: City law on epidemics, article 7. Purpose: to see who needs help." in page
    assert "Last place that was seen: 25.0200, 121.5500, give or take 12 metres." in page
    looks = seen.locator("details", has_text="Who looked at my record").inner_text()
    assert "looked after you because your phone" in looks
    assert "opened your order of isolation or quarantine" in looks
    assert "lives alone, high risk" in seen.locator("details", has_text="What was done").inner_text()
    assert person.evaluate("document.documentElement.scrollWidth") <= 390


def lift(officer, order):
    """The order ends, and with it watching."""
    officer.goto(f"/quarantine/orders/{order}/")
    lifting = officer.locator("#change details", has_text="Lift it")
    lifting.locator("summary").click()
    lifting.get_by_label("Reason").fill("two negative tests")
    lifting.get_by_role("button", name="Lift the order").click()
    officer.get_by_text("The order is lifted; the person is told.").wait_for()
    shot(officer, "14-lifted")
    officer.goto("/quarantine/fence/")
    officer.locator("#desk-people", has_text="Nobody is watched here").wait_for(timeout=60_000)
    shot(officer, "15-desk-after")


def test_from_a_confirmed_case_to_the_end_of_its_order(visit, platform):
    officer = visit("/quarantine/", "tracer")
    is_live(officer)
    try:
        platform.run(CONFIRMED, before=BEFORE / timedelta(minutes=1))
        order = issue(officer)
        outbox = visit("/notices/", "tracer")
        link = told(outbox, order)

        person = visit(link.removeprefix(platform.address), width=390, height=844, locale="en")
        page = person.locator("main").inner_text()
        assert person.locator("html").get_attribute("lang") == "es"
        assert "Quédese en casa, por favor" in page
        assert "hasta el final del" in page
        assert person.locator("details[open] li").count() >= 1
        shot(person, "6-own-page")
        secret = watch(visit, officer, order)
        connected = datetime.now(UTC) - BEFORE
    finally:
        platform.run(NOW)

    officer.goto("/quarantine/fence/")
    is_live(officer)
    alarm = officer.locator("#desk-alarms li.contact", has_text="Elena Vargas")
    assert alarm.count() == 0
    fixes = walk(secret, connected)
    status, first = send(platform, fixes)
    assert (status, first["accepted"], first["rejected"]) == (200, 7, [])
    alarm.wait_for()
    status, second = send(platform, fixes)
    assert (status, second["accepted"], second["transitions"]) == (200, 0, 0)
    officer.reload()
    assert alarm.count() == 1
    assert "0912555017" in alarm.inner_text()
    assert "back again" not in alarm.inner_text()
    shot(officer, "9-desk")
    look_after(officer)

    outbox.locator("#bubbles li").nth(2).wait_for(timeout=60_000)  # issued, watched, and: are you well?
    shot(outbox, "12-simulated-phone")

    read_record(person)
    lift(officer, order)
    officer.goto(f"/quarantine/orders/{order}/fence/")
    receipt = officer.locator("section", has=officer.get_by_role("heading", name="What was deleted"))
    said = receipt.inner_text()
    assert "Deleted: the state and 0 fixes. 2 changes of state were deleted too. 1 telephone ended." in said
    assert "7 fixes stay, because alarms stand on them. 1 alarm can be appealed until" in said
    officer.get_by_role("heading", name="Fixes that alarms stand on").wait_for()
    shot(officer, "16-receipt")
    status, refused = send(platform, fixes)
    assert (status, refused["code"]) == (403, "bad_phone")
    person.reload()
    page = person.locator("main").inner_text()
    for text in (
        "This order is lifted",
        "Decided by a person: two negative tests",
        "Your phone is not watched.",
        "7 fixes stay",
    ):
        assert text in page
    shot(person, "17-own-page-after")


def test_who_may_not_meets_a_closed_door(visit, platform):
    stranger = visit("/", "auditor")
    assert stranger.locator("a[href^='/quarantine/'], a[href^='/notices/']").count() == 0
    for path in CLOSED:
        assert (path, stranger.goto(path.format(order=1)).status) == (path, 403)
    shot(stranger, "20-closed-door")
    assert stranger.request.get("/api/v1/quarantine/alarms").status == 403

    nobody = visit("/quarantine/fence/")
    assert "/login/" in nobody.url
    for path in ("/quarantine/mine/AAAAAAAAAAAAAAAAAAAA/", "/quarantine/phone/epf_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/"):
        assert (path, nobody.goto(path).status) == (path, 404)
        nobody.get_by_role("heading", name="This link opens nothing").wait_for()
    shot(nobody, "21-link-of-nobody")
    assert send(platform, walk("epf_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", datetime.now(UTC) - BEFORE))[0] == 403
    for page in (stranger, nobody):
        page.context.problems.found.clear()  # the browser notes each door that was closed
