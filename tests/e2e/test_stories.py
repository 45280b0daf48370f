"""What people do with the platform, from the first click to the last: a tracer, a citizen, a registrar, a commander."""

import base64
import csv
import hmac
import re
import struct
import time

import pytest

from .town import PASSWORD, SECRET

pytestmark = pytest.mark.browser

VENUE = """
from epipolis.core import clock
from epipolis.sense.checkins import services
from epipolis.sense.city import queries

venue, _new = services.register_venue(queries.place_coded("CAFE"), "food", by="test", at=clock.now())
ANSWER = services.code_of(venue)
"""


def code_now(secret):
    """The six digits of an authenticator app (RFC 6238)."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), "sha1")
    start = digest[-1] & 15
    return f"{(struct.unpack_from('>I', digest, start)[0] & 0x7FFFFFFF) % 10**6:06}"


def test_a_case_is_confirmed_and_its_contacts_arrive(visit, town):
    page = visit("/cases/")
    page.fill("#id_login", "ana")
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    page.fill("#id_code", code_now(SECRET))
    page.keyboard.press("Enter")

    page.wait_for_url("**/cases/")
    page.get_by_role("link", name="K-1", exact=True).click()
    page.get_by_role("link", name="Contacts", exact=True).click()
    page.locator("[data-contact]").nth(2).wait_for()
    assert page.locator("[data-contact]").count() == 3
    assert page.locator("[data-contact]", has_text="Blue Door Café").count() == 3
    assert page.locator("[data-contact] .contact-who", has_text="60 minutes with a case").count() == 3

    work = page.context.new_page()
    work.goto("/tracing/")
    work.locator("[data-live-state=live]").wait_for()
    work.evaluate("window.wasNotReloaded = true")
    before = work.locator("[data-contact]").count()
    page.goto("/cases/")
    page.get_by_role("link", name="K-2", exact=True).click()
    page.get_by_role("button", name="Confirm").click()

    work.locator("[data-contact]", has_text="North Hall").nth(3).wait_for()
    assert work.locator("[data-contact]").count() == before + 4
    assert work.evaluate("window.wasNotReloaded")
    contact = work.locator("[data-contact]", has_text="North Hall").first
    contact.get_by_label("Note").fill("will stay at home")
    with work.expect_response("**/work/"):
        contact.get_by_role("button", name="Reached", exact=True).click()
    work.locator("#last-step", has_text="Undo").wait_for()


def test_a_citizen_checks_in_with_one_tap(visit, town):
    code = town.run(VENUE)
    page = visit(f"/checkins/in/{code}/", width=390, height=844)

    assert page.locator("h1").inner_text() == "Blue Door Café"
    page.get_by_role("button", name="Check in").click()
    page.get_by_role("heading", name="You are checked in").wait_for()
    page.get_by_role("button", name="Check out").click()
    page.get_by_role("heading", name="You are not checked in").wait_for()
    page.locator("summary", has_text="Forget me").click()
    page.get_by_role("button", name="Forget me").click()
    page.wait_for_load_state()
    assert not [cookie for cookie in page.context.cookies() if cookie["name"] == "visitor"]

    forged = page.goto(f"/checkins/in/{'B' if code[-1] != 'B' else 'C'}{code[1:]}/")
    assert forged.status == 404
    page.get_by_role("heading", name="This code is not valid").wait_for()
    page.context.problems.found.clear()  # the browser notes the 404


def test_a_line_list_with_junk_is_imported_on_the_page(visit, town, tmp_path):
    table = tmp_path / "clinic.csv"
    good = [f"C-{n};2026-10-{n:02d};2026-10-29;confirmed;{'F' if n % 2 else 'M'}" for n in range(1, 26)]
    junk = [
        "C-1;2026-10-03;2026-10-29;confirmed;F",
        "C-30;31.31.2026;2026-10-29;confirmed;F",
        ";2026-10-03;2026-10-29;confirmed;M",
    ]
    header = "Case ID;Date of onset;Report date;Classification;Sex"
    table.write_text("\n".join([header, *good, *junk]), encoding="utf-16")
    page = visit("/import/cases/", "registrar")

    def check():
        page.set_input_files("#id_file", table)
        page.get_by_role("button", name="Check the file").click()
        page.get_by_role("heading", name="Checked; nothing is stored yet").wait_for()

    def count(word):
        return int(page.locator(".counts div", has_text=word).locator("b").inner_text())

    check()
    page.locator("summary", has_text="How the columns were understood").click()
    guessed = {name: page.get_by_label(name, exact=True).input_value() for name in header.split(";")}
    assert guessed == {
        "Case ID": "source_key",
        "Date of onset": "onset",
        "Report date": "reported",
        "Classification": "classification",
        "Sex": "sex",
    }
    page.get_by_role("button", name="Import now").click()
    page.get_by_text("The file itself has been erased.").wait_for()
    assert (count("accepted"), count("rejected"), count("new")) == (26, 2, 26)
    rows = page.locator("section.card tbody tr").all_inner_texts()
    assert [int(row.split()[0]) for row in rows] == [27, 28, 29]
    assert "31.31.2026" in rows[1]

    page.goto("/import/cases/")
    check()
    assert (count("new"), count("changed"), count("as before")) == (0, 0, 26)


def test_a_long_task_shows_how_far_it_is_without_reloading(visit, town):
    page = visit("/work/", "registrar")
    run = town.run(
        "from epipolis.core import clock\nfrom epipolis.core.models import TaskRun, User\n"
        "user = User.objects.get(username='registrar')\n"
        "run = TaskRun.objects.create(task='core.import', title='Cases', arguments={}, asked_by=user, asked=clock.now(),"
        " state='running', done=40, total=100)\nANSWER = str(run.id)"
    )
    page.goto(f"/work/{run}/")
    bar = page.get_by_role("progressbar")
    assert bar.get_attribute("aria-valuenow") == "40"

    town.run(
        "from epipolis.core.models import TaskRun\nfrom epipolis.core import live\n"
        "TaskRun.objects.filter(id=ARGUMENTS['run']).update(done=75)\nlive.tell('tasks', run=ARGUMENTS['run'])",
        run=run,
    )

    page.locator("[role=progressbar][aria-valuenow='75']").wait_for()
    town.run("from epipolis.core.models import TaskRun\nTaskRun.objects.filter(id=ARGUMENTS['run']).delete()", run=run)
    page.context.problems.found.clear()  # the progress of a run that is gone


def test_the_commander_goes_back_in_time(visit, town):
    page = visit("/situation/", "commander")

    def total():
        figure = page.locator(".card-sm", has_text="Confirmed in all")
        return int(re.sub(r"\D", "", figure.locator(".h1").inner_text()))

    now = total()
    page.locator("#step").focus()
    with page.expect_response("**/situation/picture/**"):
        page.keyboard.press("Home")
    page.get_by_text("As known at the end of").wait_for()
    first = total()
    assert 0 < first < now

    page.locator("details.chart-table summary").first.click()
    assert page.locator("details.chart-table").first.locator("tbody tr").count() >= 1
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").first.click()
    rows = list(csv.DictReader(download.value.path().read_text(encoding="utf-8-sig").splitlines()))
    assert sum(int(row["reported"]) for row in rows) == first

    with page.expect_navigation():
        page.get_by_role("link", name="Back to now").click()
    assert total() == now


def test_somebody_sees_who_looked_at_them(visit, town):
    person = town.run(
        "from epipolis.sense.cases import queries\n"
        "ANSWER = str(queries.line_list().get(source='office', source_key='N-1').person_id)"
    )
    tracer = visit(f"/people/{person}/", "tracer")
    assert "Ana1 Chen" in tracer.locator("h1").inner_text()
    office = visit(f"/people/{person}/", "registrar")
    office.get_by_role("button", name="Return code").click()
    code = office.locator("#code").inner_text().strip()

    page = visit("/people/mine/", width=390, height=844)
    page.fill("#id_code", code.lower())
    page.get_by_role("button", name="Show my data").click()

    page.get_by_role("heading", name="Who looked at it").wait_for()
    looks = page.locator("section", has_text="Who looked at it").locator("li").all_inner_texts()
    assert any("tracer" in look for look in looks), looks
    assert any("registry office" in look for look in looks), looks
