from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest
from scipy.stats import nbinom

from epipolis.engines.epidemic import LEVELS, Nowcast, Triangle, carry_forward, nowcast, score, summarise, triangle_of
from epipolis.engines.epidemic.completeness import Memory, completeness
from epipolis.engines.epidemic.gaps import without_gaps
from epipolis.engines.epidemic.nowcasts import _quantiles
from tests.engines.epidemic.reports import MONDAY, events, late_reports

STRATA = {"large": 60.0, "middle": 12.0, "small": 1.0}


@pytest.fixture(scope="module")
def wave() -> Triangle:
    return triangle_of(late_reports(strata=STRATA), longest_delay=30)


def scored(triangle: Triangle, offsets: range, back: int = 14) -> dict[str, dict[str, float]]:
    made = []
    for offset in offsets:
        at = triangle.first + timedelta(days=offset)
        made.append(nowcast(triangle, at=at, days_back=back).forecast())
        made.append(carry_forward(triangle, at=at, days_back=back).forecast("carried"))
    return {row["model"]: row for row in summarise(score(pa.concat_tables(made), triangle.finals())).to_pylist()}


def expected(result: Nowcast, stratum: str, delay: int) -> float:
    rows = result.days.filter(pc.and_(pc.equal(result.days["stratum"], stratum), pc.equal(result.days["delay"], delay)))
    return rows["expected"][0].as_py()


def test_intervals_hold_and_the_score_is_far_below_the_counts_carried_forward(wave: Triangle) -> None:
    found = scored(wave, range(40, 95, 4))
    assert 0.85 <= found["nowcast"]["within_90"] <= 0.99
    assert 0.4 <= found["nowcast"]["within_50"] <= 0.75
    assert found["nowcast"]["wis"] < 0.6 * found["carried"]["wis"]


def test_the_weekday_of_coming_reports_is_known(wave: Triangle) -> None:
    """Nothing is reported at the weekend: what happened on Friday is as complete on Sunday as on Friday."""
    at = MONDAY + timedelta(days=7 * 12 + 6)
    last = completeness(wave.until(at), Memory())[-1]
    today = 7 * 12 + 6
    friday, monday = last.share(today, np.array([2]))[0, 0], last.share(today - 2, np.array([0]))[0, 0]
    assert friday == pytest.approx(monday, rel=0.05)
    assert last.share(today - 5, np.array([1]))[0, 0] > 1.3 * last.share(today - 6, np.array([0]))[0, 0]


def test_a_nowcast_sees_nothing_that_came_later(wave: Triangle) -> None:
    at = MONDAY + timedelta(days=70)
    assert nowcast(wave, at=at).table.equals(nowcast(wave.until(at)).table)


def test_a_longer_history_changes_neither_columns_nor_order(wave: Triangle) -> None:
    result = nowcast(wave, days_back=3)
    assert result.table.column_names == ["stratum", "day", "level", "value", "known", "marked"]
    assert result.table.num_rows == 3 * 3 * len(LEVELS)
    assert result.days["delay"].to_pylist() == [2, 1, 0] * 3
    values = result.table["value"].to_numpy().reshape(-1, len(LEVELS))
    assert np.all(np.diff(values, axis=1) >= 0)
    assert np.all(values[:, 0] >= result.days["known"].to_numpy())


def test_a_stratum_without_cases_gets_a_narrow_answer_near_zero() -> None:
    whole = triangle_of(late_reports(strata={"large": 40.0}, days=60))
    empty = np.concatenate([whole.known, np.zeros_like(whole.known)])
    both = Triangle(("large", "none"), whole.first, empty, np.zeros(2), whole.published)
    result = nowcast(both, days_back=7)
    assert expected(result, "none", 0) < 2
    none = result.table.filter(pc.equal(result.table["stratum"], "none"))
    assert none["value"].to_numpy().max() < 12
    assert set(result.days.filter(pc.equal(result.days["stratum"], "none"))["marked"].to_pylist()) == {
        "fewer than 10 events in four weeks"
    }


@pytest.mark.parametrize("rows", [[(0, 0, 1)], [(0, 2, 1)], [(0, 0, 1), (1, 9, 3)], [(0, 0, 0), (5, 5, 0)]])
def test_hardly_any_case_is_a_marked_answer_of_finite_numbers(rows: list[tuple[int, int, float]]) -> None:
    for answer in (nowcast(triangle_of(events(*rows))), carry_forward(triangle_of(events(*rows)))):
        assert np.isfinite(answer.table["value"].to_numpy()).all()
        assert "reports of fewer than 21 days" in answer.days["marked"][0].as_py()


