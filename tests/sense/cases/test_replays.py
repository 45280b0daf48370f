"""A definition tried on all cases before it is applied; and the command that does both."""

import csv
import json
from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import files

import pytest
import yaml

from epipolis.core import clock, rules
from epipolis.core.models import RulePackRow
from epipolis.core.work import silent
from epipolis.sense.cases import queries, services
from epipolis.sense.cases.models import Case, CaseRevision, Replay, ReplayChange
from epipolis.server.commands.classify import classify
from tests.server.commands import runner

from .factories import case, finding, open_case

pytestmark = pytest.mark.django_db
SORMAS = "case_definition SORMAS 2020-11-06"


def definition(reference=SORMAS):
    return next(pack for pack in queries.definitions() if pack.reference == reference)


@pytest.fixture
def city():
    """Cases of several kinds, known since yesterday: by key, each with what the rules of SORMAS make of it."""
    at = clock.now() - timedelta(days=1)
    day = clock.local_day(at)
    made = {
        "cough": open_case(at=at, reported=day, symptoms={"cough": "yes"}),
        "smell": open_case(at=at, reported=day, symptoms={"anosmia": "yes"}),
        "told": case(at=at, reported=day, classification="probable", symptoms={"anosmia": "yes"}),
        "bare": open_case(at=at, reported=day),
        "dengue": open_case(at=at, reported=day, disease="dengue", symptoms={"rash": "yes"}),
        "double": open_case(at=at, reported=day, symptoms={"anosmia": "yes"}),
    }
    Case.objects.filter(id=made["double"].id).update(same_as=made["smell"].id)
    CaseRevision.objects.filter(case=made["double"]).update(same_as=made["smell"].id)
    return made


def now(made):
    return {key: queries.case(one.id).classification for key, one in made.items() if key != "double"}


def tried(pack, day=None):
    made = services.ask_replay(pack, day or clock.today(), by="x", at=clock.now())
    services.try_definition(silent(), made.id)
    made.refresh_from_db()
    return made


def test_the_report_says_how_many_and_which_and_nothing_changes(city):
    before = now(city)

    found = tried(definition())

    assert (found.state, found.cases) == ("ready", 4)
    assert found.counts == [["probable", "suspected", 2, 1]]
    rows = {row["id"]: row for row in queries.change_rows(found.id)}
    assert set(rows) == {city["smell"].id, city["told"].id}
    assert (rows[city["smell"].id]["changes"], rows[city["told"].id]["changes"]) == (True, False)
    assert "One of nine symptoms" in rows[city["smell"].id]["reasons"] or "one of nine" in rows[city["smell"].id]["reasons"]
    assert now(city) == before
    assert RulePackRow.objects.count() == 0


def test_trying_again_begins_anew(city):
    found = tried(definition())

    services.try_definition(silent(), found.id)

    assert ReplayChange.objects.filter(replay=found).count() == 2


def test_applying_changes_what_is_the_rules_own_and_puts_the_definition_in_force(city):
    found = tried(definition())

    result = services.apply_definition(silent(), found.id, by="x")

    assert result["changed"] == 1
    assert now(city) == {
        "cough": "suspected",
        "smell": "suspected",
        "told": "probable",
        "bare": "suspected",
        "dengue": "suspected",
    }
    assert queries.definition_for("covid", clock.today()).content["title"].startswith("SORMAS")
    assert queries.count_conflicts(clock.now()) == 1
    fresh = open_case(at=clock.now(), reported=clock.today(), symptoms={"anosmia": "yes"})
    assert fresh.classification == "suspected"
    assert Replay.objects.get().state == "applied"


def test_applying_twice_changes_nothing_more(city):
    found = tried(definition())
    services.apply_definition(silent(), found.id, by="x")
    before = (CaseRevision.objects.count(), RulePackRow.objects.count())

    assert services.apply_definition(silent(), found.id, by="x")["changed"] == 0

    assert (CaseRevision.objects.count(), RulePackRow.objects.count()) == before
    assert tried(definition()).counts == [["probable", "suspected", 1, 1]]


def test_a_past_day_is_judged_by_what_was_known_then_and_cannot_be_applied(city):
    late = open_case(at=clock.now(), reported=clock.today(), symptoms={"anosmia": "yes"})
    finding(city["bare"], at=clock.now())
    yesterday = clock.today() - timedelta(days=1)

    today, past = tried(definition("case_definition WHO 2020-12-16")), tried(definition(), yesterday)

    assert today.counts == []
    assert past.counts == [["probable", "suspected", 2, 1]]
    assert late.id not in {row["id"] for row in queries.change_rows(past.id)}
    with pytest.raises(ValueError, match="past day stays"):
        services.start_apply(past.id, by=None, at=clock.now())


