"""What happens to scenarios: versions, runs, cancelling, doing it again."""

import pytest

from epipolis.core import work
from epipolis.core.models import AuditEntry
from epipolis.understand.scenarios import queries, services
from epipolis.understand.scenarios.models import Run, RunTable, Version

from .factories import NOW, content, scenario, simulated

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(staff):
    return staff("epidemiologist", name="ana")


def test_a_run_keeps_what_it_was_computed_from(ana, deliver_events):
    made = simulated("masks", by=ana, deliver=deliver_events)

    run = queries.finished_run(queries.version(made))

    assert run.state == "done"
    assert run.people == 2_000
    assert run.disease["name"] == "COVID-19 (ancestral)"
    assert run.engine.startswith("epipolis")
    assert len(run.summaries) == 2
    assert set(RunTable.objects.filter(run=run).values_list("name", flat=True)) == {
        "curve", "by_age", "by_place", "by_area", "costs", "area_totals", "areas",
    }  # fmt: skip


def test_the_same_version_again_gives_equal_numbers(ana, deliver_events):
    made = simulated("masks", by=ana, deliver=deliver_events)
    version = queries.version(made)
    services.start_run(version, by=ana, at=NOW)
    deliver_events()

    first, second = Run.objects.filter(version=version).order_by("asked", "id")

    assert first.digest == second.digest != ""
    assert first.summaries == second.summaries


def test_a_task_that_is_done_twice_changes_nothing(ana, deliver_events):
    made = scenario(by=ana)
    services.start_run(queries.version(made), by=ana, at=NOW)
    deliver_events(twice=True)
    run = queries.finished_run(queries.version(made))
    before = (run.finished, run.digest)

    services.compute_run(work.silent(), run=str(run.id))

    run.refresh_from_db()
    assert (run.finished, run.digest) == before
    assert RunTable.objects.filter(run=run).count() == 7


def test_a_worker_killed_in_the_middle_leaves_nothing_and_the_next_one_gives_the_same(ana, deliver_events, monkeypatch):
    from epipolis.engines import twin

    whole = simulated("masks", by=ana, deliver=deliver_events)
    expected = queries.finished_run(queries.version(whole)).digest
    made = scenario("masks", by=ana)
    run = services.start_run(queries.version(made), by=ana, at=NOW)
    real = twin.simulate_many

    def killed(*arguments, **named):
        real(*arguments, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(twin, "simulate_many", killed)
    with pytest.raises(KeyboardInterrupt):
        services.compute_run(work.silent(), run=str(run.id))
    assert not RunTable.objects.filter(run=run).exists()
    assert Run.objects.get(id=run.id).state == "running"

    monkeypatch.setattr(twin, "simulate_many", real)
    services.compute_run(work.silent(), run=str(run.id))

    assert Run.objects.get(id=run.id).digest == expected


def test_a_version_that_was_run_is_never_written_again(ana, deliver_events):
    made = simulated(by=ana, deliver=deliver_events)
    before = queries.version(made).content

    services.change_scenario(made.id, "As is", "", content("masks"), by=ana, at=NOW)

    assert [v.number for v in Version.objects.filter(scenario=made).order_by("number")] == [1, 2]
    assert queries.version(made, 1).content == before


def test_a_version_that_was_not_run_is_changed_in_place(ana):
    made = scenario(by=ana)

    services.change_scenario(made.id, "Masks", "", content("masks"), by=ana, at=NOW)

    assert [v.content["measures"][0]["kind"] for v in Version.objects.filter(scenario=made)] == ["masks"]


def test_going_back_to_an_earlier_version_undoes_a_change(ana, deliver_events):
    made = simulated(by=ana, deliver=deliver_events)
    services.change_scenario(made.id, "As is", "", content("masks"), by=ana, at=NOW)
    services.start_run(queries.version(made), by=ana, at=NOW)

    services.restore_version(made.id, 1, by=ana, at=NOW)

    assert queries.version(made).content == queries.version(made, 1).content
    assert queries.version(made).number == 3


def test_a_waiting_run_that_is_cancelled_never_begins(ana, deliver_events):
    made = scenario(by=ana)
    run = services.start_run(queries.version(made), by=ana, at=NOW)

    services.cancel_run(run.id, by=ana, at=NOW)
    deliver_events()

    assert Run.objects.get(id=run.id).state == "cancelled"
    assert not RunTable.objects.filter(run=run).exists()


def test_a_running_run_stops_when_it_is_cancelled(ana, monkeypatch):
    from epipolis.understand.scenarios.services import runs

    monkeypatch.setattr(runs, "_LOOK_EVERY", 0.001)
    made = scenario(by=ana, days=400, seeds=20)
    run = services.start_run(queries.version(made), by=ana, at=NOW)
    monkeypatch.setattr(work, "_EVERY", 0.0)

    def report(done, total, note):
        if done:
            Run.objects.filter(id=run.id).update(is_unwanted=True)

    with pytest.raises(ValueError, match="Cancelled"):
        services.compute_run(work.Progress(report), run=str(run.id))

    assert Run.objects.get(id=run.id).state == "cancelled"
    assert not RunTable.objects.exists()


def test_two_people_who_press_simulate_get_one_run(ana):
    version = queries.version(scenario(by=ana))

    first = services.start_run(version, by=ana, at=NOW)

    assert services.start_run(version, by=ana, at=NOW) == first


def test_a_run_that_cannot_be_done_says_why(ana, deliver_events):
    made = scenario(by=ana)
    version = queries.version(made)
    Version.objects.filter(id=version.id).update(content=version.content | {"city": {"kind": "ours", "seed": 1}})
    services.start_run(version, by=ana, at=NOW)
    deliver_events()

    run = queries.newest_run(version)
    assert run.state == "failed"
    assert "population" in run.problem


def test_a_file_gives_back_the_scenario_it_was_made_from(ana):
    made = scenario("testing", "masks", "vaccinate", "trace_contacts", by=ana)
    before = queries.version(made).content

    again = services.import_scenario(queries.to_yaml("X", "why", before), by=ana, at=NOW, disease="covid_19_ancestral")

    assert queries.version(again).content == before
    assert (again.name, again.description) == ("X", "why")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[1, 2]", "no scenario"),
        ("a: b", "no part 'a'"),
        ("name: x\ndays: 0", "days must be a whole number between 1"),
        ("name: x\nmeasures: [fly]", "No measure is called 'fly'"),
        ("name: x\ndisease: flue", "no disease 'flue'"),
        ("name: x\ncity: {kind: procedural, people: 3, seed: 1}", "people must be a whole number"),
        ("name: x\nmeasures: [{masks: {effect: 2}}]", "effect is 2"),
        (
            "name: x\nmeasures: [{schools: {mode: closed}}, {schools: {mode: half_classes}}]",
            "measure 2: Schools are both closed",
        ),
        ("name: x\nbegin: {immune_share: 3}", "immune_share"),
        (
            "name: x\nbegin: {immune_share: 0, infected:"
            " [{area: null, age_from: 50, age_to: 9, days_since_infection: 3, count: 1}]}",
            "age_to is 9, but must be no less than age_from, which is 50",
        ),
        ("x: \0", "no text"),
        ("{", "no YAML"),
        ("- &a [*a]", "no scenario"),
    ],
)
def test_a_bad_file_is_refused_with_one_sentence(ana, text, why):
    with pytest.raises(ValueError, match=why):
        services.import_scenario(text, by=ana, at=NOW, disease="covid_19_ancestral")


