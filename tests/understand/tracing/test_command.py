"""`epipolis trace`: one case, or the whole city; for people and for programs."""

import json

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from epipolis.core import clock
from epipolis.core.models import AuditEntry
from epipolis.server.commands import trace as command

from .factories import NOW, case, day_visit, local, meeting, place, visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def run():
    """Call the command as the shell does, within this test's database."""
    import typer

    app = typer.Typer()
    app.command("trace")(command.trace)

    def call(*arguments):
        with clock.fixed(NOW):
            return CliRunner().invoke(app, arguments)

    return call


def test_one_case_prints_its_contacts_and_why(run):
    ill, met, where = meeting(20)

    found = json.loads(run(ill.source_key, "--json").output)

    assert (found["case_number"], found["found"], found["added"]) == (ill.source_key, 1, 1)
    assert [(one["contact"], one["minutes"], one["place"]) for one in found["contacts"]] == [(str(met), 20, where.name)]
    assert found["decision"]["rule"] == "infectious_window WHO 2020-12-16"
    assert "Symptoms began on 2021-03-10." in run(str(ill.id)).output


def test_the_whole_city_prints_every_pair(run):
    ill, met, where = meeting(20)

    found = json.loads(run("--all", "--json").output)

    assert (found["cases"], found["contacts"], found["meetings"]) == (1, 1, 1)
    assert found["pairs"] == [
        {
            "case": str(ill.id),
            "case_number": ill.source_key,
            "contact": str(met),
            "place": where.code,
            "starts": "2021-03-10T12:00:00+08:00",
            "ends": "2021-03-10T12:20:00+08:00",
            "minutes": 20,
            "certain": True,
        }
    ]
    assert AuditEntry.objects.filter(action="tracing.trace_all").count() == 1


def test_a_day_without_an_hour_is_never_certain(run):
    ill, other, where = case(), case(), place()
    for one in (ill, other):
        day_visit(one.person_id, where, 10)

    pairs = json.loads(run("--all", "--json").output)["pairs"]

    assert {(pair["case_number"], pair["contact"], pair["certain"]) for pair in pairs} == {
        (ill.source_key, other.source_key, False),
        (other.source_key, ill.source_key, False),
    }


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_the_pairs_are_written_to_a_file(run, tmp_path, kind):
    meeting(20)
    out = tmp_path / f"pairs.{kind}"

    assert run("--all", "--out", str(out)).exit_code == 0

    rows = {
        "csv": lambda: len(out.read_text().splitlines()) - 1,
        "json": lambda: len(json.loads(out.read_text())),
        "parquet": lambda: pq.read_table(out).num_rows,
    }[kind]()
    assert rows == 1


def test_minutes_and_since_narrow_the_city(run):
    meeting(20)

    assert json.loads(run("--all", "--json", "--minutes", "21").output)["meetings"] == 0
    assert json.loads(run("--all", "--json", "--since", "2021-03-13").output)["cases"] == 0


def test_nobody_met_is_said(run):
    ill = case()
    visit(ill.person_id, place(), local(10, 12), 60)

    assert "nobody" in run(ill.source_key).output
    assert "nobody" in run("--all").output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name one case, or say --all"),
        (("C1", "--all"), "name one case, or say --all"),
        (("unknown",), "no case 'unknown'"),
        (("--all", "--out", "pairs.exe"), "the name must end in .csv, .json or .parquet"),
    ],
)
def test_wrong_calls_say_what_is_wrong(run, arguments, message):
    answer = run(*arguments)

    assert answer.exit_code == 1
    assert message in str(answer.exception)


def test_a_number_that_two_sources_use_must_be_made_clear(run):
    case(source_key="7", source="clinic")
    case(source_key="7", source="airport")

    assert "more than one source" in str(run("7").exception)
