"""`epipolis rt` and the reading of series for all commands."""

import gzip
import json
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from epipolis.engines.epidemic import discretise, estimate_r
from epipolis.server.commands.daily import read_daily
from epipolis.server.commands.rt import rt
from epipolis.server.commands.series import column_of, in_columns, matrix_of, numbers_of, read_series, read_table
from tests.server.commands import runner

INTERVAL = ("--mean", "4.5", "--sd", "2.6")


@pytest.fixture
def run():
    return runner(rt)


@pytest.fixture
def file(tmp_path):
    def write(text, name="cases.csv"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


def lines(counts, *, first=date(2020, 3, 1), heading="date,cases"):
    rows = [f"{date.fromordinal(first.toordinal() + number)},{count}" for number, count in enumerate(counts)]
    return "\n".join([heading, *rows, ""])


def test_the_table_and_the_curve_are_printed(run, file):
    result = run(file(lines([5 + number for number in range(40)])), *INTERVAL)
    assert result.exit_code == 0
    assert "●" in result.stdout
    assert "the last 10 of 33 rows" in result.stdout
    assert "% a day" in result.stdout
    assert "R is above 1 with a probability of" in result.stdout
    assert len(run(file(lines([5] * 40)), *INTERVAL, "--all").stdout.splitlines()) > 33


def test_json_is_what_the_engine_gives(run, file):
    counts = np.arange(40) % 7 + 4
    result = json.loads(run(file(lines(counts)), *INTERVAL, "--json", "--window", "5").stdout)
    expected = estimate_r(counts, discretise(4.5, 2.6), windows=5)
    assert [row["mean"] for row in result["rows"]] == pytest.approx(expected.mean[0].tolist())
    assert result["rows"][-1]["day"] == "2020-04-09"
    assert result["window"] == 5


@pytest.mark.parametrize("name", ["r.csv", "r.parquet"])
def test_the_whole_table_and_a_picture_are_written(run, file, tmp_path, name):
    source = file(lines(np.arange(40) % 7 + 4))
    result = run(source, *INTERVAL, "--out", tmp_path / name, "--plot", tmp_path / "r.svg")
    assert result.exit_code == 0
    assert read_table(tmp_path / name).num_rows == 33
    assert "<svg" in (tmp_path / "r.svg").read_text()


@pytest.mark.parametrize("name", ["flu2009_pennsylvania_school", "measles1861_hagelloch", "sars2003_hongkong"])
def test_reference_files_are_read_as_they_are(run, shared_data, name):
    folder = shared_data / "rt_reference"
    interval = folder / f"{name}_serial_interval.csv"
    result = run(folder / f"{name}_incidence.csv", "--interval", interval, "--json")
    reference = (folder / f"{name}_epiestim_R.csv").read_text().splitlines()[1:]
    last = [line.split(",") for line in reference if line.endswith("non_parametric_si")][-1]
    assert json.loads(result.stdout)["rows"][-1]["mean"] == pytest.approx(float(last[2]), rel=1e-10)


@pytest.mark.parametrize(
    ("path", "options", "areas"),
    [
        ("rt_reference/covid_switzerland_2020_incidence.csv", (), 1),
        ("hospital_italy_regions/italy_regions_daily.csv.gz", (), 21),
        ("taiwan_cases_by_district/confirmed_2022_taipei_newtaipei.csv.gz", ("--pool",), 42),
        ("hospital_portugal/portugal_daily.csv", ("--delay-mean", "7", "--delay-sd", "3"), 1),
        ("hospital_portugal/portugal_municipality_incidence_14d.parquet", ("--pool",), 308),
        ("truncation_epinow2/example_truncated_snapshots.csv", (), 5),
        ("truncation_epinow2/example_confirmed_italy_2020.csv", ("--cohort",), 1),
        ("germany_nowcast_r/rki_nowcast_r_final.csv", (), 1),
    ],
)
def test_real_files_give_an_answer_for_every_area_and_never_nan(run, shared_data, path, options, areas):
    result = run(shared_data / path, *INTERVAL, *options, "--json")
    assert result.exit_code == 0
    rows = json.loads(result.stdout)["rows"]
    assert len({row["area"] for row in rows}) >= areas
    assert all(np.isfinite(row["mean"]) for row in rows)


def test_a_column_of_imported_cases_is_used(run, file):
    text = "date,local,imported\n" + "".join(f"2020-03-{day:02d},10,10\n" for day in range(1, 31))
    told = json.loads(run(file(text), *INTERVAL, "--json").stdout)
    assert told["notes"][0] == "counts: local + imported, of which imported: imported"
    assert told["rows"][-1]["mean"] == pytest.approx(0.5, abs=0.05)
    assert told["rows"][-1]["cases"] == 70


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("date,cases\n2020-03-01,5\n2020-03-01,6\n", "has 2020-03-01 twice, in rows 1 and 2"),
        ("date,cases\n2020-03-01,5\n2020-13-01,6\n", "row 2 has '2020-13-01' in 'date'"),
        ("date,cases\n2020-03-01,5\n,6\n", "row 2 has no day"),
        ("date,cases\n2020-03-01,5\n2020-03-02,many\n", "row 2 has 'many' in 'cases'"),
        ("a,b\n1,2\n", "no column for the counts"),
        ("", "is empty"),
        ("date,cases\n", "has no rows"),
        ("date,date\n1,2\n", "more than one column 'date'"),
        ("date,local,imported\n2020-03-01,5,1\n2020-03-02,5,-1\n", "row 2 has fewer than no imported"),
        ("date,cases,imported\n2020-03-01,5,1\n2020-03-02,5,6\n", "row 2 has more imported cases than cases"),
        ("date,cases,imported\n2020-03-01,5,\n2020-03-02,5,1\n", "row 1 has cases, but does not say"),
        ("area,cases\na,1\nb,2\n", "several areas, but no column with days"),
        (lines([3, 4, 5]), "a window has 7 days, but the series has 3"),
        ("date,cases\n2020-03-01,5\n2020-03-04,5\n2020-03-07,5\n", "--covers"),
    ],
)
def test_a_file_that_breaks_a_rule_ends_with_one_sentence(run, file, text, words):
    result = run(file(text), *INTERVAL)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "the serial interval is missing"),
        (("--mean", "4"), "belong together"),
        ((*INTERVAL, "--delay-mean", "4"), "belong together"),
        ((*INTERVAL, "--pool", "--cohort"), "choose one"),
        ((*INTERVAL, "--only", "nowhere"), "no area 'nowhere'; there are all"),
        ((*INTERVAL, "--value", "deaths"), "no column 'deaths'; its columns are date, cases"),
        ((*INTERVAL, "--window", "400"), "a window has 400 days"),
        ((*INTERVAL, "--out", "r.xlsx"), "must end in .csv or .parquet"),
        ((*INTERVAL, "--plot", "r.pdf"), "must end in .png or .svg"),
        ((*INTERVAL, "--start", "spring"), "must be a day"),
        (("--mean", "0.5", "--sd", "1"), "must be above 1"),
        (("--mean", "4", "--sd", "2", "--prior-mean", "0"), "prior has mean 0"),
        ((*INTERVAL, "--covers", "0"), "--covers is 0"),
    ],
)
def test_options_that_cannot_be_end_with_one_sentence(run, file, options, words):
    result = run(file(lines([5] * 30)), *options)
    assert result.exit_code == 2
    assert words in result.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lag_days,probability\n0,0.2\n1,0.8\n", "0.2 at lag 0"),
        ("lag_days,probability\n0,0\n1,0.8\n", "sums to 0.8"),
        ("lag_days,probability\n1,0.5\n1,0.5\n", "row 2 has the lag 1 a second time"),
        ("lag_days,probability\n1.5,1\n", "row 1 has the lag 1.5"),
        ("days_between,share\n1,1\n", "no column for the lag in days"),
    ],
)
def test_an_interval_file_that_breaks_a_rule_is_named(run, file, text, words):
    interval = file(text, "interval.csv")
    result = run(file(lines([5] * 30)), "--interval", interval)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "interval.csv" in result.stderr


