"""The pages: who sees which, the form with its buttons, results, comparison and downloads."""

import json
from html.parser import HTMLParser

import pytest
from django.utils import translation

from epipolis.core import clock
from epipolis.understand.scenarios import queries, services
from epipolis.understand.scenarios.models import Run, Scenario, Version

from .factories import NOW, content, scenario, simulated

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now():
    with clock.fixed(NOW), translation.override("en"):
        yield


@pytest.fixture
def ana(staff):
    return staff("epidemiologist", name="ana")


@pytest.fixture
def page(client, ana):
    client.force_login(ana)

    def get(path, **data):
        answer = client.get(path, data)
        assert answer.status_code == 200, answer.status_code
        return answer.content.decode()

    return get


def typed(**more):
    """What a browser sends for a scenario without measures."""
    return {
        "name": "Masks", "description": "", "city": "procedural", "people": "2000", "city_seed": "1",
        "disease": "covid_19_ancestral", "start": "2026-03-02", "days": "20", "seeds": "2", "ward": "250", "icu": "12",
        "under_reporting": "4", "immune": "0", **more,
    }  # fmt: skip


MASKS = {
    "kind": ["masks"], "m0-effect": "40", "m0-layers": ["place", "team"], "m0-first_day": "3", "m0-last_day": "9",
    "m0-compliance": "80", "m0-age-65+": "95", "m0-cost_per_unit": "0.5",
}  # fmt: skip


def test_the_empty_list_offers_two_ready_scenarios(page, client, deliver_events):
    assert "Simulate the two ready ones" in page("/scenarios/")

    assert client.post("/scenarios/first/").status_code == 302
    deliver_events()

    assert "Masks + tracing" in page("/scenarios/")
    assert Run.objects.filter(state="done").count() == 2


def test_the_form_makes_a_scenario_with_its_measure_and_starts_it(page, client):
    answer = client.post("/scenarios/new/", typed(**MASKS, run="1"))

    made = Scenario.objects.get()
    assert answer.headers["Location"] == f"/scenarios/{made.id}/"
    assert queries.version(made).content["measures"] == [
        {
            "kind": "masks", "effect": 0.4, "layers": ["place", "team"], "supply_per_person_week": None, "first_day": 3,
            "last_day": 9, "compliance": 0.8, "compliance_by_age": {"65+": 0.95}, "cost_per_unit": 0.5,
        }
    ]  # fmt: skip
    assert Run.objects.get().state == "waiting"


def test_what_was_stored_stands_in_the_form_again_and_saving_it_changes_nothing(page, client):
    client.post("/scenarios/new/", typed(**MASKS))
    made = Scenario.objects.get()
    before = queries.version(made).content

    text = page(f"/scenarios/{made.id}/edit/")

    for value in ('value="40"', 'value="80"', 'value="95"', 'value="0.5"'):
        assert value in text
    assert client.post(f"/scenarios/{made.id}/edit/", typed(**MASKS)).status_code == 302
    assert queries.version(made).content == before


def test_what_the_form_does_not_ask_stays_as_the_file_said(page, client, ana):
    from epipolis.core.models import User

    said = {
        "compliance_by_area": {"D01-001": 0.25, "D02-002": 0.5}, "compliance_by_age": {"0-9": 0.3, "65+": 0.9},
        "trigger": {"what": "tests", "above": 9.0, "below": None, "for_days": 2},
    }  # fmt: skip
    trace = {"layers": {"household": 1.0, "transit": 0.25}}
    made = scenario(by=User.objects.get(username="ana"))
    found = queries.version(made)
    found.content |= {
        "measures": [
            queries.new_measure("close_places", found.content, places=["school"], **said),
            queries.new_measure("trace_contacts", found.content, **trace),
        ]
    }
    found.save()

    text = page(f"/scenarios/{made.id}/edit/")
    saved = client.post(f"/scenarios/{made.id}/edit/", {**sent_by(text), "description": ""})

    assert "People who follow, by area: D01-001 25 %, D02-002 50 %" in text
    assert saved.status_code == 302, saved.content.decode()
    closed, traced = queries.version(made).content["measures"]
    assert {name: closed[name] for name in said} == said
    assert closed["places"] == ["school"]
    assert traced["layers"] == {"household": 1.0, "class": 0.0, "team": 0.0, "place": 0.0, "passing": 0.0, "transit": 0.25}


