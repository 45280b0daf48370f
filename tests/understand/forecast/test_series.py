"""Uploaded series: each value as it became known, bad rows named, corrections kept beside what they correct."""

from datetime import timedelta

import pytest

from epipolis.core import clock
from epipolis.understand.forecast import queries, services
from epipolis.understand.forecast.models import Series, SeriesValue

from .factories import NOW, TODAY, epidemic, made_round, options, town, written

pytestmark = pytest.mark.django_db
HEADER = "series,area,day,value,limit,known_on\n"


def taken(tmp_path, text, at=NOW, **more):
    return services.import_series(written(tmp_path, text), options(at, **more))


def values(at, name="ward"):
    return {(row[1], row[2]): row[4] for row in queries.known_at(at).by_target.get(name, [])}


def test_bad_rows_are_named_with_their_rule_and_good_ones_are_kept(tmp_path):
    text = HEADER + (
        f"ward,St Mary,{TODAY},40,50,\n"
        "ward,St Mary,2026-02-30,40,,\n"
        f"ward,St Mary,{TODAY + timedelta(days=1)},40,,\n"
        "ward,St Mary,2026-03-01,minus,,\n"
        "ward,St Mary,2026-03-01,-3,,\n"
        ",St Mary,2026-03-01,3,,\n"
        "cases,St Mary,2026-03-01,3,,\n"
        "w@rd!,St Mary,2026-03-01,3,,\n"
        "ward,St Mary,2026-03-05,3,,2026-03-04\n"
        "ward,St Mary,2026-03-05,inf,,\n"
        "icu,Demo Harbour,2026-03-05,4,,2026-03-07\n"
        "ward,St Mary,2026-03-05,1e300,,\n"
    )
    town()

    report = taken(tmp_path, text)

    assert (report.accepted, report.created, report.rejected) == (2, 2, 10)
    assert [(one.row, one.field) for one in report.problems] == [
        (3, "day"), (4, "day"), (5, "value"), (6, "value"), (7, "series"), (8, "series"), (9, "series"), (10, "known_on"),
        (11, "value"), (13, "value"),
    ]  # fmt: skip
    assert {(row.series.name, row.area) for row in SeriesValue.objects.all()} == {("ward", "St Mary"), ("icu", "D1")}
    assert {row.kind for row in Series.objects.all()} == {"occupancy"}


def test_a_corrected_value_is_a_new_row_and_the_past_stays_as_it_was_known(tmp_path):
    day = TODAY - timedelta(days=3)
    taken(tmp_path, HEADER + f"ward,A,{day},40,,\n")
    again = taken(tmp_path, HEADER + f"ward,A,{day},40,,\n", NOW + timedelta(days=1))
    corrected = taken(tmp_path, HEADER + f"ward,A,{day},44,,\n", NOW + timedelta(days=2))

    assert (again.unchanged, again.created) == (1, 0)
    assert (corrected.changed, corrected.created) == (1, 0)
    assert SeriesValue.objects.count() == 2
    assert values(NOW + timedelta(days=1)) == {("A", day): 40}
    assert values(NOW + timedelta(days=2)) == {("A", day): 44}
    assert values(NOW - timedelta(seconds=1)) == {}


def test_published_vintages_are_known_from_the_end_of_their_day(tmp_path):
    day = TODAY - timedelta(days=10)
    text = HEADER + f"ward,A,{day},40,,{day + timedelta(days=1)}\nward,A,{day},43,,{day + timedelta(days=5)}\n"

    report = taken(tmp_path, text)
    again = taken(tmp_path, text, NOW + timedelta(days=1))

    assert (report.created, report.changed) == (1, 1)
    assert again.unchanged == 2
    assert values(clock.start_of(day + timedelta(days=2)) - timedelta(seconds=1)) == {}
    assert values(clock.start_of(day + timedelta(days=2))) == {("A", day): 40}
    assert values(clock.start_of(day + timedelta(days=6))) == {("A", day): 43}


def test_an_empty_value_takes_an_earlier_one_back(tmp_path):
    day = TODAY - timedelta(days=3)
    taken(tmp_path, HEADER + f"ward,A,{day},40,,\n")
    taken(tmp_path, HEADER + f"ward,A,{day},,,\n", NOW + timedelta(days=1))

    assert values(NOW + timedelta(days=1)) == {("A", day): None}
    assert "ward" not in {name for name, areas in queries.known_at(NOW + timedelta(days=1)).counts.items() if areas}


def test_a_check_stores_nothing_and_tells_the_same(tmp_path):
    text = HEADER + f"ward,A,{TODAY},40,,\nward,A,never,40,,\n"

    told = taken(tmp_path, text, dry_run=True)

    assert (told.created, told.rejected) == (1, 1)
    assert not Series.objects.exists()
    real = taken(tmp_path, text)
    assert (real.created, real.rejected) == (told.created, told.rejected)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "series,area\nward,A\n"])
def test_a_file_that_is_no_series_is_refused_whole(tmp_path, text):
    with pytest.raises(ValueError, match=r"table\.csv"):
        taken(tmp_path, text)


def test_uploaded_beds_are_forecast_with_the_probability_of_passing_their_limit(tmp_path):
    epidemic(town(), days=40)
    days = [TODAY - timedelta(days=n) for n in range(40, 0, -1)]
    rows = "".join(f"ward,Full,{d},{100 - (TODAY - d).days},60,\nward,Empty,{d},3,60,\n" for d in days)
    known = clock.start_of(TODAY) - timedelta(seconds=1)
    taken(tmp_path, HEADER + rows, known)

    found = made_round()
    told = {row["area"]: row for row in queries.beds_page(found)["rows"] if row["target"] == "ward"}

    assert set(told) == {"Full", "Empty"}
    assert (told["Full"]["now"], told["Full"]["passing"].limit, told["Full"]["passing"].is_assumed) == (99, 60, False)
    assert told["Full"]["probability"] > 0.95
    assert told["Full"]["likely_from"] == TODAY
    assert told["Empty"]["probability"] < 0.05
    with clock.fixed(NOW):
        tile = queries.beds_tile(NOW)
    assert "–" in tile["value"]
    assert tile["note"].startswith("Full, people in hospital: the limit of 60 is likely passed for the first time on 30 March")
    assert told["Empty"]["likely_from"] is None


def test_an_uploaded_weekly_count_is_forecast_in_its_own_weeks(tmp_path):
    last = TODAY - timedelta(days=2)
    rows = "".join(f"calls,,{last - timedelta(days=7 * n)},{200 + 5 * n},,\n" for n in range(20))
    taken(tmp_path, HEADER + rows, clock.start_of(TODAY) - timedelta(seconds=1))

    found = made_round()

    rows = list(queries.forecasts_of(found, target="calls", model="ensemble"))
    assert found.gaps == []
    assert [row.area for row in rows] == ["city"] * 4
    assert {(row.day - last).days % 7 for row in rows} == {0}
    assert 100 < rows[0].values[11] < 300


def test_old_values_are_forgotten_by_the_day_that_they_count_and_an_empty_series_goes_with_them(tmp_path):
    taken(tmp_path, HEADER + "ward,A,2020-01-01,3,,\nicu,A,2020-01-01,3,,\nicu,A,2026-03-01,4,,\n")

    assert services.forget_series(before=NOW - timedelta(days=1_830), at=NOW) == 2
    assert [(one.series.name, one.day.year) for one in SeriesValue.objects.all()] == [("icu", 2026)]
    assert [one.name for one in Series.objects.all()] == ["icu"]
    assert services.forget_series(before=NOW - timedelta(days=1_830), at=NOW) == 0
