"""Stories about scenarios: made on the form, simulated beside the page, compared on the map."""

import pytest

pytestmark = pytest.mark.browser

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def _simulate(page, template, **fields):
    page.goto(f"/scenarios/new/?template={template}")
    for name, value in ({"people": "1000", "days": "20", "seeds": "2"} | fields).items():
        page.fill(f"input[name={name}]", value)
    page.get_by_role("button", name="Save and simulate").click()
    page.get_by_role("button", name="Simulate again").wait_for(timeout=120_000)
    return page.url.rstrip("/").rpartition("/")[2]


def test_two_scenarios_are_made_simulated_and_compared_on_the_map(visit):
    page = visit("/scenarios/", "epidemiologist")
    first = _simulate(page, "as_is")
    second = _simulate(page, "masks_tracing")

    page.goto(f"/scenarios/compare/?s={first}&s={second}")
    page.wait_for_selector("scenario-map[data-drawn]", state="attached")
    before = page.locator("scenario-map output").inner_text()
    page.locator("#map-day").press("Home")

    assert "Masks + tracing" in page.locator(".scenario-sentence").first.inner_text()
    assert page.locator("scenario-map output").inner_text() != before or before.startswith("1 ")
    assert page.locator("scenario-map tbody tr").count() > 1
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(OVERFLOW) <= 0


def test_a_measure_is_added_by_keyboard_and_gets_the_focus(visit):
    page = visit("/scenarios/new/", "commander")

    page.get_by_role("button", name="Curfew", exact=True).press("Enter")
    page.wait_for_selector("#m0")

    assert page.evaluate("document.activeElement.id") == "m0"
    assert page.locator("input[name=m0-from_hour]").input_value() == "21"


def test_who_asked_for_little_motion_has_a_slider_and_no_play(visit):
    page = visit("/scenarios/", "epidemiologist", reduced_motion="reduce")
    first = _simulate(page, "as_is")

    page.goto(f"/scenarios/compare/?s={first}")
    page.wait_for_selector("scenario-map[data-drawn]", state="attached")

    assert page.locator("[data-play]").is_hidden()
    assert page.locator("#map-day").is_visible()