def test_what_came_with_a_file_cannot_be_forged_into_another_field(page, client):
    for kept in ('{"effect": 1}', "[1]", "{", '{"compliance_by_area": {"D1": 7}}', '{"compliance_by_area": {"D1": "x"}}'):
        answer = client.post("/scenarios/new/", typed(**MASKS, **{"m0-kept": kept}))
        assert answer.status_code == 200
        assert "alert-danger" in answer.content.decode()
    assert not Scenario.objects.exists()


def test_prices_are_called_examples_until_they_are_the_citys_own(page, client, ana, deliver_events):
    form = page("/scenarios/new/", template="masks_tracing")
    small = {"city": {"kind": "procedural", "people": 2_000, "seed": 1}, "days": 20, "seeds": 2}
    ready = queries.ready_content("masks_tracing", disease="covid_19_ancestral", start=NOW.date())
    made = services.make_scenario("M", "", ready | small, by=ana, at=NOW)
    services.start_run(queries.version(made), by=ana, at=NOW)
    deliver_events()
    result = page(f"/scenarios/{made.id}/")

    assert "These prices are examples" in form
    assert "example prices" not in page("/scenarios/new/", template="as_is")
    assert "At example prices" in result
    assert "Example prices, not those of your city: Testing" in result


def test_a_measure_that_never_comes_into_force_is_told(page, ana, deliver_events):
    made = scenario("masks", by=ana, days=5)
    found = queries.version(made)
    found.content["measures"][0]["first_day"] = 5
    found.save()
    services.start_run(found, by=ana, at=NOW)
    deliver_events()

    assert "Never in force, because the run ends before: Masks" in page(f"/scenarios/{made.id}/")


def sent_by(text):
    """What a browser would send for the form of a page as it stands."""
    form = Form()
    form.feed(text[text.index('id="scenario-form"') :])
    sent = {}
    for name, value in form.found:
        sent.setdefault(name, []).append(value)
    return sent | {"save": "1"}


class Form(HTMLParser):
    """The names and values of a form's fields."""

    def __init__(self):
        super().__init__()
        self.found, self.choice = [], ""

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "input" and given.get("name") and (given.get("type") != "checkbox" or "checked" in given):
            self.found.append((given["name"], given.get("value", "")))
        if tag == "select":
            self.choice = given.get("name", "")
        if tag == "option" and "selected" in given:
            self.found.append((self.choice, given["value"]))


@pytest.mark.parametrize("kind", sorted(queries.KINDS))
def test_each_measure_can_be_added_by_its_button_and_saved_as_it_stands(kind, page, client):
    answer = client.post("/scenarios/new/", typed(add=kind, kind=[]))
    text = answer.content.decode()
    assert "autofocus" in text
    saved = client.post("/scenarios/new/", {**sent_by(text), "description": ""})

    assert saved.status_code == 302, saved.content.decode()
    assert [entry["kind"] for entry in queries.version(Scenario.objects.get()).content["measures"]] == [kind]


def test_measures_are_moved_and_removed_with_what_was_typed(page, client):
    two = {**MASKS, "kind": ["masks", "schools"], "m1-mode": "half_classes", "m1-first_day": "5", "m1-compliance": "70"}

    moved = client.post("/scenarios/new/", typed(**two, down="0")).content.decode()
    removed = client.post("/scenarios/new/", typed(**two, remove="0")).content.decode()

    assert moved.index('value="schools"') < moved.index('value="masks"')
    assert 'name="m1-effect" id="id_m1-effect" type="number"' in moved
    assert 'value="40"' in moved
    assert 'name="m0-mode"' in removed
    assert 'value="70"' in removed
    assert not Scenario.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"days": "0"}, "greater than or equal to 1"),
        ({"people": "12"}, "greater than or equal to 500"),
        ({"people": ""}, "Say how many people"),
        ({"city": "ours"}, "No people are counted in our city yet"),
        ({"m0-effect": "140"}, "less than or equal to 100"),
        ({"m0-effect": "nan"}, "Enter a number"),
        ({"m0-last_day": "1"}, "its last day is 1"),
        ({"m0-layers": []}, "required"),
        ({"m0-trigger_what": "cases"}, "above or below must be given"),
        ({"name": "a\0b"}, "Null characters"),
        ({"start": "0001-01-01"}, "must lie between 1900 and 2200"),
    ],
)
def test_a_wrong_value_is_told_beside_its_field_and_nothing_is_kept(page, client, wrong, sentence):
    answer = client.post("/scenarios/new/", typed(**{**MASKS, **wrong}))

    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert not Scenario.objects.exists()


