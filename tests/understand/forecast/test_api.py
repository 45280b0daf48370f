"""Forecasts for programs: what they get, what they may send, and what is refused."""

from datetime import timedelta

import pytest

from epipolis.core import clock
from epipolis.understand.forecast import queries
from epipolis.understand.forecast.models import Forecast

from .factories import TODAY

pytestmark = pytest.mark.django_db
UUID = "00000000-0000-4000-8000-000000000000"


def test_the_newest_round_and_its_figures_are_given(api, full):
    found = api("get", "rounds/latest")
    ahead = api("get", "forecasts?target=cases&area=D1&model=ensemble")
    late = api("get", "nowcast?target=onsets&area=city")
    rt = api("get", "rt?area=city")

    assert (found["made_on"], found["state"]) == (TODAY.isoformat(), "done")
    assert found["settings"]["serial_interval"] == {"mean_days": 4.7, "sd_days": 2.9}
    assert [(one["horizon"], len(one["values"])) for one in ahead["forecasts"]] == [(n, 23) for n in range(4)]
    assert ahead["levels"][11] == 0.5
    assert {one["days"] for one in late["forecasts"]} == {1}
    assert max(one["horizon"] for one in late["forecasts"]) == -1
    assert rt[-1]["low"] < rt[-1]["median"] < rt[-1]["high"]


def test_a_program_may_ask_what_was_forecast_at_a_moment(api, full):
    moment = (clock.start_of(TODAY) - timedelta(seconds=1)).isoformat().replace("+00:00", "Z")

    found = api("get", f"rounds/latest?as_known_at={moment}")

    assert found["made_on"] == (TODAY - timedelta(days=7)).isoformat()
    assert api("get", "forecasts?as_known_at=2020-01-01T00:00:00Z", status=404)["code"] == "no_round"


def test_rounds_come_in_pieces(api, full):
    first = api("get", "rounds?limit=3")
    rest = api("get", f"rounds?limit=3&cursor={first['next']}")

    assert [one["made_on"] for one in first["items"] + rest["items"]] == [
        (TODAY - timedelta(days=back)).isoformat() for back in (0, 7, 14, 21, 28)
    ]
    assert rest["next"] is None


def test_scores_are_given_in_all_and_by_horizon(api, full):
    found = api("get", "scores?target=cases&area=city")

    whole = [one for one in found if one["horizon"] is None]
    assert {one["model"] for one in whole} >= {"ensemble", "baseline"}
    assert {one["horizon"] for one in found} == {None, 0, 1, 2, 3}


def test_forecasts_go_out_and_come_in_in_the_hubs_format(api, full):
    text = api("get", "hub?target=cases")

    first = api("post", "hub?team=mirror", text, content_type="text/csv")
    again = api("post", "hub?team=mirror", text, content_type="text/csv")
    checked = api("post", "hub?team=other&dry_run=true", text, content_type="text/csv")

    assert text.splitlines()[0] == ",".join(queries.HUB_COLUMNS)
    assert (first["rejected"], first["created"]) == (0, 3 * 4 * 23)
    assert (again["created"], again["unchanged"]) == (0, 3 * 4 * 23)
    assert checked["created"] == 3 * 4 * 23
    assert set(Forecast.objects.filter(round__kind="imported").values_list("model", flat=True)) == {"mirror"}
    assert api("get", "rounds?limit=1")["items"][0]["team"] == "mirror"
    assert api("get", "rounds/latest")["team"] == ""
