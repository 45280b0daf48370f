"""`epipolis beds` and `epipolis alarms`: files as they are, limits, hot spots, and one sentence for what is wrong."""

import json
from datetime import date, timedelta

import numpy as np
import pyarrow.parquet as pq
import pytest

from epipolis.server.commands.alarms import alarms
from epipolis.server.commands.beds import beds
from tests.server.commands import runner

START = date(2026, 1, 1)


@pytest.fixture
def run():
    return runner(beds, alarms)


@pytest.fixture
def hospitals(tmp_path):
    """Beds in use in two hospitals; the wards of "north" grow."""
    lines = ["date,hospital,ward,icu,new_cases"]
    for day in range(60):
        today = START + timedelta(days=day)
        lines.append(f"{today},north,{round(50 * np.exp(0.03 * day))},{round(8 * np.exp(0.03 * day))},{20 + day}")
        lines.append(f"{today},south,80,10,")
    path = tmp_path / "hospitals.csv"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def calls(tmp_path):
    rng = np.random.default_rng(1)
    lines = ["date,region,age,count"]
    for day in range(120):
        for region in ("east", "west"):
            for age in ("young", "old"):
                extra = 60 if region == "east" and day == 110 else 0
                lines.append(f"{START + timedelta(days=day)},{region},{age},{rng.poisson(20) + extra}")
    path = tmp_path / "calls.csv"
    path.write_text("\n".join(lines))
    return path


def test_beds_are_forecast_for_each_hospital_and_limits_are_told(run, hospitals):
    result = run("beds", hospitals, "--area", "hospital", "--limit", "ward:north=350", "--limit", "icu:500")

    assert result.exit_code == 0, result.output
    assert "north: more than 350 ward beds are likely from 2026-03-" in result.output
    assert "south: passing 500 icu beds by 2026-03-15 is unlikely (probability below 1 %)." in result.output
    assert "south: passing 350" not in result.output


def test_a_limit_can_be_of_a_kind_an_area_or_both_and_the_narrowest_holds(run, hospitals):
    limits = ("--limit", "icu:south=7", "--limit", "icu=120", "--limit", "ward=900", "--limit", "south=90")
    result = run("beds", hospitals, "--area", "hospital", *limits, "--json")

    told = {(row["kind"], row["area"]): row["limit"] for row in json.loads(result.output)["rows"]}
    assert told == {("icu", "north"): 120, ("icu", "south"): 7, ("ward", "north"): 900, ("ward", "south"): 90}


def test_the_table_the_file_and_the_picture_hold_the_same_forecast(run, hospitals, tmp_path):
    out, plot = tmp_path / "beds.parquet", tmp_path / "beds.png"

    result = run("beds", hospitals, "--area", "hospital", "--days", "10", "--json", "--out", out, "--plot", plot)

    told = json.loads(result.output)
    written = pq.read_table(out)
    assert told["made_on"] == "2026-03-01"
    assert written.num_rows == 2 * 2 * 10 * 23
    row = next(row for row in told["rows"] if (row["kind"], row["area"]) == ("ward", "north"))
    end = written.filter((written["area"].to_numpy() == "north") & (written["target"].to_numpy() == "ward"))
    median = end.filter((end["level"].to_numpy() == 0.5) & (end["horizon"].to_numpy() == 10))["value"][0].as_py()
    assert row["day 10"] == pytest.approx(median)
    assert plot.stat().st_size > 10_000


def test_a_forecast_of_an_earlier_day_does_not_know_what_came_later(run, hospitals):
    result = run("beds", hospitals, "--area", "hospital", "--made-on", "2026-02-01", "--json", "--only", "south")

    told = json.loads(result.output)
    assert told["made_on"] == "2026-02-01"
    assert {row["area"] for row in told["rows"]} == {"south"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--limit", "many"), "'many' is no number"),
        (("--limit", "nowhere=5"), "there is no area 'nowhere'; there are north, south"),
        (("--limit", "icu:nowhere=5"), "there is no area 'nowhere'"),
        (("--limit", "ventilators=5"), "no beds of ventilators; it has ward, icu"),
        (("--limit", "nan"), "a number of beds from 0 on"),
        (("--area", "hospital", "--only", "nowhere"), "no such area"),
        (("--days", "99"), "days is 99"),
        (("--ward", "nothing"), "nothing"),
        (("--made-on", "soon"), "--made-on is 'soon'"),
        (("--made-on", "2020-01-01"), "no row known on 2020-01-01"),
    ],
)
def test_what_beds_cannot_do_is_said_in_one_sentence(run, hospitals, options, words):
    area = () if "--area" in options else ("--area", "hospital")
    result = run("beds", hospitals, *area, *options)

    assert result.exit_code == 2
    assert words in result.output
    assert result.output.count("\n") == 1