def test_measures_that_contradict_each_other_are_told_beside_the_second(page, client):
    schools = {"m0-mode": "closed", "m1-mode": "half_classes"} | {
        f"m{n}-{a}": b for n in (0, 1) for a, b in (("first_day", "0"), ("compliance", "100"))
    }

    text = client.post("/scenarios/new/", typed(kind=["schools", "schools"], **schools)).content.decode()

    assert text.index('id="m1"') < text.index("both closed and in half classes")


def test_a_finished_scenario_shows_totals_charts_and_what_was_assumed(page, ana, deliver_events):
    made = simulated("masks", by=ana, deliver=deliver_events)

    text = page(f"/scenarios/{made.id}/")

    for words in ("Simulated", "What was assumed", "Every parameter of the disease", "infections on the worst day", "Digest"):
        assert words in text
    assert text.count("<city-chart") >= 7
    assert "People in quarantine" not in text  # nobody was


def test_a_page_says_when_an_earlier_run_gave_other_numbers(page, ana, deliver_events):
    made = simulated(by=ana, deliver=deliver_events)
    services.start_run(queries.version(made), by=ana, at=NOW)
    deliver_events()
    assert "gave other numbers" not in page(f"/scenarios/{made.id}/")

    Run.objects.filter(id=Run.objects.order_by("finished", "id").first().id).update(digest="other")

    assert "gave other numbers" in page(f"/scenarios/{made.id}/")


def test_the_comparison_says_in_words_what_the_measures_do(page, ana, deliver_events):
    one = simulated(by=ana, deliver=deliver_events)
    other = simulated("masks", "curfew", by=ana, deliver=deliver_events, name="Masks + curfew")

    text = page("/scenarios/compare/", s=[one.id, other.id])

    assert "With Masks + curfew" in text
    assert "fewer infections than with As is" in text
    assert "at a cost of" in text
    assert "seed by seed" in text
    assert "<scenario-map" in text


def test_the_one_without_measures_is_measured_against_unless_another_is_chosen(page, ana, deliver_events):
    other = simulated("masks", by=ana, deliver=deliver_events, name="Masks")
    one = simulated(by=ana, deliver=deliver_events)
    both = {"s": [other.id, one.id]}

    assert "fewer infections than with As is" in page("/scenarios/compare/", plain="1", **both)
    assert "fewer infections than with As is" in page("/scenarios/compare/")
    assert "fewer infections than with As is" in page("/scenarios/compare/", first=one.id, **both)
    assert "more infections than with Masks" in page("/scenarios/compare/", first=other.id, s=[one.id, other.id])


def test_the_first_chosen_is_the_one_to_measure_against(page, ana, deliver_events):
    one = simulated(by=ana, deliver=deliver_events)
    other = simulated("masks", by=ana, deliver=deliver_events, name="Masks")

    assert "more infections than with Masks" in page("/scenarios/compare/", s=[other.id, one.id])


def test_cities_of_different_size_are_compared_per_person():
    small, large = (
        queries.Shown("x", Version(content=content(people=people)), Run(people=people, summaries=[summary, summary]))
        for people, summary in ((1_000, {"infections": 100, "r_early": 2.0}), (3_000, {"infections": 150, "r_early": 3.0}))
    )

    assert queries.figures.change(large, small, "infections") == pytest.approx((-0.5, -0.5, -0.5))
    assert queries.figures.change(large, small, "r_early") == pytest.approx((0.5, 0.5, 0.5))
    assert queries.sentence(large, small).startswith("With x 50 % (50–50 %) fewer infections than with x")


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
@pytest.mark.parametrize("table", sorted(queries.COLUMNS))
def test_each_table_of_a_comparison_can_be_downloaded(table, kind, client, ana, deliver_events):
    one = simulated("masks", by=ana, deliver=deliver_events)
    client.force_login(ana)

    answer = client.get(f"/scenarios/compare/{table}.{kind}", {"s": one.id})
    body = b"".join(answer.streaming_content)

    assert answer.status_code == 200
    if kind == "json":
        rows = json.loads(body)
        assert rows
        assert set(rows[0]) == set(queries.COLUMNS[table])


