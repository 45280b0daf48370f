"""The same for programs before there is a record: what they may start and send, and what is refused."""

from datetime import timedelta

import pytest

from epipolis.core import clock
from epipolis.understand.forecast.models import Round, SeriesValue

from .factories import NOW, TODAY, epidemic, town

pytestmark = pytest.mark.django_db
UUID = "00000000-0000-4000-8000-000000000000"


def test_a_round_is_asked_for_and_made(api, deliver_events):
    epidemic(town(), days=30)
    with clock.fixed(NOW):
        first = api("post", "rounds", {}, 202)
        again = api("post", "rounds", {}, 202)
        deliver_events()

    assert first["id"] == again["id"]
    assert api("get", f"rounds/{first['id']}")["state"] == "done"
    assert api("get", f"rounds/{first['id']}/forecasts?target=cases&area=city&model=baseline")["forecasts"]


def test_past_rounds_are_asked_for(api, deliver_events):
    epidemic(town(), days=30)
    asked = {"since": (TODAY - timedelta(days=7)).isoformat(), "until": TODAY.isoformat()}
    with clock.fixed(NOW):
        assert api("post", "rounds/past", asked, 202)["work"]
        deliver_events()

    assert Round.objects.filter(kind="past", state="done").count() == 2
    for wrong in ({"since": "x", "until": "y"}, asked | {"every": 0}, asked | {"until": "2019-01-01"}, {}):
        assert api("post", "rounds/past", wrong, 422)["code"] == "invalid"


def test_series_come_in(api):
    told = api("post", "series", f"series,area,day,value\nicu,A,{TODAY},4\nicu,A,never,4\n", content_type="text/csv")

    assert (told["created"], told["rejected"], told["problems"][0]["field"]) == (1, 1, "day")
    assert SeriesValue.objects.get().value == 4


@pytest.mark.parametrize("path", ["hub", "series"])
def test_what_is_no_table_is_refused(api, path):
    assert api("post", path, b"{}", 415, "application/json")["code"] == "kind"
    assert api("post", path, b" ", 422, "text/csv")["code"] == "unreadable"
    assert api("post", path, b"\xff\xfe\x00\x00", 422, "text/csv")["code"] == "unreadable"
    assert api("post", path, b"a,b\n1,2\n", 422, "text/csv")["code"] == "unreadable"


def test_what_is_not_there_is_not_found(api):
    for path in ("rounds/latest", "forecasts", "nowcast", "rt", "hub", f"rounds/{UUID}", f"rounds/{UUID}/forecasts"):
        assert api("get", path, status=404)["code"] in ("no_round", "not_found")
    assert api("get", "scores?target=joy") == []
    assert api("get", "scores?days=1", status=422)["code"] == "invalid"


def test_who_may_only_look_cannot_run_or_send(client, staff):
    client.force_login(staff("partner", name="pat"))

    with clock.fixed(NOW):
        assert client.get("/api/v1/forecast/rounds").status_code == 200
        for path in ("rounds", "rounds/past", "hub", "series"):
            assert client.post(f"/api/v1/forecast/{path}", b"{}", content_type="text/csv").status_code == 403
        for path in ("/forecast/rounds/run/", "/forecast/rounds/past/"):
            assert client.post(path).status_code == 403
    assert not Round.objects.exists()