def test_an_interval_file_may_leave_lags_out(run, file):
    interval = file("lag_days,probability\n4,1\n", "interval.csv")
    rows = json.loads(run(file(lines([50] * 30)), "--interval", interval, "--json").stdout)["rows"]
    assert rows[-1]["mean"] == pytest.approx(1, abs=0.02)


def test_negative_counts_are_taken_as_missing_and_told(run, file):
    told = json.loads(run(file(lines([20] * 20 + [-7] + [20] * 10)), *INTERVAL, "--json").stdout)
    assert "1 negative count is taken as missing (row 21)" in told["notes"][1]
    assert [row["marked"] for row in told["rows"]].count("days missing") == 7


def test_weekly_figures_and_sums_over_several_days_are_spread(file):
    weekly = "date,cases\n2020-03-07,70\n2020-03-14,140\n2020-03-28,7\n"
    found = read_daily(file(weekly))
    assert np.nansum(found.values) == 10 + 140 + 7  # of the first week only its last day lies within the series
    assert found.values[0, 1:8].tolist() == [20] * 7
    assert np.isnan(found.values[0, 8:15]).all()
    gaps = "date,cases,days_since_prev\n2020-03-01,4,1\n2020-03-02,4,1\n2020-03-04,10,2\n"
    assert read_daily(file(gaps)).values.tolist() == [[4, 4, 5, 5]]
    over = "date,casos_14dias\n" + "".join(f"2020-03-{day},140\n" for day in (10, 17, 24))
    assert read_daily(file(over)).values[0].tolist() == [10] * 15