def test_every_day_of_a_young_epidemic_can_be_nowcast() -> None:
    whole = triangle_of(late_reports(strata={"all": 5.0}, days=25))
    for offset in range(20):
        result = nowcast(whole, at=MONDAY + timedelta(days=offset))
        assert np.isfinite(result.table["value"].to_numpy()).all()
        assert result.days.num_rows == min(offset, whole.longest) + 1


def test_corrections_downwards_are_marked_and_expected_again() -> None:
    """Of every ten cases known on the day one is taken back three days later."""
    rows = [(day, day + delay, count) for day in range(80) for delay, count in ((0, 50.0), (1, 100.0), (4, 90.0))]
    triangle = triangle_of(events(*rows), cumulative=True, known_until=MONDAY + timedelta(days=79))
    result = nowcast(triangle, days_back=6)
    assert expected(result, "all", 1) == pytest.approx(90, rel=0.04)
    assert expected(result, "all", 0) == pytest.approx(90, rel=0.08)
    assert result.days["marked"][0].as_py() == "counts were corrected downwards"


def test_days_without_any_report_are_no_days_without_cases() -> None:
    """Published every fourth day only: the nowcast of a day of publication is that of daily reports."""
    daily = triangle_of(late_reports(strata={"all": 80.0}, days=100, quiet_weekend=False), longest_delay=25)
    rows = []
    for report in range(0, 97, 4):
        for delay in range(26):
            if report >= delay:
                rows.append((report - delay, report, float(daily.known[0, report, delay])))
    rare = triangle_of(events(*rows), cumulative=True, spread_gaps=True)
    at = MONDAY + timedelta(days=96)
    often, seldom = nowcast(daily, at=at, days_back=10), nowcast(rare, at=at, days_back=10)
    for delay in (1, 3, 6):
        assert expected(seldom, "all", delay) == pytest.approx(expected(often, "all", delay), rel=0.15)
    assert without_gaps(daily) is daily


def test_quantiles_are_those_of_the_negative_binomial() -> None:
    mean, variance = np.array([3.0, 40.0]), np.array([7.0, 300.0])
    found = _quantiles(mean, variance, np.asarray(LEVELS))
    success = mean / variance
    exact = nbinom.ppf(LEVELS, (mean * success / (1 - success))[:, None], success[:, None])
    assert np.abs(found - exact).max() <= 0.5 + 1e-9
    wide = _quantiles(np.array([5e4]), np.array([1e8]), np.asarray(LEVELS))[0]
    np.testing.assert_allclose(wide, nbinom.ppf(LEVELS, 25.0125, 5e4 / 1e8), rtol=0.02)


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        ({"days_back": 0}, "At least one day is nowcast, not 0"),
        ({"levels": [0.5, 0.1]}, "Levels ascend"),
        ({"longest_delay": 31}, "from 1 to 30 days, not 31"),
        ({"at": date(2027, 1, 1)}, "is in the future"),
        ({"at": date(2025, 1, 1)}, "Nothing was known"),
    ],
)
def test_what_cannot_be_asked_is_refused(wave: Triangle, asked: dict[str, object], rule: str) -> None:
    for ask in (nowcast, carry_forward):
        with pytest.raises(ValueError, match=rule):
            ask(wave, **asked)  # type: ignore[arg-type]  # -- wrong on purpose


def german(shared_data: Path, ages: list[str]) -> Triangle:
    table = pq.read_table(shared_data / "nowcast_triangles" / "germany_hosp_DE_by_age.parquet")
    table = table.filter(pc.is_in(pc.cast(table["age_group"], pa.string()), pa.array(ages)))
    columns = {"day": "reference_date", "known_on": "report_date", "stratum": "age_group"}
    text = {name: pc.cast(table[column], pa.string()) for name, column in columns.items()}
    return triangle_of(pa.table(text | {"count": table["confirm"]}), cumulative=True)


def test_german_hospitalisations_are_nowcast_within_the_figures(shared_data: Path) -> None:
    found = scored(german(shared_data, ["00+", "05-14", "35-59", "80+"]), range(49, 117, 14), back=28)
    assert 0.85 <= found["nowcast"]["within_90"] <= 0.95
    assert found["nowcast"]["wis"] < 0.65 * found["carried"]["wis"]


def test_new_yorks_diagnoses_are_nowcast_within_the_figures(shared_data: Path) -> None:
    table = pcsv.read_csv(shared_data / "nowcast_triangles" / "mpox_nyc_2022_linelist.csv")
    whole = triangle_of(pa.table({"day": table["dx_date"], "known_on": table["dx_report_date"]}))
    found = scored(whole, range(21, 90, 5), back=14)
    assert 0.85 <= found["nowcast"]["within_90"] <= 0.96
    assert found["nowcast"]["wis"] < 0.5 * found["carried"]["ae_median"]