def test_the_definition_before_and_a_test_that_was_not_known_yet(city):
    finding(city["cough"], at=clock.now())
    bare = replace(definition(), version="0", content=definition().content | {"open": "suspected"})

    past = tried(bare, clock.today() - timedelta(days=1))

    assert city["cough"].id not in {row["id"] for row in queries.change_rows(past.id)}


def test_a_definition_that_cannot_be_used_is_refused_before_anything_is_queued():
    pack = replace(definition(), content=definition().content | {"open": "perhaps"})

    with pytest.raises(ValueError, match="open: must be one of"):
        services.start_replay(pack, clock.today(), by=None, at=clock.now())
    with pytest.raises(ValueError, match="lies in the future"):
        services.start_replay(definition(), clock.today() + timedelta(days=1), by=None, at=clock.now())
    assert Replay.objects.count() == 0


def test_trying_and_applying_run_as_tasks_with_progress(city, deliver_events):
    made = services.start_replay(definition(), clock.today(), by=None, at=clock.now())
    with pytest.raises(ValueError, match="not ready"):
        services.start_apply(made.id, by=None, at=clock.now())
    deliver_events(twice=True)

    run = services.start_apply(made.id, by=None, at=clock.now())
    deliver_events(twice=True)

    run.refresh_from_db()
    assert (run.state, run.result["changed"], run.done) == ("done", 1, run.total)
    assert now(city)["smell"] == "suspected"


def test_what_is_adopted_from_another_office_bears_its_name():
    adopted = services.adopt(definition(), by="x", at=clock.now())
    assert adopted.reference == f"case_definition WHO SORMAS 2020-11-06 {clock.today():%y-%m-%d}"


def test_a_version_of_the_same_office_is_adopted_as_it_is():
    own = replace(definition("case_definition WHO 2020-12-16"), version="2026-01-01", valid_from=date(2026, 1, 1))

    assert services.adopt(own, by="x", at=clock.now()) == own
    assert services.adopt(own, by="x", at=clock.now()) == own

    assert rules.in_force("case_definition", clock.today()).version == "2026-01-01"
    assert RulePackRow.objects.count() == 1
    old = replace(own, version="2021", valid_from=date(2021, 1, 1), content=own.content | {"title": "older"})
    with pytest.raises(ValueError, match="not the newest version"):
        services.adopt(old, by="x", at=clock.now())


def shipped(tmp_path):
    text = (files("epipolis.sense.cases") / "rules" / "case_definition_sormas_2020_11.yaml").read_text()
    path = tmp_path / "definition.yaml"
    path.write_text(text)
    return path


run = runner(classify)


def test_the_command_reports_writes_and_applies(city, tmp_path):
    pack, out = shipped(tmp_path), tmp_path / "changes.csv"

    told = json.loads(run("--pack", pack, "--out", out, "--json").output)

    assert told["changes"] == [{"from": "probable", "to": "suspected", "cases": 2, "kept": 1}]
    assert told["applied"] is None
    with out.open() as lines:
        assert {row["id"] for row in csv.DictReader(lines)} == {str(city["smell"].id), str(city["told"].id)}
    assert now(city)["smell"] == "probable"
    text = run("--pack", pack, "--apply").output
    assert "1 classifications changed" in text
    assert now(city)["smell"] == "suspected"
    left = json.loads(run("--json").output)
    assert left["changes"] == [{"from": "probable", "to": "suspected", "cases": 1, "kept": 1}]
    services.follow_rules(city["told"].id, by="x", at=clock.now())
    assert "no case would be classified in another way" in run().output


def test_the_command_says_what_is_wrong(city, tmp_path):
    pack = shipped(tmp_path)
    yesterday = (clock.today() - timedelta(days=1)).isoformat()

    assert json.loads(run("--as-of", yesterday, "--pack", pack, "--json").output)["cases"] == 4
    with pytest.raises(ValueError, match="leave --as-of away"):
        run("--as-of", yesterday, "--pack", pack, "--apply")
    with pytest.raises(LookupError, match="no case definition for dengue"):
        run("--disease", "dengue")
    broken = yaml.safe_load(pack.read_text())
    broken["content"]["classes"][0]["criteria"][0]["when"] = {"all": []}
    pack.write_text(yaml.safe_dump(broken))
    with pytest.raises(ValueError, match=r"classes\[0\].criteria\[0\].when.all"):
        run("--pack", pack)