def test_of_each_area_the_last_window_with_data_is_printed(run, file):
    early = "".join(f"south,2020-03-{day:02d},20\n" for day in range(1, 16))
    text = "area,date,cases\n" + "".join(f"north,2020-03-{day:02d},20\n" for day in range(1, 31)) + early
    shown = run(file(text), *INTERVAL).stdout.splitlines()
    assert any(line.startswith("north") and "2020-03-30" in line for line in shown)
    assert any(line.startswith("south") and "2020-03-15" in line for line in shown)


def test_days_left_out_are_missing_and_not_zero(file):
    assert np.isnan(read_daily(file("date,cases\n2020-03-01,4\n2020-03-02,4\n2020-03-04,9\n2020-03-05,1\n")).values[0, 2])


def test_the_order_of_rows_does_not_matter(run, file):
    text = lines(np.arange(30) + 3)
    head, *rows = text.strip().split("\n")
    mixed = "\n".join([head, *np.random.default_rng(1).permutation(rows)])
    straight, turned = (json.loads(run(file(one), *INTERVAL, "--json").stdout)["rows"] for one in (text, mixed))
    assert straight == turned


def test_places_stay_text_and_the_same_district_of_two_cities_is_two_areas(file):
    table = read_table(file("location,date,value\n01,2020-03-01,1\n02,2020-03-01,2\n", "f.csv.gz"))
    assert table.column("location").to_pylist() == ["01", "02"]
    series = read_series(file("city,district,date,value\nA,x,2020-03-01,1\nB,x,2020-03-01,2\n"))
    assert series.column("area").to_pylist() == ["A x", "B x"]


def test_an_area_measured_in_square_kilometres_is_no_place(file):
    series = read_series(file("municipality,area,date,value\nA,12.5,2020-03-01,1\nB,3.25,2020-03-01,2\n"))
    assert series.column("area").to_pylist() == ["A", "B"]


def test_semicolons_and_a_byte_order_mark_are_read(file):
    table = read_table(file("\ufeffdate;cases\n2020-03-01;4\n"))
    assert table.column_names == ["date", "cases"]
    assert table.column("cases").to_pylist() == [4]


def test_days_of_publication_are_kept_as_known_on(file):
    series = read_series(file("as_of,date,location,value\n2020-03-09,2020-03-01,01,4\n2020-03-16,2020-03-01,01,\n"))
    assert series.column_names == ["area", "day", "value", "known_on"]
    assert series.column("value").to_pylist() == [4, None]


def test_columns_are_found_in_any_case_and_summed_with_a_plus():
    table = pa.table({"Date": ["x"], "Cases_A": [1.0], "b": [2.0]})
    assert column_of(table, "day", "date") == "Date"
    assert numbers_of(table, column_of(table, given="cases_a+b")).tolist() == [3]
    with pytest.raises(ValueError, match="no column 'c'; its columns are Date"):
        column_of(table, given="c")


def test_a_matrix_of_weeks_refuses_days_between(file):
    weeks = read_series(file("date,value\n2020-03-07,1\n2020-03-21,2\n"))
    names, days, values = matrix_of(weeks, step=7)
    assert (names, len(days)) == (["all"], 3)
    assert np.isnan(values[0, 1])
    with pytest.raises(ValueError, match=r"row 2 .* not a multiple of 7"):
        matrix_of(read_series(file("date,value\n2020-03-07,1\n2020-03-12,2\n")), step=7)


@pytest.mark.parametrize("name", ["x.parquet", "x.csv.gz"])
def test_a_damaged_or_missing_file_is_told(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(ValueError, match="no such file"):
        read_table(path)
    path.write_bytes(b"no such thing")
    with pytest.raises(ValueError, match="damaged"):
        read_table(path)


def test_parquet_is_read_with_its_kinds(tmp_path):
    pq.write_table(pa.table({"day": pa.array([date(2020, 3, 1)]), "value": [1.5]}), tmp_path / "x.parquet")
    assert read_series(tmp_path / "x.parquet").to_pylist() == [{"area": "all", "day": date(2020, 3, 1), "value": 1.5}]


def test_tables_line_up_with_wide_signs_and_missing_values():
    table = pa.table({"area": ["板橋區", "a"], "cases": [1_200.0, None], "r": [1.234, 0.5]})
    assert in_columns(table).splitlines() == ["area    cases     r", "板橋區  1,200  1.23", "a           –  0.50"]
