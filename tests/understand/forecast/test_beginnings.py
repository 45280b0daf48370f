"""The pages as a city comes to them: empty, with a first round, with few cases, with what fails and what is refused."""

from datetime import timedelta

import pytest
from django.utils import translation

from epipolis.core import clock
from epipolis.core.models import TaskRun
from epipolis.understand.forecast import queries, services
from epipolis.understand.forecast.models import Round

from .factories import NOW, TODAY, add_cases, epidemic, made_round, text_of, town

pytestmark = pytest.mark.django_db
PAGES = ("/forecast/", "/forecast/map/", "/forecast/beds/", "/forecast/models/", "/forecast/rounds/")


@pytest.fixture(autouse=True)
def _now():
    with clock.fixed(NOW), translation.override("en"):
        yield


@pytest.mark.parametrize("path", PAGES)
def test_before_the_first_round_every_page_says_what_to_do(page, path):
    text = page(path)

    assert "No forecast yet" in text
    assert "/import/series/" in text


def test_a_first_round_claims_nothing_about_its_quality(page):
    epidemic(town(), days=30)
    made_round()

    text = text_of(page("/forecast/"))

    assert "nobody knows how good this one is" in text
    assert "no earlier forecasts to show" in text
    assert "No forecast could be checked yet" in text


def test_few_cases_are_said_to_be_few(page):
    areas = town()
    add_cases([(areas[0], TODAY - timedelta(days=n), TODAY - timedelta(days=n + 2), None, {}) for n in (40, 20, 9, 3)])
    made_round()

    assert "Only 3 were counted here in the last four weeks" in text_of(page("/forecast/"))


def test_forecast_now_queues_one_round_and_shows_its_progress(page, client, deliver_events):
    epidemic(town(), days=30)

    answer = client.post("/forecast/rounds/run/")
    assert "Waiting for its turn" in page(answer.headers["Location"])
    assert client.get(answer.headers["Location"] + "progress/").status_code == 200
    deliver_events()

    assert "Rt now" in page(answer.headers["Location"])
    assert client.get(answer.headers["Location"] + "progress/").headers["HX-Refresh"] == "true"


def test_a_failed_round_says_why(page, client):
    client.post("/forecast/rounds/run/")
    found = Round.objects.get()
    with pytest.raises(ValueError, match="Nothing was known"):
        services.compute_round(lambda *step: None, str(found.id))

    assert "Nothing was known at that moment" in page(f"/forecast/rounds/{found.id}/")


def test_how_we_would_have_done_is_asked_on_the_page(page, client, deliver_events):
    epidemic(town(), days=40)
    asked = {"since": (TODAY - timedelta(days=14)).isoformat(), "until": TODAY.isoformat(), "every": "7"}

    assert client.post("/forecast/rounds/past/", asked).status_code == 302
    deliver_events(twice=True)

    assert Round.objects.filter(kind="past", state="done").count() == 3
    assert page("/forecast/rounds/").count("<td>made later</td>") == 3


@pytest.mark.parametrize(
    "asked",
    [
        {}, {"since": "x", "until": "y", "every": "z"}, {"since": "2026-03-30", "until": "2026-03-01", "every": "7"},
        {"since": "0001-01-01", "until": "2026-03-01", "every": "1"},
        {"since": "2026-03-01", "until": "2126-03-01", "every": "7"},
    ],
)  # fmt: skip
def test_a_past_that_cannot_be_is_explained(client, ana, asked):
    client.force_login(ana)

    answer = client.post("/forecast/rounds/past/", asked, follow=True)

    assert "alert" in answer.content.decode()
    assert not TaskRun.objects.exists()


def test_tiles_before_the_first_round_say_that_nothing_is_known():
    assert queries.rt_tile(NOW)["value"] is None
    assert queries.ahead_tile(NOW)["value"] is None
