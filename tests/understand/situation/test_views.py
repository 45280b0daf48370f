from datetime import timedelta

import pytest
from django.template.loader import render_to_string

from epipolis.core import clock
from tests.understand.situation.test_queries import NOW, TODAY, district, report

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon():
    with clock.fixed(NOW):
        yield


@pytest.fixture
def commander(client, staff):
    client.force_login(staff("commander"))
    return client


def test_an_empty_city_says_what_to_do(commander):
    assert "No cases yet" in commander.get("/situation/").content.decode()


def test_the_page_shows_the_figures_and_every_chart_has_its_table(commander):
    report(1, district=district("Riverside"))

    page = commander.get("/situation/").content.decode()

    assert "Riverside" in page
    assert page.count("<city-chart") == page.count("chart-table") == 2


@pytest.mark.parametrize(
    "asked", ["day=2026-03-18", "step=0", "day=", "day=x", "day=9999-12-31", "step=99999999999", "step=-5"]
)
def test_any_day_can_be_asked_for_and_nonsense_is_now(commander, asked):
    report(1, at=NOW - timedelta(days=4))

    assert commander.get(f"/situation/picture/?{asked}").status_code == 200


def test_the_past_says_that_it_is_the_past(commander):
    report(1, at=NOW - timedelta(days=4))

    assert "As known at the end of" in commander.get("/situation/picture/?day=2026-03-18").content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_the_page_needs_the_same_queries_for_any_number_of_cases(count, commander, django_assert_max_num_queries):
    for number in range(count):
        report(number, district=district(f"D{number}"))

    with django_assert_max_num_queries(30):
        commander.get("/situation/")


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
@pytest.mark.parametrize("table", ["curve", "ages", "districts"])
def test_every_table_can_be_downloaded(commander, table, kind):
    report(1, district=district())

    answer = commander.get(f"/situation/tables/{table}.{kind}")

    assert (answer.status_code, len(b"".join(answer.streaming_content)) > 10) == (200, True)


def test_a_tracer_sees_the_picture_but_cannot_download_it(client, staff):
    client.force_login(staff("tracer"))

    assert [client.get(f"/situation/{path}").status_code for path in ("", "tables/curve.csv")] == [200, 403]


def test_the_public_sees_the_release_without_an_account(client):
    district()
    for path in ("/situation/public/", "/situation/public/districts.csv", "/api/v1/situation/public"):
        assert client.get(path).status_code == 200


def test_the_api_gives_the_figures_as_known_at_a_moment(commander):
    report(1, at=NOW - timedelta(days=4), reported=TODAY - timedelta(days=4))
    report(2)

    def total(moment):
        return commander.get("/api/v1/situation/", {"as_known_at": moment.isoformat()} if moment else {}).json()["total"]

    assert [total(NOW - timedelta(days=1)), total(None)] == [1, 2]


@pytest.mark.parametrize("moment", ["2030-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "2026-01-01T00:00:00", "x", "\0"])
def test_the_api_refuses_moments_that_make_no_sense(commander, moment):
    assert commander.get("/api/v1/situation/", {"as_known_at": moment}).status_code == 422


@pytest.mark.parametrize(
    ("value", "shown"), [(1_833.333333, "1,833.3"), (20.0, "20"), (0, "0"), (None, "–"), (123_456, "123,456")]
)
def test_a_figure_is_shown_with_one_decimal_at_most(value, shown):
    assert f">{shown}</div>" in render_to_string("situation/_figure.html", {"title": "x", "value": value})