def test_the_two_ready_scenarios_are_made_and_started(ana, deliver_events):
    made = services.make_first_scenarios(by=ana, at=NOW, disease="covid_19_ancestral")

    assert [one.name for one in made] == ["As is", "Masks + tracing"]
    assert Run.objects.filter(state="waiting").count() == 2


@pytest.mark.parametrize("ready", [one.name for one in queries.READY])
def test_every_ready_scenario_can_be_simulated_with_every_disease_that_has_what_it_needs(ready):
    from epipolis.engines import twin

    for disease in twin.diseases():
        made = queries.ready_content(ready, disease=disease, start=NOW.date())
        if ready != "vaccinate_old" or queries.vaccines_of(disease):
            assert queries.problems_of(made) == []


def test_every_measure_of_the_engine_is_on_the_menu_with_its_own_defaults():
    from epipolis.engines import twin

    whole = content(*queries.KINDS)
    for kind in twin.MEASURES:
        entry = queries.new_measure(kind.kind(), whole)
        assert queries.contents.measure_of(entry).kind() == kind.kind()
    assert {kind.kind() for kind in twin.MEASURES} == set(queries.KINDS)


def test_every_write_is_in_the_audit_trail(ana, deliver_events):
    made = simulated(by=ana, deliver=deliver_events)
    services.share_scenario(made.id, shared=True, by=ana, at=NOW)
    services.archive_scenario(made.id, archived=True, by=ana, at=NOW)

    actions = set(AuditEntry.objects.filter(action__startswith="scenarios.").values_list("action", flat=True))

    assert actions == {"scenarios.make", "scenarios.run", "scenarios.finish", "scenarios.share", "scenarios.archive"}


def test_a_run_names_the_sources_of_the_engine_that_computed_it(ana, deliver_events):
    made = simulated(by=ana, deliver=deliver_events)

    run = queries.finished_run(queries.version(made))
    assert run.engine.endswith(f", sources {queries.engine_digest()}")
    assert len(queries.engine_digest()) == 16


def test_every_kind_of_measure_has_an_example_price_that_the_engine_takes():
    whole = content(*queries.KINDS)
    for kind in queries.KINDS:
        entry = queries.new_measure(kind, whole)
        assert queries.has_example_prices(entry), kind
        assert not queries.has_example_prices(entry | {"cost_per_day": 7.0})
        queries.contents.measure_of(entry)
    assert set(queries.EXAMPLES) == set(queries.KINDS)
