"""`epipolis nowcast` and `epipolis score`."""

import json
from datetime import timedelta

import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest

from epipolis.engines.epidemic import to_hub
from epipolis.server.commands.nowcast import nowcast, read_triangle
from epipolis.server.commands.score import score
from tests.engines.epidemic.reports import MONDAY, late_reports
from tests.engines.epidemic.tables import MADE_ON, forecast, observed, together
from tests.server.commands import runner


@pytest.fixture
def line_list(tmp_path):
    path = tmp_path / "linelist.csv"
    table = late_reports(strata={"north": 20.0, "south": 5.0}, days=70).rename_columns(["onset_date", "report_date", "area"])
    pcsv.write_csv(table, path)
    return path


@pytest.fixture
def forecasts(tmp_path):
    parts = []
    for name, off in {"ours": 1.0, "theirs": 4.0}.items():
        for step in (1, 2):
            parts.append(forecast({0.25: 8.0 + off, 0.5: 10.0 + off, 0.75: 12.0 + off}, model=name, horizon=step))
    path = tmp_path / "forecasts.parquet"
    pq.write_table(together(parts), path)
    pcsv.write_csv(observed(10.0, 10.0), tmp_path / "truth.csv")
    return path, tmp_path / "truth.csv"


def test_a_line_list_is_nowcast_by_area_and_what_it_became_stands_beside(line_list, tmp_path):
    run = runner(nowcast)
    at = MONDAY + timedelta(days=45)
    result = run(line_list, "--at", at, "--longest-delay", 20, "--out", tmp_path / "days.csv", "--plot", tmp_path / "days.svg")
    assert result.exit_code == 0
    assert "happened: onset_date; became known: report_date; every row is one event" in result.stdout
    assert f"as of {at}, final after 20 days" in result.stdout
    assert "became" in result.stdout
    written = pcsv.read_csv(tmp_path / "days.csv")
    assert set(written["stratum"].to_pylist()) == {"north", "south"}
    assert written.num_rows == 2 * 21
    assert (tmp_path / "days.svg").stat().st_size > 5_000


def test_as_json_has_every_day_and_the_record(line_list):
    result = runner(nowcast)(line_list, "--json", "--check", "--longest-delay", 20, "--days-back", 7)
    told = json.loads(result.stdout)
    assert len(told["rows"]) == 2 * 7
    record = {row["model"]: row for row in told["record"]}
    assert record["nowcast"]["relative wis"] < 1
    assert record["carried forward"]["relative wis"] == 1


def test_counts_that_never_fall_are_read_as_cumulative(tmp_path):
    rows = [
        f"2026-01-{day:02},2026-01-{day + late:02},{total}" for day in range(1, 15) for late, total in ((0, 5), (1, 9), (4, 10))
    ]
    path = tmp_path / "triangle.csv"
    path.write_text("\n".join(["day,known_on,count", *rows, ""]))
    triangle, told = read_triangle(path)
    assert "all known by then" in told[0]
    assert triangle.known[0, -1, 4] == 10
    triangle, told = read_triangle(path, cumulative=False)
    assert "newly known" in told[0]
    assert triangle.known[0, -1, 4] == 24


def test_rows_without_a_day_are_told(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("onset_date,report_date\n2026-01-05,2026-01-06\n,2026-01-06\n2026-01-07,NA\n2026-01-07,2026-01-08\n")
    result = runner(nowcast)(path)
    assert "2 rows without one of the days are left out" in result.stdout
    assert "reports of fewer than 21 days" in result.stdout


@pytest.mark.parametrize(
    ("text", "arguments", "sentence"),
    [
        ("day,known_on\n2026-01-05,2026-01-04\n", (), "row 1: known on 2026-01-04, before 2026-01-05"),
        ("day,known_on,count\n2026-01-05,2026-01-06,-1\n", (), "row 1: the count -1 is negative"),
        ("day,known_on\n2026-01-05,2026-01-06\n", ("--at", "2026-02-01"), "2026-02-01 is in the future"),
        ("day,other\n2026-01-05,2026-01-06\n", (), "no column for the day it became known"),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(tmp_path, text, arguments, sentence):
    path = tmp_path / "events.csv"
    path.write_text(text)
    result = runner(nowcast)(path, *arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


def test_scores_are_printed_best_first(forecasts, tmp_path):
    result = runner(score)(*forecasts, "--baseline", "theirs", "--by", "horizon", "--out", tmp_path / "scores.csv")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0][:4] == ["horizon", "model", "skill", "to_baseline"]
    assert [line[:2] for line in lines[1:5]] == [["1", "ours"], ["1", "theirs"], ["2", "ours"], ["2", "theirs"]]
    assert pcsv.read_csv(tmp_path / "scores.csv").num_rows == 4


def test_a_hub_file_of_one_model_is_named_by_its_file(tmp_path):
    pcsv.write_csv(to_hub(forecast({0.25: 8.0, 0.5: 10.0, 0.75: 12.0})), tmp_path / "city-team.csv")
    pcsv.write_csv(observed(10.0), tmp_path / "truth.csv")
    told = json.loads(runner(score)(tmp_path / "city-team.csv", tmp_path / "truth.csv", "--json").stdout)
    assert [row["model"] for row in told["rows"]] == ["city-team"]
    assert told["rows"][0]["wis"] == pytest.approx(2 * 0.25 * 2 / 3 * 2)


def test_what_cannot_be_scored_is_counted_or_refused(forecasts, tmp_path):
    run = runner(score)
    pcsv.write_csv(observed(10.0), tmp_path / "less.csv")
    assert "2 forecasts: not observed" in run(forecasts[0], tmp_path / "less.csv").stdout
    pcsv.write_csv(observed(10.0, area="elsewhere"), tmp_path / "other.csv")
    result = run(forecasts[0], tmp_path / "other.csv")
    assert result.exit_code == 2
    assert "observes none of the areas and days" in result.output
    assert "name the file of what came" in run(forecasts[0]).output
    assert "the models are ours, theirs" in run(*forecasts, "--baseline", "nobody").output


def test_the_picture_shows_scores_by_day(forecasts, tmp_path):
    run = runner(score)
    assert "all were made on one day" in run(*forecasts, "--plot", tmp_path / "scores.svg").output
    later = {"made_on": MADE_ON + timedelta(weeks=1), "day": MADE_ON + timedelta(weeks=2)}
    pq.write_table(together([pq.read_table(forecasts[0]), forecast({0.5: 12.0}, **later)]), forecasts[0])
    assert run(*forecasts, "--plot", tmp_path / "scores.svg").exit_code == 0
    assert (tmp_path / "scores.svg").stat().st_size > 5_000
