"""`epipolis forecast`: tables as they are, back-tests and scores beside a hub's."""

import json
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest

from epipolis.engines.epidemic import History, backtest, from_hub, to_hub
from epipolis.server.commands.forecast import forecast
from epipolis.server.commands.series import read_table
from tests.engines.epidemic.forecasts.seasons import counts, day, table
from tests.server.commands import runner

QUICK = ("--models", "autoregressive,damped,baseline")


@pytest.fixture
def run():
    return runner(forecast)


@pytest.fixture(scope="module")
def values():
    return counts(areas=6, weeks=90)


@pytest.fixture
def file(tmp_path, values):
    path = tmp_path / "admissions.csv"
    pcsv.write_csv(table(values), path)
    return path


def test_the_next_weeks_of_every_area_are_printed(run, file):
    result = run(file, *QUICK)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["area", "made_on", "horizon", "day", "low_95", "low_50", "median", "high_50", "high_95"]
    assert sum(line.startswith("area 0") for line in lines) == 24
    assert str(day(93)) in result.stdout


def test_as_json_it_is_told_what_the_ensemble_is_made_of(run, file):
    found = json.loads(run(file, *QUICK, "--json", "--weeks", "2").stdout)
    assert found["step"] == 7
    assert found["vintages"] is False
    assert list(found["weights"].values()) == [{"autoregressive": 0.8, "damped": 0.2}]
    assert len(found["rows"]) == 12
    assert all(row["low_95"] <= row["median"] <= row["high_95"] for row in found["rows"])


def test_a_past_day_is_forecast_from_what_was_known(run, file):
    found = json.loads(run(file, *QUICK, "--json", "--made-on", day(60)).stdout)
    assert {row["day"] for row in found["rows"]} == {str(day(number)) for number in range(60, 64)}


def test_a_hub_file_is_written_and_can_be_read_again(run, file, tmp_path):
    out = tmp_path / "next.hub.csv"
    run(file, *QUICK, "--out", out)
    again = from_hub(read_table(out), "ours")
    assert again.num_rows == 6 * 4 * 23
    assert set(again["day"].to_pylist()) == {day(number) for number in range(90, 94)}
    assert set(again["made_on"].to_pylist()) == {day(90)}


def test_the_whole_table_and_a_fan_chart_are_written(run, file, tmp_path):
    out, plot = tmp_path / "all.parquet", tmp_path / "fan.svg"
    run(file, *QUICK, "--out", out, "--plot", plot, "--area", "area 03")
    assert pq.read_table(out).num_rows == 4 * 6 * 4 * 23
    assert "<svg" in plot.read_text(encoding="utf-8")


def test_a_back_test_is_scored_beside_a_hubs_baseline(run, file, tmp_path, values):
    made = backtest(
        History(table(values), target="count"), made_on=[day(number) for number in range(60, 80)], models=("baseline",)
    )
    hub = to_hub(made.replace_schema_metadata(None), "baseline")
    others = tmp_path / "Hub-baseline.csv"
    pcsv.write_csv(hub, others)
    result = run(file, *QUICK, "--backtest", f"{day(64)}:{day(75)}", "--score", "--baseline", others, "--json")
    found = json.loads(result.stdout)
    by_model = {row["model"]: row for row in found["rows"]}
    assert set(by_model) == {"autoregressive", "damped", "baseline", "ensemble", "Hub-baseline"}
    assert by_model["Hub-baseline"]["relative_wis"] == 1
    assert by_model["baseline"]["relative_wis"] == pytest.approx(1, abs=1e-6)
    assert by_model["ensemble"]["relative_wis"] < 0.85
    assert {row["forecasts"] for row in found["rows"]} == {12 * 6 * 4}


def test_older_hub_forecasts_with_mondays_and_horizons_from_one_are_matched(run, file, tmp_path, values):
    rounds = [day(number) - timedelta(days=5) for number in range(70, 76)]
    made = backtest(History(table(values), target="inc case"), made_on=rounds, models=("baseline",))
    hub = to_hub(made.replace_schema_metadata(None), "baseline")
    horizon = pa.array(np.asarray(hub["horizon"]) + 1)
    hub = hub.set_column(hub.column_names.index("horizon"), "horizon", horizon).rename_columns(
        ["forecast_date" if name == "reference_date" else name for name in hub.column_names]
    )
    others = tmp_path / "theirs.csv"
    pcsv.write_csv(hub.append_column("model", pa.array(["Euro-baseline"] * hub.num_rows)), others)
    found = json.loads(run(file, *QUICK, "--score", "--baseline", others, "--json").stdout)
    by_model = {row["model"]: row for row in found["rows"]}
    assert by_model["baseline"]["relative_wis"] == pytest.approx(1, abs=1e-6)


def test_vintages_of_a_second_file_are_used_and_told(run, file, tmp_path, values):
    parts = []
    for release in range(60, 80):
        part = table(values[:, release - 5 : release + 1], first=day(release - 5))
        parts.append(part.append_column("as_of", pa.array([day(release)] * part.num_rows, pa.date32())))
    vintages = tmp_path / "vintages.parquet"
    pq.write_table(pa.concat_tables(parts), vintages)
    found = json.loads(run(file, *QUICK, "--vintages", vintages, "--made-on", day(75), "--json").stdout)
    assert found["vintages"] is True


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--made-on", "2022-01-01", "--score"), "--made-on is one day"),
        (("--baseline", "x.csv"), "give --score as well"),
        (("--made-on", "1999-01-01"), "nothing was known yet"),
        (("--backtest", "1999-01-01:1999-02-01"), "none of the 90 possible days is within"),
        (("--models", "magic"), "no forecast model 'magic'"),
        (("--model", "renewal", *QUICK), "there is no 'renewal'"),
        (("--out", "table.txt"), "must end in .csv or .parquet"),
        (("--area", "nowhere", "--plot", "fan.png", *QUICK), "there is no 'nowhere'"),
    ],
)
def test_what_cannot_be_is_one_sentence(run, file, arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(file, *arguments)
    assert result.exit_code == 2
    assert says in str(result.exception) + result.output + str(getattr(result, "stderr", ""))


@pytest.mark.parametrize(
    ("name", "areas", "step"),
    [
        ("forecast_us_flu_hosp/truth_weekly.csv.gz", 53, 7),
        ("forecast_us_flu_hosp/truth_vintages_last12w.parquet", 53, 7),
        ("forecast_us_covid_hosp/truth_weekly.csv.gz", 53, 7),
        ("forecast_europe_covid/truth_weekly.csv.gz", 30, 7),
        ("taiwan_cases_by_district/confirmed_2022_taipei_newtaipei.csv.gz", 42, 1),
    ],
)
def test_public_files_are_forecast_as_they_are(run, shared_data, name, areas, step):
    found = json.loads(run(shared_data / name, *QUICK, "--weeks", "1", "--json").stdout)
    assert found["step"] == step
    assert len({row["area"] for row in found["rows"]}) == areas
    assert all(np.isfinite(row["median"]) for row in found["rows"])
