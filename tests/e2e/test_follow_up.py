"""From a laboratory's message to the end of a follow-up, as a tracer and a contact live it; and the same without a network."""

import os
from datetime import datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from .town import ZONE

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("EPIPOLIS_SHOTS")  # a folder: then the pages are drawn into it, to be looked at

LABORATORY = """
from epipolis.core import access, clock
from epipolis.sense.labs import services
from epipolis.sense.labs.models import Laboratory

at = clock.now()
if not Laboratory.objects.filter(code="RIVER").exists():
    services.register_laboratory({"name": "Riverside", "code": "RIVER"}, by="test", at=at)
ANSWER = access.issue_token(f"river {at}", ["labs.send"], by=None, at=at)[1]
"""
CONTACT = """
from datetime import timedelta
from uuid import uuid4
from epipolis.act.followup import services
from epipolis.core import clock
from epipolis.sense.cases.models import Case
from epipolis.sense.people import services as people

at = clock.now()
source = Case.objects.get(source_key="K-1")
rows = [people.PersonRow(given_name=name, family_name="Ortiz", phones=[phone]) for name, phone in ARGUMENTS["people"]]
ANSWER = services.add_exposures([services.NewExposure(
    reference=str(uuid4()), case=source.id, disease=source.disease, origin="interview", person=match.person, risk="high",
    last_contact=clock.local_day(at) - timedelta(days=2)) for match in people.match_people(rows, by="test", at=at)],
    by="test", at=at)
"""
KEPT = """
from epipolis.act.followup.models import Attempt, DailyCheck

ANSWER = [
    list(Attempt.objects.filter(follow_up__in=ARGUMENTS["rows"]).order_by("id").values_list("outcome", "note")),
    list(DailyCheck.objects.filter(follow_up__in=ARGUMENTS["rows"], how="call").order_by("id").values_list("state")),
]
"""
ELSEWHERE = """
from epipolis.act.followup import services
from epipolis.act.followup.models import Attempt
from epipolis.core import clock

at = clock.now()
ANSWER = Attempt.objects.filter(follow_up=ARGUMENTS["row"]).count()
answer = services.Answer("seen_ok", clock.local_day(at), symptoms={"fever": "no"}, answered=at)
services.record_check(ARGUMENTS["row"], answer, by="otto", at=at)
"""


def shot(page, name):
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def until(page, script):
    """Wait until a script is true; the page's own policy forbids the browser to evaluate it in a loop of its own."""
    for _ in range(100):
        if page.evaluate(script):
            return
        page.wait_for_timeout(100)
    raise AssertionError(script)


def message(number, given, sampled):
    code, stamp = "94500-6^SARS-CoV-2 RNA^LN", f"{sampled:%Y%m%d%H%M%z}"
    return "\r".join((
        f"MSH|^~\\&|LIS|RIVER|EPIPOLIS|CITY|{stamp}||ORU^R01^ORU_R01|{number}|P|2.5.1||||||UNICODE UTF-8",
        f"PID|1||B2{number}^^^TW^NI||Silva^{given}||19910302|F|||River Road 2^^Taipei||0922000111",
        f"ORC|RE|P{number}|{number}",
        f"OBR|1|P{number}|{number}|{code}|||{stamp}|||||||||||||||{stamp}|||F",
        f"OBX|1|CWE|{code}||260373001^Detected^SCT||||||F|||{stamp}",
        f"SPM|1|S{number}||258500001^Nasopharyngeal swab^SCT|||||||||||||{stamp}",
    )) + "\r"  # fmt: skip


def deliver(town, secret, body):
    headers = {"Content-Type": "application/hl7-v2", "Authorization": f"Bearer {secret}"}
    with urlopen(Request(f"{town.address}/api/v1/labs/messages", body.encode(), headers), timeout=20) as answer:  # noqa: S310 -- loopback
        return answer.read().decode()


def interview(phone, name):
    """Lead the talk on a phone, to its end."""
    phone.locator("li.contact", has_text=name).get_by_role("button", name="Interview").click()
    phone.get_by_role("heading", name="Greeting").wait_for()
    assert phone.locator("details[open] li").count() == 5
    shot(phone, "interview-1-greeting-390")
    step = phone.get_by_role("button", name="Next")
    step.click()
    phone.locator("fieldset", has_text="Cough").first.get_by_text("yes", exact=True).click()
    shot(phone, "interview-2-symptoms-390")
    step.click()
    step.click()
    phone.locator("#memory textarea").first.fill("Lunch at the Blue Door Café with Bo")
    shot(phone, "interview-4-memory-390")
    step.click()
    people = phone.locator("#contacts")
    people.get_by_label("Given name").first.fill("Bo")
    people.get_by_label("Family name").first.fill("Rivera")
    people.get_by_label("Telephone").first.fill("0933000222")
    people.get_by_label("Relation to the case").first.fill("colleague")
    people.get_by_label("Last contact").first.fill(str((datetime.now(ZONE) - timedelta(days=1)).date()))
    people.get_by_label("Risk").first.select_option("high")
    people.get_by_role("button", name="Another person").click()
    shot(phone, "interview-5-contacts-390")
    step.click()
    with phone.expect_response("**/interviews/places/**"):
        phone.locator("#places-been [data-place]").first.press_sequentially("Blue")
    phone.locator("#places-been [data-place]").first.fill("Blue Door Café [CAFE]")
    phone.locator("#places-been").get_by_label("Day").first.fill(str((datetime.now(ZONE) - timedelta(days=1)).date()))
    shot(phone, "interview-6-places-390")
    step.click()
    phone.get_by_label("Food and shopping").check()
    shot(phone, "interview-7-needs-390")
    phone.get_by_role("button", name="Finish the interview").click()
    phone.get_by_role("heading", name="Who was named").wait_for()
    phone.get_by_text("1 stop is in the route.").wait_for()
    shot(phone, "interviewed-390")


