"""The pages over a record of five rounds, in three languages, with their downloads."""

import csv
import json
import re
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.utils import translation

from epipolis.core import clock
from epipolis.understand.forecast import queries
from epipolis.understand.forecast.models import Round

from .factories import NOW, TODAY, past_rounds, text_of

pytestmark = pytest.mark.django_db
PAGES = ("/forecast/", "/forecast/map/", "/forecast/beds/", "/forecast/models/", "/forecast/rounds/")


@pytest.fixture(autouse=True)
def _now():
    with clock.fixed(NOW), translation.override("en"):
        yield


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["en", "es", "zh-hant"])
def test_every_page_shows_the_newest_round_in_every_language(page, full, client, path, language):
    client.cookies["django_language"] = language

    text = page(path)

    assert "No forecast yet" not in text
    assert "Harbour" in text or path == "/forecast/rounds/" or path == "/forecast/models/"


def test_the_overview_says_in_plain_words_what_is_known_and_no_more(page, full):
    text = text_of(page("/forecast/"))

    assert re.search(r"Rt is \d\.\d\d \(between \d\.\d\d and \d\.\d\d with 95 % probability\): the number of cases is", text)
    assert re.search(r"In two weeks between [\d,.]+ and [\d,.]+ cases a day are likely \(9 in 10\)\.", text)
    assert re.search(r"Of our last 3 forecasts two weeks ahead [0-3] contained what happened \(95 % were promised\)\.", text)
    assert "too few forecasts to judge by" in text


def test_the_fan_stands_over_what_was_counted_beside_the_earlier_fans(page, full):
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', page("/forecast/"), re.DOTALL)[1])

    named = [one["name"] for one in data["series"]]
    assert named.count("earlier forecasts") == 4
    assert {"counted", "counted, mean of 7 days", "forecast"} <= set(named)
    fan = next(one for one in data["series"] if one["name"] == "forecast")
    last = data["x"].index((TODAY - timedelta(days=1)).isoformat())
    assert fan["values"][last] == fan["bands"][0]["lo"][last] == fan["bands"][0]["hi"][last]
    assert fan["bands"][0]["lo"][-1] < fan["bands"][1]["lo"][-1] < fan["values"][-1] < fan["bands"][0]["hi"][-1]
    assert data["mark"]["x"] == (TODAY - timedelta(days=1)).isoformat()


def test_area_and_target_are_chosen_and_nonsense_falls_back(page, full):
    assert "Harbour: confirmed cases by onset of illness" in text_of(page("/forecast/", area="D1", target="onsets"))
    assert "nowcast" in page("/forecast/", target="onsets")
    for area, target in (("D9", "joy"), ("<b>", "'"), ("\x01", "x" * 500)):
        assert "Whole city: confirmed cases by day of report" in text_of(page("/forecast/", area=area, target=target))


def test_an_earlier_round_is_shown_as_it_was_and_says_so(page, full):
    earlier = Round.objects.order_by("known_at").first()

    text = text_of(page(f"/forecast/rounds/{earlier.id}/"))

    assert "An earlier round" in text
    assert "Made afterwards, from nothing but what was known then." in text
    page(f"/forecast/rounds/{uuid4()}/", 404)


def test_the_map_colours_districts_by_probability_and_another_limit_changes_it(page, full):
    def chances(**asked):
        found = json.loads(page("/forecast/areas.geojson", **asked))
        return {one["properties"]["code"]: one["properties"]["probability"] for one in found["features"]}

    low, high = chances(limit=1), chances(limit=90_000)

    assert set(low) == {"D1", "D2"}
    assert all(high[code] == 1 < low[code] <= 99 for code in low)
    assert chances(limit="nan") == chances(limit="-5") == chances()
    assert 'value="90000"' in page("/forecast/map/", limit=90_000)


