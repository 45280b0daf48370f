from datetime import date

import numpy as np
import pyarrow.compute as pc
import pytest

from epipolis.engines.epidemic import History, backtest, forecast
from tests.engines.epidemic.forecasts.seasons import array_of, day, table

WEEKDAYS = np.array([1.3, 1.2, 1.1, 1.0, 1.0, 0.9, 0.5])
DAYS = 140


@pytest.fixture(scope="module")
def values():
    rng = np.random.default_rng(2)
    size = np.geomspace(30, 800, 8)[:, None]
    time = np.arange(DAYS)[None, :]
    wave = np.exp(1.2 * np.sin(2 * np.pi * time / 120))
    return rng.poisson(size * wave * WEEKDAYS[time % 7]).astype(float)


def test_days_follow_their_weekday(values):
    history = History(table(values, step=1))
    made = forecast(history, made_on=day(120, step=1), horizons=range(14), models=("autoregressive", "renewal"))
    assert set(made["day"].to_pylist()) == {day(120 + number, step=1) for number in range(14)}
    medians = array_of(made, "ensemble", 8, 14)[-1, :, 11]
    weekday = np.arange(120, 134) % 7
    assert medians[weekday == 6].max() < 0.75 * medians[weekday == 0].min()


def test_daily_intervals_hold(values):
    history = History(table(values, step=1))
    days = [day(number, step=1) for number in range(60, 120, 5)]
    made = backtest(history, made_on=days, horizons=range(14), models=("autoregressive", "renewal", "damped"))
    quantiles = array_of(made, "ensemble", len(days) * 8, 14).reshape(len(days), 8, 14, 23)
    truth = np.stack([values[:, number : number + 14] for number in range(60, 120, 5)])
    inside = (truth >= quantiles[..., 1]) & (truth <= quantiles[..., 21])
    assert 0.88 < inside.mean() <= 1
    error = np.abs(quantiles[..., 11] - truth).mean()
    carried = np.abs(np.stack([values[:, number - 1] for number in range(60, 120, 5)])[..., None] - truth).mean()
    assert error < 0.7 * carried


def test_missing_days_and_a_silent_week_are_normal(values):
    gaps = values.copy()
    gaps[0, 118:120] = np.nan
    gaps[1, 105:120] = np.nan
    gaps[2, 3::7] = np.nan
    made = forecast(History(table(gaps, step=1)), made_on=day(120, step=1), horizons=range(7))
    for name in pc.unique(made["model"]).to_pylist():
        quantiles = array_of(made, name, 8, 7)
        assert np.isfinite(quantiles).all()
        assert (np.diff(quantiles, axis=-1) >= 0).all()
    silent = array_of(made, "autoregressive", 8, 7)[1, :, 11]
    assert 0.3 < silent.mean() / gaps[1, 98:105].mean() < 3


def test_three_days_of_data_are_enough_to_begin(values):
    made = forecast(History(table(values[:, :3], step=1)), made_on=day(3, step=1), horizons=range(7))
    assert np.isfinite(made["value"].to_numpy()).all()


def test_a_district_series_of_the_real_world_is_forecast_better_than_carrying_on(shared_data):
    from epipolis.server.commands.series import read_series

    file = shared_data / "taiwan_cases_by_district" / "confirmed_2022_taipei_newtaipei.csv.gz"
    history = History(read_series(file))
    days = [date(2022, month, number) for month in (5, 6, 7, 9) for number in (6, 20)]
    made = backtest(history, made_on=days, horizons=range(14), models=("autoregressive", "renewal", "damped", "baseline"))
    truth = {
        (area, one): count
        for area, row in zip(history.areas, history.values, strict=True)
        for one, count in zip(history.days.tolist(), row, strict=True)
    }
    seen = np.array([truth[key] for key in zip(made["area"].to_pylist(), made["day"].to_pylist(), strict=True)])
    names, levels = np.array(made["model"].to_pylist()), made["level"].to_numpy()
    off = seen - made["value"].to_numpy()
    losses = {
        name: np.nanmean(np.maximum(levels * off, (levels - 1) * off)[names == name]) for name in ("ensemble", "baseline")
    }
    assert losses["ensemble"] < 0.9 * losses["baseline"]