def test_from_the_laboratory_to_the_end_of_a_follow_up(visit, town):
    secret = town.run(LABORATORY)
    phone = visit("/followup/interviews/", "tracer", width=390, height=844)
    phone.locator("[data-live-state=live]").wait_for(state="attached")
    assert "MSA|AA|E2E1" in deliver(town, secret, message("E2E1", "Rosa", datetime.now(ZONE) - timedelta(hours=20)))

    phone.locator("li.contact", has_text="Rosa Silva").wait_for(timeout=60_000)  # other stories keep the worker busy
    shot(phone, "interviews-390")
    interview(phone, "Rosa Silva")

    desk = visit("/followup/?who=all", "tracer")
    row = desk.locator("[data-contact]", has_text="Bo Rivera")
    row.wait_for()
    assert "New, high risk" in row.inner_text()
    assert "0933000222" in row.inner_text()
    shot(desk, "work-list")
    row.get_by_role("link", name="Reached").click()
    desk.get_by_role("heading", name="How are they?").wait_for()
    desk.get_by_label("Fever", exact=True).select_option("yes")
    desk.get_by_label("Temperature, °C").fill("38.4")
    shot(desk, "contact-call")
    desk.get_by_role("button", name="Note the answer").click()
    desk.locator("#checks-title + *, section", has_text="38.4").first.wait_for()
    desk.get_by_role("button", name="Make a link").click()
    link = desk.locator("code").inner_text()
    shot(desk, "contact-link")

    person = visit(link.removeprefix(town.address), width=390, height=844)
    shot(person, "self-report-390")
    person.get_by_role("button", name="I am well, no symptoms").click()
    person.locator(".ok").wait_for()
    shot(person, "self-report-done-390")

    desk.goto(desk.url.removesuffix("link/"))
    desk.get_by_text("by the person's own link").wait_for()
    ending = desk.locator("form", has_text="End before its time")
    ending.get_by_label("Reason").fill("negative test on day 7")
    ending.get_by_role("button", name="End").click()
    desk.locator("h1", has_text="completed").wait_for()
    shot(desk, "contact-finished")
    desk.goto("/followup/indicators/")
    desk.get_by_role("heading", name="Where the time goes").wait_for()
    shot(desk, "indicators")
    desk.set_viewport_size({"width": 390, "height": 844})
    shot(desk, "indicators-390")
    assert desk.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_tracer_works_on_without_a_network(visit, town):
    rows = town.run(CONTACT, people=[("Lia", "0944000201"), ("Marco", "0955000317")])
    page = visit("/followup/?who=all", "tracer", name="signs out at the end", width=390, height=844)
    page.locator("#drafts").wait_for(state="attached")
    until(page, "navigator.serviceWorker.controller !== null")
    page.goto(f"/followup/contacts/{rows[0]}/")
    until(page, f"caches.match('/followup/contacts/{rows[0]}/').then(Boolean)")
    page.goto("/followup/?who=all")
    until(page, "caches.match(location.href).then(Boolean)")

    page.context.set_offline(True)
    lia = page.locator(f"#contact-{rows[0]}")
    lia.get_by_label("Note").fill("rang twice")
    lia.get_by_role("button", name="No answer").click()
    page.locator("#drafts", has_text="Not sent yet (1)").wait_for()
    shot(page, "offline-list-390")
    page.goto(f"/followup/contacts/{rows[0]}/")
    page.get_by_label("Fever", exact=True).select_option("yes")
    page.reload()
    assert page.get_by_label("Fever", exact=True).input_value() == "yes"
    page.get_by_role("button", name="Note the answer").click()
    page.locator("#drafts", has_text="Not sent yet (2)").wait_for()
    shot(page, "offline-contact-390")
    page.goto(f"/followup/contacts/{rows[1]}/")
    page.get_by_text("This page was not opened before").wait_for()
    page.locator("#drafts", has_text="Not sent yet (2)").wait_for()
    shot(page, "offline-unopened-390")
    assert town.run(ELSEWHERE, row=rows[0]) == 0

    page.context.set_offline(False)
    page.goto("/followup/?who=all")
    page.locator("#drafts", has_text="The record was changed meanwhile").wait_for()
    shot(page, "conflict-390")
    sides = page.locator("#drafts table tbody").inner_text()
    assert "seen, with symptoms" in sides
    assert "seen, well" in sides
    assert town.run(KEPT, rows=rows) == [[["no_answer", "rang twice"]], [["seen_ok"]]]
    page.get_by_role("button", name="Send mine; both stay in the history").click()
    page.locator("#drafts").wait_for(state="hidden")
    found = town.run(KEPT, rows=rows)
    assert sorted(state for (state,) in found[1]) == ["seen_ill", "seen_ok"]

    page.evaluate("localStorage.setItem('private:old', JSON.stringify({at: 0}))")
    page.reload()
    until(page, "localStorage.getItem('private:old') === null")
    page.locator("header [data-bs-toggle=dropdown]").last.click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login/**")
    left = page.evaluate(
        "caches.keys().then((all) => [all.filter((name) => name.startsWith('private-')).length,"
        " Object.keys(localStorage).filter((name) => name.startsWith('private:')).length])"
    )
    assert left == [0, 0]
    page.context.problems.found.clear()  # the browser notes what it could not reach
