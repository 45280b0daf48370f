"""`epipolis simulate` and `epipolis compare`: what they print and write, and what they refuse before any work."""

import json
import xml.etree.ElementTree as ET
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from epipolis.core import clock
from epipolis.core.imports import ImportOptions
from epipolis.core.modules import modules
from epipolis.core.work import silent
from epipolis.engines import twin
from epipolis.engines.twin import records
from epipolis.server.commands import compare as comparing
from epipolis.server.commands import pictures, simulations
from epipolis.server.commands import simulate as simulating

SMALL = ("--people", "1000", "--days", "15")
MASKS = "- testing\n- isolate_cases\n- masks: {effect: 0.9}\n"


@pytest.fixture
def run():
    """Call a command as the shell does."""
    app = typer.Typer()
    app.command("simulate")(simulating.simulate)
    app.command("compare")(comparing.compare)

    def call(*arguments):
        return CliRunner().invoke(app, [str(word) for word in arguments])

    return call


@pytest.fixture
def masks(tmp_path):
    path = tmp_path / "masks.yaml"
    path.write_text(MASKS)
    return path


def test_a_run_prints_its_curve_and_its_totals(run):
    answer = run("simulate", *SMALL)

    assert answer.exit_code == 0, answer.output
    assert "new infections a day, simulated" in answer.output
    assert "2026-01-05" in answer.output
    assert "2026-01-19" in answer.output
    assert "infections by each early case" in answer.output


def test_the_same_seed_prints_the_same_and_another_does_not(run):
    first, again, other = (
        {
            key: value
            for key, value in json.loads(run("simulate", *SMALL, "--json", "--seed", seed).output).items()
            if key != "seconds"
        }
        for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other
    assert first["people"] == 1_000


def test_a_run_is_written_whole(run, tmp_path, masks):
    out = tmp_path / "run"

    answer = run("simulate", *SMALL, "--measures", masks, "--out", out)

    assert answer.exit_code == 0, answer.output
    assert sorted(path.name for path in out.iterdir()) == [
        "by_age.parquet", "by_area.parquet", "by_place.parquet", "costs.parquet", "curve.parquet", "measures.yaml",
        "summary.json", "truth.parquet",
    ]  # fmt: skip
    curve = pq.read_table(out / "curve.parquet")
    assert curve.num_rows == 15
    assert json.loads((out / "summary.json").read_text())["infections"] == sum(curve.column("infections").to_pylist())
    assert twin.read_measures((out / "measures.yaml").read_text()) == twin.read_measures(MASKS)


def test_an_interrupted_run_leaves_nothing(run, tmp_path, monkeypatch):
    monkeypatch.setattr(simulations.pq, "write_table", lambda *a, **b: (_ for _ in ()).throw(KeyboardInterrupt))

    answer = run("simulate", *SMALL, "--out", tmp_path / "run")

    assert answer.exit_code != 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--days", "0"), "--days is 0"),
        (("--people", "12"), "--people is 12"),
        (("--people", "-5"), "--people is -5"),
        (("--seed", "-1"), "--seed is -1, but must lie between 0 and"),
        (("--seed", str(2**31)), "--seed is 2147483648"),
        (("--records", "records"), "without testing no case is known"),
        (("--disease", "flue"), "there is no disease 'flue'"),
        (("--start", "soon"), "--start is 'soon'"),
        (("--areas", "/nowhere"), "is no folder"),
        (("--measures", "/nowhere.yaml"), "No such file"),
        (("--plot", "picture.bmp"), "must end in .png or .svg"),
        (("--plot", "/nowhere/picture.png"), "is no folder"),
    ],
)
def test_a_wrong_input_is_one_sentence_and_code_2_before_any_work(run, arguments, why, monkeypatch):
    monkeypatch.setattr(twin, "simulate", lambda *a, **b: pytest.fail("nothing may be computed"), raising=False)

    answer = run("simulate", *arguments)

    assert answer.exit_code == 2
    assert why in answer.stderr
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- fly", "No measure is called 'fly'"),
        ("- masks: {effect: 2}", "effect is 2"),
        ("- schools: {mode: closed}\n- schools: {mode: half_classes}", "both closed and in half classes"),
        ("- vaccinate: {vaccine: x, per_day: 5}", "no vaccine called 'x'"),
        ("- masks: {compliance_by_area: {moon: 0.5}}", "no area of the city"),
        ("{", "no YAML"),
        ("\0", "no YAML"),
    ],
)
def test_wrong_measures_are_refused_with_the_files_name(run, tmp_path, text, why):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)

    answer = run("simulate", *SMALL, "--measures", path)

    assert answer.exit_code == 2, answer.output
    assert why in answer.stderr