def test_where_nearly_all_pass_the_limit_of_the_rules_the_map_asks_for_the_level_of_now(page, full):
    found = queries.latest_round()
    found.settings["incidence_limit"] = 10
    found.save()

    text = text_of(page("/forecast/map/"))
    passes = queries.risks(found)

    assert passes.is_level
    assert passes.limit == pytest.approx(sum(row["incidence"] for row in passes.rows if row["area"] != "city") / 2, rel=0.1)
    assert f"pass the rules’ limit of 10. So the limit here is {passes.limit:g} cases" in text
    assert any(0.05 < row["probability"] < 0.95 for row in passes.rows)
    assert "what the middle area had" in text_of(page("/forecast/"))
    assert "what the middle area had" not in text_of(page("/forecast/map/", limit=10))


def test_where_the_limit_of_the_rules_tells_areas_apart_it_stays(page, full):
    found = queries.latest_round()
    found.settings["incidence_limit"] = 280
    found.save()
    passes = queries.risks(found)

    assert (passes.limit, passes.is_level) == (280, False)
    assert "what the middle area had" not in text_of(page("/forecast/map/"))


def test_beds_are_shown_with_their_limit(page, full):
    text = text_of(page("/forecast/beds/"))

    assert "people in hospital" in text
    assert "the limit of 125 is passed until" in text
    assert re.search(r"Of the last \d forecasts? one week ahead \d contained what happened", text)
    assert "Hill: people in hospital" in text_of(page("/forecast/beds/", show="ward:D2"))
    assert "Whole city: people in hospital" in text_of(page("/forecast/beds/", show="ward:nowhere"))


def test_the_models_are_compared_by_weeks_ahead(page, full):
    text = text_of(page("/forecast/models/", days=365, area="D1", target="cases"))

    assert "all models together" in text
    assert "4 weeks" in text
    page("/forecast/models/", days="999999999", area="x", target="y")


def test_a_round_is_downloaded_as_a_table_and_in_the_hubs_format(page, full):
    found = queries.latest_round()

    table = list(csv.DictReader(StringIO(page(f"/forecast/rounds/{found.id}/forecasts.csv"))))
    hub = list(csv.DictReader(StringIO(page(f"/forecast/rounds/{found.id}/hub.csv"))))
    rt = list(csv.DictReader(StringIO(page(f"/forecast/rounds/{found.id}/rt.csv"))))

    assert {row["model"] for row in table} >= {"ensemble", "baseline", "nowcast", "beds"}
    assert list(hub[0]) == list(queries.HUB_COLUMNS)
    assert {row["target"] for row in hub} == {"wk inc case", "wk inc hosp", "onsets"}
    first = [row for row in hub if row["target"] == "wk inc case" and row["location"] == "city" and row["horizon"] == "0"]
    assert [row["output_type_id"] for row in first][:2] == ["0.01", "0.025"]
    assert first[0]["reference_date"] == first[0]["target_end_date"] == (TODAY + timedelta(days=6)).isoformat()
    assert {row["area"] for row in rt} == {"city", "D1", "D2"}
    page(f"/forecast/rounds/{found.id}/hub.csv", 404, model="nobody")
    page(f"/forecast/rounds/{found.id}/forecasts.xls", 404)


@pytest.mark.parametrize("name", ["forecasts", "hub-forecasts", "forecast-scores"])
def test_the_declared_exports_hold_rows(page, full, name):
    assert len(page(f"/export/{name}.csv").splitlines()) > 5


def test_lists_ask_as_often_for_many_rounds_as_for_few(client, ana, full):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.force_login(ana)
    client.get("/forecast/rounds/")
    with CaptureQueriesContext(connection) as few:
        client.get("/forecast/rounds/")
    with clock.fixed(NOW):
        past_rounds(weeks=6)
    with CaptureQueriesContext(connection) as many:
        client.get("/forecast/rounds/")

    assert len(many) == len(few)


def test_the_dashboard_shows_rt_and_the_coming_week(full):
    rt, ahead = queries.rt_tile(NOW), queries.ahead_tile(NOW)

    assert re.fullmatch(r"\d\.\d\d", rt["value"])
    assert re.fullmatch(r"[\d,.]+–[\d,.]+", ahead["value"])
    assert "Of our last 3 forecasts" in ahead["note"]
    assert rt["as_of"] == clock.start_of(TODAY)