def test_the_map_has_a_figure_for_each_area_and_day(client, ana, deliver_events):
    one = simulated(by=ana, deliver=deliver_events)
    client.force_login(ana)

    (found,) = client.get("/scenarios/compare/areas.json", {"s": one.id}).json()["scenarios"]

    assert len(found["days"]) == 20
    assert {len(day) for day in found["days"]} == {len(found["areas"]["features"])}
    assert all(feature["geometry"]["type"] == "Polygon" for feature in found["areas"]["features"])


def test_a_scenario_is_its_authors_until_it_is_shared(client, ana, staff, deliver_events):
    made = simulated(by=ana, deliver=deliver_events)
    bo = staff("epidemiologist", name="bo")
    client.force_login(bo)
    assert client.get(f"/scenarios/{made.id}/").status_code == 404

    services.share_scenario(made.id, shared=True, by=ana, at=NOW)

    assert client.get(f"/scenarios/{made.id}/").status_code == 200
    assert client.post(f"/scenarios/{made.id}/archive/").status_code == 403
    assert client.get(f"/scenarios/{made.id}/edit/").status_code == 403
    client.force_login(staff("commander"))
    assert client.get(f"/scenarios/{made.id}/edit/").status_code == 200
    client.force_login(staff("tracer"))
    assert client.get(f"/scenarios/{made.id}/").status_code == 403


def test_putting_away_can_be_undone(client, ana):
    made = scenario(by=ana)
    client.force_login(ana)

    client.post(f"/scenarios/{made.id}/archive/")
    assert "As is" not in client.get("/scenarios/").content.decode().split("scenario-list")[-1].split("Bring in")[0]
    client.post(f"/scenarios/{made.id}/archive/", {"undo": "1"})

    assert Scenario.objects.get().archived is None


def test_a_copy_is_opened_to_be_changed(client, ana, staff):
    made = scenario("masks", by=ana, shared=True)
    bo = staff("epidemiologist", name="bo")
    client.force_login(bo)

    answer = client.post(f"/scenarios/{made.id}/copy/")

    own = Scenario.objects.get(author=bo)
    assert answer.headers["Location"] == f"/scenarios/{own.id}/edit/"
    assert queries.version(own).content == queries.version(made).content


def test_a_file_goes_out_and_comes_in_again(client, ana):
    from io import BytesIO

    made = scenario("masks", "testing", by=ana)
    client.force_login(ana)
    file = client.get(f"/scenarios/{made.id}/file.yaml").content

    client.post("/scenarios/upload/", {"file": BytesIO(file)})

    first, second = Scenario.objects.order_by("id")
    assert queries.version(first).content == queries.version(second).content


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_asks_the_same_number_of_questions_for_any_number_of_rows(
    rows, client, ana, deliver_events, django_assert_num_queries
):
    for number in range(rows):
        simulated(by=ana, deliver=deliver_events, name=f"Scenario {number}")
    client.force_login(ana)
    client.get("/scenarios/")

    with django_assert_num_queries(10):
        text = client.get("/scenarios/").content.decode()

    assert text.count('name="s"') == rows


@pytest.mark.parametrize("language", ["es", "zh-hant"])
def test_the_pages_work_in_every_language(client, ana, deliver_events, language):
    one = simulated("masks", "vaccinate", "curfew", by=ana, deliver=deliver_events)
    client.force_login(ana)
    client.cookies["django_language"] = language

    for path in ("/scenarios/", f"/scenarios/{one.id}/", f"/scenarios/{one.id}/edit/", f"/scenarios/compare/?s={one.id}"):
        assert client.get(path).status_code == 200


def test_the_tile_tells_of_the_last_two_shared_scenarios(ana, deliver_events):
    assert queries.comparison_tile(NOW)["value"] is None
    for name, kinds in (("As is", ()), ("Masks", ("masks",))):
        made = simulated(*kinds, by=ana, deliver=deliver_events, name=name)
        services.share_scenario(made.id, shared=True, by=ana, at=NOW)

    found = queries.comparison_tile(NOW)

    assert found["note"].startswith("With Masks")
    assert len(found["chart"]["series"]) == 2


def test_content_of_the_form_is_what_the_api_makes():
    assert set(content()) == set(queries.empty_content("covid_19_ancestral", NOW.date()))