def test_nothing_is_overwritten(run, tmp_path):
    (tmp_path / "kept").write_text("mine")

    answer = run("simulate", *SMALL, "--out", tmp_path)

    assert answer.exit_code == 2
    assert "nothing is overwritten" in answer.stderr


@pytest.mark.django_db
def test_what_the_city_sees_is_written_and_imported_unchanged(run, tmp_path):
    folder, now = tmp_path / "records", datetime(2026, 2, 2, 4, tzinfo=UTC)
    answer = run("simulate", "--people", 2_000, "--days", 25, "--measures", "usual", "--records", folder)

    assert answer.exit_code == 0, answer.output
    assert f"written  {folder}" in answer.output.replace("\n", "")
    assert {name for name in records.FILES if not (folder / name).exists()} == set()
    truth = pq.read_table(folder / "truth" / "infections.parquet")
    told = json.loads(run("simulate", "--people", 2_000, "--days", 25, "--measures", "usual", "--json").output)
    assert sum(day >= 0 for day in truth.column("infected_day").to_pylist()) == told["infections"]
    with clock.fixed(now):
        loader = next(one for module in modules().values() for one in module.loaders if one.name == "city")
        assert not loader.run(folder / "city", by="test", at=now, simulated=True, progress=silent()).get("problems")
        for name, file, mapping in (("people", "people.parquet", None), ("cases", "cases.csv", "epipolis")):
            importer = next(one for module in modules().values() for one in module.importers if one.name == name)
            options = ImportOptions(by="test", at=now, mapping=mapping, simulated=True, source="records", progress=silent())
            report = importer.run(folder / file, options)
            assert (report.rejected, report.accepted > 5) == (0, True), report.problems[:3]


@pytest.mark.parametrize(
    ("measures", "why"),
    [
        ("- testing\n- masks: {when: {what: cases, above: 5}}", "masks waits for a trigger"),
        ("- masks", "without testing no case is known"),
    ],
)
def test_records_that_would_tell_nothing_are_refused(run, tmp_path, measures, why):
    path = tmp_path / "m.yaml"
    path.write_text(measures)

    answer = run("simulate", *SMALL, "--measures", path, "--records", tmp_path / "records")

    assert (answer.exit_code, why in answer.stderr) == (2, True), answer.stderr


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_picture_is_drawn(run, tmp_path, kind):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"curve.{kind}"

    answer = run("simulate", *SMALL, "--plot", path)

    assert answer.exit_code == 0, answer.output
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    if kind == "svg":
        assert ET.parse(path).getroot().tag.endswith("svg")  # noqa: S314 -- written just now
    else:
        assert path.read_bytes().startswith(b"\x89PNG")


def test_scenarios_are_compared_with_the_first(run, masks):
    answer = run("compare", masks, "--as-is", *SMALL, "--seeds", "2", "--json")

    assert answer.exit_code == 0, answer.output
    totals = {(row["scenario"], row["what"]): row for row in json.loads(answer.output)["totals"]}
    assert totals["masks", "infections"]["change"] < 0
    assert totals["as is", "infections"]["change"] is None


def test_a_comparison_prints_a_table_and_is_written_whole(run, masks, tmp_path):
    out = tmp_path / "both"

    answer = run("compare", masks, "--as-is", *SMALL, "--seeds", "2", "--out", out)

    assert "infections a day" in answer.output
    assert pq.read_table(out / "totals.parquet").num_rows > 10
    assert (out / "2-measures.yaml").exists()


@pytest.mark.parametrize(("arguments", "why"), [((), "at least two files"), (("--as-is", "--seeds", "0"), "--seeds is 0")])
def test_a_comparison_that_cannot_be_made_is_refused(run, masks, arguments, why):
    answer = run("compare", masks, *arguments)

    assert answer.exit_code == 2
    assert why in answer.stderr


def test_two_files_of_one_name_cannot_be_told_apart(run, masks):
    assert "rename one" in run("compare", masks, masks).stderr


def test_a_scenario_of_the_platform_is_read_with_its_name(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(f"name: Masks now\nmeasures:\n{MASKS}")

    name, orders = simulations.measures_in(path)

    assert name == "Masks now"
    assert orders == twin.read_measures(MASKS)


def test_a_curve_in_the_terminal_has_its_peak_where_it_is():
    from datetime import date, timedelta

    values = [0.0] * 36 + [9.0] * 36
    text = pictures.in_terminal(values, [date(2026, 1, 5) + timedelta(days=n) for n in range(72)], title="x").splitlines()

    assert text[1].endswith("│" + " " * 36 + "█" * 36)
    assert text[1].strip().startswith("9")
    assert pictures.sparkline([0, 0, 4, 8], 4) == "  ▄█"
