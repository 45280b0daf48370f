"""A story about forecasts: made beside the page, read on a telephone, and open to all once there is something to see."""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

CHECK = (Path(__file__).parent / "access_for_all.js").read_text(encoding="utf-8")
PAGES = ("", "?target=onsets&area=D2", "map/", "beds/", "models/", "rounds/")
EPIDEMIC = """
from datetime import timedelta
from epipolis.core import clock
from epipolis.understand.forecast import services
from tests.understand.forecast import factories

today = clock.today()
if not factories.Case.objects.filter(source="t").exists():
    factories.epidemic(factories.town(), days=56, until=today)
    services.make_past(lambda *step: None, (today - timedelta(days=21)).isoformat(), (today - timedelta(days=7)).isoformat())
"""


@pytest.fixture
def epidemic(platform):
    platform.run(EPIDEMIC)


def test_a_forecast_is_asked_for_and_read_with_its_record(visit, epidemic):
    page = visit("/forecast/rounds/", "commander")
    page.get_by_role("button", name="Forecast now").press("Enter")
    page.get_by_text("Rt now").wait_for(timeout=120_000)

    page.goto("/forecast/")
    page.wait_for_selector("city-chart[data-drawn]", state="attached")
    words = page.locator(".forecast-words").inner_text()
    assert "Rt is" in words
    assert "two weeks ahead" in words
    page.locator("city-chart summary").first.press("Enter")
    assert page.locator("city-chart table").first.get_by_role("columnheader", name="forecast, 95 %, low").count() == 1
    page.select_option("#area", label="Hill")
    page.get_by_role("button", name="Show").press("Enter")
    page.wait_for_url("**area=D2**")
    assert page.locator(".forecast-words h2").inner_text().startswith("Hill")


def test_the_pages_of_forecasts_are_open_to_all_when_they_are_full(visit, epidemic):
    faults = {}
    page = visit("/forecast/", "epidemiologist", width=390, height=844, reduced_motion="reduce")
    for number, path in enumerate(PAGES):
        page.emulate_media(color_scheme=("light", "dark")[number % 2])
        answer = page.goto(f"/forecast/{path}")
        found = [f"status {answer.status}"] if answer.status != 200 else page.evaluate(CHECK)
        if found:
            faults[path] = found

    page.context.problems.found[:] = [one for one in page.context.problems.found if "/live/" not in one]  # cut off by leaving
    assert not faults, json.dumps(faults, indent=1)
