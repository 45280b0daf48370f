"""What people type by mistake, on the officer's and on the person's page: read where it can be, else refused by its name."""

import pytest

from epipolis.act.quarantine.models import Appeal, SelfReport

from .factories import again, drafted, issued
from .test_pages import ISSUE, link, page, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(client, staff):
    client.force_login(staff("tracer", name="tina"))
    return client


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("37,5", "37.5"),
        ("37.5 °C", "37.5"),
        ("３７．５", "37.5"),
        ("38.2℃", "38.2"),
        ("37", "37.0"),
        ("99", None),
        ("37,5,5", None),
    ],
)
def test_a_temperature_is_read_as_people_write_it(client, told, kept):
    row = issued()
    answer = client.post(link(row), {"what": "report", "temperature": told})
    found = list(SelfReport.objects.values_list("temperature", flat=True))

    assert [str(one) for one in found] == ([kept] if kept else [])
    assert ("Write it like 36.6" in answer.content.decode()) == (kept is None)


def test_the_end_of_a_line_counts_once_and_what_is_too_long_is_called_too_long(client):
    row = issued()
    lines = "\r\n".join(["x" * 19] * 200)
    refused = client.post(link(row), {"what": "appeal", "text": lines + "x" * 20})
    assert "at most 4000 characters" in refused.content.decode()
    assert client.post(link(row), {"what": "appeal", "text": lines}).status_code == 302


def test_what_is_said_while_an_appeal_is_open_is_added_to_it_and_twice_is_once(officer):
    row = issued()
    for text in ("I met nobody.", "Ask my employer.", "Ask my employer.", "I met nobody."):
        officer.post(link(row), {"what": "appeal", "text": text})
    shown = page(officer, url("order", row))

    assert Appeal.objects.count() == 1
    assert "I met nobody.\n\n2021-03-20: Ask my employer.</p>" in shown
    assert row.changes.filter(kind="appealed").count() == 2


def test_something_urgent_must_be_named(client):
    row = issued()

    assert client.post(link(row), {"what": "needs", "urgent": "on"}).status_code == 422
    assert again(row).needs_asked is None


def test_who_is_not_watched_reads_that_and_nothing_about_a_law(client):
    answer = client.post(link(issued()), {"what": "unwatch"}).content.decode()

    assert "ordered by law" not in answer


@pytest.mark.parametrize("reason", [" ", "\u200b", "\u202e", "...", "—"])
def test_a_reason_that_only_looks_like_one_is_none(officer, reason):
    row = issued()

    assert officer.post(url("lift", row), {"reason": reason}).status_code == 422
    assert again(row).state == "issued"


@pytest.mark.parametrize(
    ("language", "status"), [("klingon", 422), ("../../etc", 422), ("zh-Hant", 302), ("vi", 302), ("", 302)]
)
def test_a_language_is_a_code(officer, language, status):
    assert officer.post(url("issue", drafted()), ISSUE | {"language": language}).status_code == status


def test_a_page_that_is_old_says_so_instead_of_pointing_at_fields_that_are_gone(officer):
    row = issued()
    shown = officer.post(url("issue", row), ISSUE | {"place": "moon"}).content.decode()

    assert "This order has changed meanwhile" in shown
    assert "marked fields" not in shown
