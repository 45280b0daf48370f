"""The pages and the interface of chains: who may see and decide, an empty city, a thousand cases, bad input."""

from datetime import timedelta
from uuid import uuid4

import pytest

from epipolis.core import clock
from epipolis.sense.cases.models import Case
from epipolis.understand.chains import queries, services
from epipolis.understand.chains.models import Judgement
from tests.understand.tracing.factories import NOW, ONSET, case, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client, staff):
    client.force_login(staff("tracer", name="ana"))

    def call(path, data=None, status=200):
        with clock.fixed(NOW):
            answer = client.get(path) if data is None else client.post(path, data)
        assert answer.status_code == status, answer.content[:2_000]
        return answer.content.decode() if status == 200 else answer

    return call


@pytest.fixture
def pair():
    first = case()
    second = case(onset=ONSET + timedelta(days=4), infected_by=first.id)
    services.link_recent(at=NOW)
    return first, second


def test_an_empty_city_says_what_will_appear(page):
    assert "No confirmed case in these days" in page("/chains/")


def test_the_overview_shows_the_cluster_and_its_figures(page, pair):
    shown = page("/chains/")
    assert pair[0].source_key in shown
    assert "1 of 2" in shown
    assert "No confirmed case" not in page("/chains/?days=28")
    assert page("/chains/?days=nonsense")


def test_a_case_shows_who_may_have_infected_it_and_its_tree(page, pair):
    shown = page(f"/chains/cases/{pair[1].id}/")
    assert "named in the report" in shown
    assert "<svg" in shown
    assert shown.count(pair[0].source_key) > 2
    page(f"/chains/cases/{uuid4()}/", status=404)


def test_a_tracer_decides_and_takes_back(page, pair):
    first, second = pair
    answer = page(f"/chains/cases/{second.id}/judge/", {"infector": first.id, "is_source": "0", "reason": "away"}, status=302)
    assert answer.url == f"/chains/cases/{second.id}/"
    assert "Not infected by" in page(answer.url)
    page(f"/chains/judgements/{Judgement.objects.get().id}/undo/", {}, status=302)
    assert "taken back by ana" in page(answer.url)
    page(f"/chains/judgements/{2**62}/undo/", {}, status=404)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"number": "nobody", "is_source": "1", "reason": "x"}, "no case with the number nobody"),
        ({"infector": "x", "is_source": "1", "reason": "x"}, "Say why"),
        ({"is_source": "1", "reason": ""}, "Say why"),
        ({"is_source": "2", "reason": "x"}, "Say why"),
    ],
)
def test_a_bad_decision_is_explained(page, pair, data, words):
    page(f"/chains/cases/{pair[1].id}/judge/", data, status=302)
    assert words in page(f"/chains/cases/{pair[1].id}/")


def test_a_source_is_named_by_its_number(page, pair):
    other = case()
    page(f"/chains/cases/{pair[0].id}/judge/", {"number": other.source_key, "is_source": "1", "reason": "flat"}, status=302)
    assert [link.infector_id for link in queries.links_to(pair[0].id)] == [other.id]


def test_a_thousand_cases_stay_readable_and_open_on_request(page):
    ill = person()
    first = case(of=ill)
    values = {"person": ill, "disease": "covid19", "source": "big", "classification": "confirmed", "known_at": NOW}
    parents, rows = [first.id], []
    for number in range(999):
        one = Case(
            id=uuid4(), source_key=f"N{number}", onset=ONSET + timedelta(days=number // 120), infected_by=parents[number // 4],
            revised_at=NOW, **values,
        )  # fmt: skip
        parents.append(one.id)
        rows.append(one)
    Case.objects.bulk_create(rows)
    services.link_cases([one.id for one in rows], at=NOW)
    drawn = queries.draw(queries.cluster_of(first.id, holds_from=0.05), holds_from=0.05)
    assert drawn.cases > 500
    assert len(drawn.rows) <= 60
    assert drawn.folded + sum(not row.folded for row in drawn.rows) == drawn.cases
    shown = page(f"/chains/cases/{first.id}/")
    assert len(shown) < 150_000
    assert "folded" in shown
    assert "Fold again" in page(f"/chains/cases/{first.id}/?open={first.id}&open=rubbish")


def test_the_drawing_and_the_table_can_be_taken_along(page, pair, client, staff):
    shown = page(f"/chains/cases/{pair[0].id}/tree.svg")
    assert shown.startswith("<svg")
    page("/chains/links.csv", status=403)  # a tracer sees, and exports nothing
    client.force_login(staff("epidemiologist", name="eva"))
    with clock.fixed(NOW):
        rows = b"".join(client.get("/chains/links.csv")).decode().splitlines()
        assert client.get("/chains/links.pdf").status_code == 404
    assert len(rows) == 2
    assert pair[1].source_key in rows[1]


@pytest.mark.parametrize("role", ["registrar", "operator", "kiosk"])
def test_others_see_nothing(client, staff, pair, role):
    client.force_login(staff(role))
    for path in ("/chains/", f"/chains/cases/{pair[0].id}/", f"/chains/cases/{pair[0].id}/tree.svg", "/chains/links.csv"):
        assert client.get(path).status_code == 403


def test_a_commander_sees_and_decides_nothing(client, staff, pair):
    client.force_login(staff("commander"))
    with clock.fixed(NOW):
        assert "Name another case" not in client.get(f"/chains/cases/{pair[1].id}/").content.decode()
    data = {"infector": pair[0].id, "is_source": "0", "reason": "x"}
    assert client.post(f"/chains/cases/{pair[1].id}/judge/", data).status_code == 403
    assert not Judgement.objects.exists()


def test_the_interface_tells_links_and_clusters_and_takes_decisions(client, staff, pair):
    first, second = pair
    client.force_login(staff("epidemiologist", name="eva"))
    with clock.fixed(NOW):
        found = client.get(f"/api/v1/chains/links?case={second.id}").json()["items"]
        assert [(one["infector"], one["basis"]) for one in found] == [(str(first.id), "told")]
        assert client.get("/api/v1/chains/clusters").json()[0]["cases"] == 2
        address = f"/api/v1/chains/cases/{second.id}/judgements"
        body = {"infector": str(first.id), "is_source": True, "reason": "household"}
        answer = client.post(address, body, content_type="application/json")
        assert answer.status_code == 201
        assert client.post(address, body, content_type="application/json").status_code == 422
        assert (
            client.post(f"/api/v1/chains/cases/{uuid4()}/judgements", body, content_type="application/json").status_code == 404
        )
