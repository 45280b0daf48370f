"""Scenarios for programs: list, make, run, results; and what is refused."""

import pytest

from epipolis.core import clock
from epipolis.understand.scenarios import services
from epipolis.understand.scenarios.models import Run, Scenario

from .factories import NOW, scenario, simulated

pytestmark = pytest.mark.django_db
ASKED = {
    "name": "Masks from day 5",
    "city": {"kind": "procedural", "people": 2_000},
    "days": 20,
    "seeds": 2,
    "measures": ["isolate_cases", {"masks": {"effect": 0.4, "from": 5}}],
}


@pytest.fixture
def api(client, staff):
    user = staff("epidemiologist", name="ana")
    client.force_login(user)

    def call(method, path, data=None, status=200):
        with clock.fixed(NOW):
            answer = getattr(client, method)(f"/api/v1/scenarios/{path.lstrip('/')}", data, content_type="application/json")
        assert answer.status_code == status, answer.content
        return answer.json()

    call.user = user
    return call


def test_a_program_makes_a_scenario_runs_it_and_takes_the_results(api, deliver_events):
    made = api("post", "", ASKED, 201)
    assert made["content"]["measures"][1] == {"masks": {"effect": 0.4, "from": 5}} or made["content"]["measures"][1]["masks"]
    started = api("post", f"/{made['id']}/run", {}, 202)
    assert api("get", f"/runs/{started['id']}")["state"] == "waiting"
    deliver_events()

    found = api("get", f"/{made['id']}/results")

    assert found["run"]["state"] == "done"
    assert found["run"]["simulated"]
    totals = {row["what"]: row for row in found["totals"]}
    assert totals["infections"]["low"] <= totals["infections"]["median"] <= totals["infections"]["high"]
    assert len(found["summaries"]) == 2
    assert len(api("get", f"/{made['id']}/results/curves")) == 20 * 13
    assert api("get", f"/{made['id']}/results/flights", status=404)["code"] == "not_found"


def test_the_list_holds_own_and_shared_scenarios_in_pieces(api, staff):
    bo = staff("commander", name="bo")
    for number in range(3):
        scenario(by=api.user, name=f"Own {number}")
    scenario(by=bo, name="Private")
    scenario(by=bo, name="Shared", shared=True)

    first = api("get", "?limit=3")
    rest = api("get", f"?limit=3&cursor={first['next']}")

    names = {one["name"] for one in first["items"] + rest["items"]}
    assert names == {"Own 0", "Own 1", "Own 2", "Shared"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"days": 0}, "days"),
        ({"people": 500}, "people"),
        ({"city": {"kind": "procedural", "inhabitants": 500}}, "city.inhabitants"),
        ({"disease": "flue"}, "no disease 'flue'"),
        ({"measures": ["fly"]}, "No measure is called 'fly'"),
        ({"measures": [{"masks": {"effect": 7}}]}, "effect is 7"),
        ({"measures": [{"masks": {"layers": {"a": 1}}}]}, "layers"),
        ({"city": {"kind": "procedural", "people": 3}}, "people"),
        ({"city": {"kind": "ours"}}, "No people are counted"),
        ({"measures": [{"vaccinate": {"vaccine": "none", "per_day": 10}}]}, "vaccine"),
        ({"measures": [{"vaccinate": {"vaccine": "two_dose", "per_day": 10_000_000}}]}, ""),
    ],
)
def test_what_cannot_be_simulated_is_refused_before_anything_is_stored(api, change, why):
    found = api("post", "", ASKED | change, 422)

    assert why in found["detail"] + str(found.get("errors"))
    assert not Scenario.objects.exists()


def test_a_run_is_stopped(api):
    made = api("post", "", ASKED, 201)
    started = api("post", f"/{made['id']}/run", {}, 202)

    assert api("post", f"/runs/{started['id']}/cancel", {})["state"] == "cancelled"
    assert Run.objects.get().state == "cancelled"


def test_somebody_elses_scenario_is_not_found(api, staff, deliver_events):
    made = simulated(by=staff("epidemiologist", name="bo"), deliver=deliver_events)

    for path in (f"/{made.id}", f"/{made.id}/results", f"/{made.id}/results/totals", f"/runs/{Run.objects.get().id}"):
        assert api("get", path, status=404)["code"] == "not_found"
    services.share_scenario(made.id, shared=True, by=None, at=NOW)
    assert api("get", f"/{made.id}")["name"] == "As is"


def test_the_diseases_are_listed_with_their_vaccines(api):
    found = {one["name"]: one for one in api("get", "/diseases")}

    assert found["covid_19_ancestral"]["vaccines"]