def test_alarms_are_found_in_what_is_added_up_by_a_column(run, calls):
    by_region = json.loads(run("alarms", calls, "--by", "region", "--json").output)
    everything = json.loads(run("alarms", calls, "--by", "all", "--json").output)

    assert by_region["series"] == 2
    assert ("east", "2026-04-21") in {(row["area"], row["day"]) for row in by_region["rows"]}
    assert not any(row["area"] == "west" and row["day"] == "2026-04-21" for row in by_region["rows"])
    assert everything["series"] == 1
    assert everything["note"] == "rows of one day and series were added up"


def test_alarms_are_printed_written_and_drawn(run, calls, tmp_path):
    out, plot = tmp_path / "alarms.csv", tmp_path / "alarms.svg"

    result = run("alarms", calls, "--by", "region,age", "--method", "ears", "--out", out, "--plot", plot)

    assert result.exit_code == 0, result.output
    assert "in 4 series, 2026-01-01 to 2026-04-30" in result.output
    assert len(out.read_text().splitlines()) == 4 * 120 + 1
    assert plot.stat().st_size > 10_000


def test_a_negative_count_is_told_and_taken_as_missing(run, tmp_path):
    path = tmp_path / "counts.csv"
    path.write_text("\n".join(["day,value", *(f"{START + timedelta(days=n)},{-3 if n == 8 else 10}" for n in range(60))]))

    assert "negative counts are taken as missing: 1, the first in row 9" in run("alarms", path).output


def test_too_short_a_series_is_told_to_be_unjudged(run, tmp_path):
    path = tmp_path / "counts.csv"
    path.write_text(f"day,value\n{START},5\n{START + timedelta(days=1)},6\n")

    assert "nothing could be judged: there are too few counts before each" in run("alarms", path).output


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"day,value\n2026-01-01,1\n2026-01-02,1\x002\n", "line 3 holds a NUL character"),
        ("day,value\n2026-01-01,1\n".encode("utf-16"), "line 1 holds a NUL character"),
        (b"day,value\n2026-01-01,1\n2026-01-02,1e300\n", "row 2 has 1e+300 in 'value'"),
        (b"day,value\n2026-01-01,-inf\n2026-01-02,3\n", "row 1 has -inf in 'value'"),
    ],
)
def test_what_is_no_count_is_named_by_its_row(run, tmp_path, content, words):
    path = tmp_path / "counts.csv"
    path.write_bytes(content)
    result = run("alarms", path)

    assert result.exit_code == 2
    assert words in result.output


def test_hot_spots_are_found_where_places_are_given(run, tmp_path):
    rng = np.random.default_rng(3)
    spots = [f"village {number}" for number in range(20)]
    places, cases = tmp_path / "places.csv", tmp_path / "cases.csv"
    lonlat = [(121.5 + 0.01 * (number % 5), 25 + 0.01 * (number // 5)) for number in range(20)]
    places.write_text(
        "area,lon,lat,population\n"
        + "".join(f"{name},{lon},{lat},5000\n" for name, (lon, lat) in zip(spots, lonlat, strict=True))
        + "far away,,,100\n"
    )
    rows = ["area,day,value", f"far away,{START},3"]
    for number, name in enumerate(spots):
        for day in range(40):
            extra = 3 if number in (0, 1, 5) and day > 34 else 0
            rows.append(f"{name},{START + timedelta(days=day)},{rng.poisson(0.4) + extra}")
    cases.write_text("\n".join(rows))

    result = run("alarms", cases, "--places", places, "--draws", "99", "--json")

    told = json.loads(result.output)
    assert told["skipped"] == ["far away"]
    assert set(told["rows"][0]["areas"]) == {"village 0", "village 1", "village 5"}
    assert told["rows"][0]["p"] == pytest.approx(0.01)
    assert "village 0" in run("alarms", cases, "--places", places, "--draws", "9").output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--method", "magic"), "no method 'magic'"),
        (("--false-alarms", "0"), "false alarms per year are 0"),
        (("--together", "none"), "together is 'none'"),
        (("--since", "2030-01-01"), "ends on"),
        (("--value", "nothing"), "nothing"),
        (("--places", "nowhere.csv"), "nowhere.csv"),
    ],
)
def test_what_alarms_cannot_do_is_said_in_one_sentence(run, calls, options, words):
    result = run("alarms", calls, *options)

    assert result.exit_code == 2
    assert words in result.output


def test_the_commands_read_the_reference_files_as_they_are(run, shared_data):
    italy = run("beds", shared_data / "hospital_italy_regions" / "italy_regions_daily.csv.gz", "--limit", "icu:Lombardia=100")
    portugal = run("beds", shared_data / "hospital_portugal" / "portugal_daily.csv", "--json")
    taiwan = run("alarms", shared_data / "taiwan_cases_by_district" / "confirmed_2022_taipei_newtaipei.csv.gz", "--json")

    assert "Lombardia: passing 100 icu beds by 2021-07-14 is" in italy.output
    assert {row["kind"] for row in json.loads(portugal.output)["rows"]} == {"ward", "icu"}
    assert json.loads(taiwan.output)["series"] == 42
